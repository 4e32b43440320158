"""What a restoration says on its way; a `Step` of the fit is one of these events as well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chnorm_cli.fitting.solution import Step


@dataclass(frozen=True)
class Opened:
    """A page was read and its restoration begins."""

    name: str
    task: str
    size: tuple[int, int]  # (width, height) in pixels
    layout: str  # "gray", "RGB", "RGB + alpha", …
    page: int  # 1, 2, …
    pages: int
    channel: int = 1  # 1, 2, … of those that are restored one by one
    channels: int = 1


@dataclass(frozen=True)
class Prepared:
    """The device, the generator and the noise level are known."""

    header: Mapping[str, str]


@dataclass(frozen=True)
class Activity:
    """What is happening where no step can tell, in a few words."""

    text: str


@dataclass(frozen=True)
class Finished:
    """The picture is restored and written, or its bytes are in `data`, for stdout."""

    report: dict[str, Any]
    data: bytes | None = None


Event = Opened | Prepared | Activity | Step | Finished

LAYOUTS = {1: "gray", 2: "gray + alpha", 3: "RGB", 4: "RGB + alpha"}
