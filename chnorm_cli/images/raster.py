"""What passes between the codecs and the rest: samples as stored, and their metadata."""

from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from chnorm_cli.images.axes import Place
from chnorm_cli.images.metadata import Metadata

Bytes = bytes | memoryview


@dataclass(frozen=True)
class Raster:
    """One page as stored.

    ``samples`` is (H, W, C) with C = 1 (gray) or 3 (RGB), plus ``extra`` channels that are no
    colours, plus one when ``alpha`` is there (never premultiplied). ``orientation`` (1…8) is still
    to be applied. ``palette`` says that the samples come from a colour table, so that equal channels
    mean a gray picture. ``lost`` says what is left out and only the file holds,
    ``place`` where in a stack the page stands.
    """

    samples: NDArray[Any]
    alpha: bool = False
    metadata: Metadata = field(default_factory=Metadata)
    orientation: int = 1
    palette: bool = False
    notes: tuple[str, ...] = ()
    extra: int = 0
    lost: tuple[str, ...] = ()
    place: Place | None = None
