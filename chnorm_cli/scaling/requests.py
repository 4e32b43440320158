"""What one restoration asks for, as values that travel to another process."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from chnorm_cli.fitting.settings import FitSettings

if TYPE_CHECKING:
    from chnorm_cli.noise.law import Law

Page = int | Literal["all"] | None


@dataclass(frozen=True)
class NoiseAsked:
    """What is said of the noise: σ on the 0–255 scale or in the file's `own_numbers`, or a camera's
    gain, read noise and black level in the file's numbers; None leaves it to the picture.
    """

    sigma: float | None = None
    own_numbers: bool = False
    kind: str = "auto"
    gain: float | None = None
    read_noise: float | None = None
    black: float | None = None
    strength: float = 1.0
    bad_pixels: str = "auto"  # or "off": they are not looked for
    banding: str = "auto"  # likewise
    same: bool = False  # in all files of a run: it is found from them together

    @property
    def sigma_of_white(self) -> float | None:
        """σ on the 0–255 scale, where it is given so."""
        return None if self.own_numbers else self.sigma


@dataclass(frozen=True)
class Denoise:
    """y = x + noise."""

    name: ClassVar[str] = "denoise"
    noise: NoiseAsked = field(default_factory=NoiseAsked)


@dataclass(frozen=True)
class Inpaint:
    """y = Mx; the mask is a file, its bytes, None for alpha, "nan" for what is not finite."""

    name: ClassVar[str] = "inpaint"
    mask: Path | bytes | Literal["nan"] | None
    invert: bool = False
    grow: int = 0  # pixels by which the holes are widened
    noise: NoiseAsked = field(default_factory=NoiseAsked)
    clean: bool | None = None  # the observed pixels too; None: where a level is given


@dataclass(frozen=True)
class Superres:
    """y = x downsampled by `scale` with `kernel`."""

    name: ClassVar[str] = "superres"
    scale: int
    kernel: str = "bicubic"
    noise: NoiseAsked = field(default_factory=NoiseAsked)


Task = Denoise | Inpaint | Superres


@dataclass(frozen=True)
class Reading:
    """Which page is read, how many pixels are believed, and whether it is a JPEG or was one."""

    page: Page = None
    max_pixels: int = 100_000_000
    jpeg: str = "auto"  # or "off", or the quality of an earlier compression


@dataclass(frozen=True)
class Writing:
    """How the answer is encoded; None follows the input."""

    format: str = "png"
    depth: str | None = None
    strip: bool = False
    quality: int | None = None  # of lossy formats


@dataclass(frozen=True)
class TilesAsked:
    """Who restores the tiles of one large picture: `jobs` processes (None: as many as there is room for,
    0: the one that asks) or a Dask cluster; which share (i, n) of them; and whether finished ones
    are taken up.
    """

    jobs: int | None = None
    dask: str | None = None
    shard: tuple[int, int] | None = None
    resume: bool = False

    @property
    def kept(self) -> bool:
        """Whether something was asked for that only tiles in files can do."""
        return self.resume or self.dask is not None or self.shard is not None


@dataclass(frozen=True)
class LawsOfFiles:
    """The laws of the noise that files share, one for each part of a picture, and their units.

    A number of a file is pixel · `span` + `offset` in them; `found_in` files were looked at.
    """

    laws: tuple[Law, ...]
    offset: float
    span: float
    found_in: int


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
    uncertainty: Path | None = None  # where the map of the errors goes, if one is asked for
    bad_mask: Path | None = None  # where the mask of the bad pixels goes, if it is asked for
    tiles: TilesAsked = field(default_factory=TilesAsked)
    laws: LawsOfFiles | None = None  # of the noise, where many files have the same
