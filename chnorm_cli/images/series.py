"""Where each picture of a TIFF stands in its series, as tifffile knows ImageJ, OME-XML and others."""

import io
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from chnorm_cli.images.axes import Place
from chnorm_cli.images.stacks import Leaf

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPageSeries

Key = tuple[str, int]  # of a page by its directory, or of a slice without one by its samples


def places(data: bytes, leaves: Sequence[Leaf]) -> list[Place | None]:
    """Find the place of each picture; None where no series holds it."""
    from tifffile import TiffFile

    found = dict[Key, Place]()
    try:
        # Another file object: looking at series turns pages into frames, which know less.
        with TiffFile(io.BytesIO(data)) as file:
            found.update(_listed(file))
    except Exception:  # a description that contradicts the file: its pages are pages
        found.clear()
    return [found.get(_key(leaf)) for leaf in leaves]


def _key(leaf: Leaf) -> Key:
    return ("page", leaf.page.offset) if leaf.offset is None else ("samples", leaf.offset)


def _listed(file: "TiffFile") -> Iterator[tuple[Key, Place]]:
    for number, series in enumerate(file.series):
        page = series.keyframe
        shape, axes = _whole(series, math.prod(page.shape))
        count = math.prod(shape)
        if count == len(series):
            keys = [None if p is None else ("page", p.offset) for p in series]
        elif series.dataoffset is not None:
            starts = range(count)
            keys = [("samples", series.dataoffset + k * page.nbytes) for k in starts]
        else:
            continue
        for key, index in zip(keys, np.ndindex(*shape), strict=True):
            if key is not None:
                yield key, Place(axes, shape, index, number)


def _whole(series: "TiffPageSeries", page: int) -> tuple[tuple[int, ...], str]:
    """Give the lengths of the axes before those of a page of so many samples, and all axes."""
    shape, axes = series.shape, series.axes
    for before in range(len(shape) + 1):
        if math.prod(shape[before:]) == page:
            return tuple(map(int, shape[:before])), axes
    raise ValueError(f"pages of {page} samples do not make up {axes} of {shape}")
