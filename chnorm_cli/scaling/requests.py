"""What one restoration asks for, as values that travel to another process."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from chnorm_cli.fitting.settings import FitSettings

Page = int | Literal["all"] | None


@dataclass(frozen=True)
class Denoise:
    """y = x + noise; σ on the 0–255 scale, None to estimate it."""

    name: ClassVar[str] = "denoise"
    sigma: float | None = None


@dataclass(frozen=True)
class Inpaint:
    """y = Mx; the mask is a file, its bytes, or None for the picture's own alpha channel."""

    name: ClassVar[str] = "inpaint"
    mask: Path | bytes | None
    invert: bool = False
    sigma: float | None = None
    grow: int = 0  # pixels by which the holes are widened


@dataclass(frozen=True)
class Superres:
    """y = x downsampled by `scale` with `kernel`."""

    name: ClassVar[str] = "superres"
    scale: int
    kernel: str = "bicubic"


Task = Denoise | Inpaint | Superres


@dataclass(frozen=True)
class Reading:
    """Which page is read, and how many pixels are believed."""

    page: Page = None
    max_pixels: int = 100_000_000


@dataclass(frozen=True)
class Writing:
    """How the answer is encoded; None follows the input."""

    format: str = "png"
    depth: str | None = None
    strip: bool = False
    quality: int = 95


@dataclass(frozen=True)
class Request:
    """One picture from its source to its target (None: the bytes are handed back, for stdout)."""

    task: Task
    source: Path | bytes
    target: Path | None
    name: str
    settings: FitSettings = field(default_factory=FitSettings)
    reading: Reading = field(default_factory=Reading)
    writing: Writing = field(default_factory=Writing)
