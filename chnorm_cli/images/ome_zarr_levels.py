"""The smaller levels of an OME-Zarr, made by averaging blocks of the level before."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

LARGEST = 1024  # pixels a side of the smallest level that a new file gets


def shapes_after(
    before: Sequence[tuple[int, ...]], shape: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Give the shape of each level below ``shape`` and how long the blocks that it averages are.

    ``before`` are the shapes of the levels of the input. It ends before a level that is no average of
    whole blocks.
    """
    for larger, smaller in pairwise(before):
        if len(larger) != len(smaller):
            return
        blocks = tuple(max(1, round(n / m)) for n, m in zip(larger, smaller, strict=True))
        made = []
        for length, n, m, block in zip(shape, larger, smaller, blocks, strict=True):
            if m not in (n // block, -(-n // block)):
                return
            up = m == -(-n // block)
            made.append(-(-length // block) if up else length // block)
        shape = tuple(made)
        if 0 in shape:
            return
        yield shape, blocks


def averaged(whole: NDArray[Any], shape: tuple[int, ...], blocks: tuple[int, ...]) -> NDArray[Any]:
    """Average blocks; those at the edge are of what is there, and integers are rounded."""
    mean: NDArray[Any] = whole
    for axis, (length, block) in enumerate(zip(shape, blocks, strict=True)):
        if block == 1:
            continue
        parts = np.moveaxis(mean, axis, 0)
        missing = max(0, length * block - len(parts))
        if missing:
            parts = np.concatenate([parts, np.repeat(parts[-1:], missing, axis=0)])
        parts = parts[: length * block].reshape(length, block, *parts.shape[1:])
        kind = np.float32 if mean.dtype.itemsize <= 4 else np.float64
        mean = np.moveaxis(parts.mean(axis=1, dtype=kind), 0, axis)
    if whole.dtype.kind in "iu":
        mean = np.rint(mean)
    return np.ascontiguousarray(mean.astype(whole.dtype))


def of_new_file(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The shapes of the levels of a new file: planes are halved until they fit on a screen."""
    shapes = [shape]
    while max(shapes[-1][-2:]) > LARGEST:
        *before, height, width = shapes[-1]
        shapes.append((*before, -(-height // 2), -(-width // 2)))
    return shapes
