"""The smaller levels of an OME-Zarr, made by averaging blocks of the level before."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Level = tuple[tuple[int, ...], tuple[int, ...]]  # its shape, and the blocks that it averages
WINDOW = 1024  # pixels a side that are written together, where chunks are smaller
LARGEST = 1024  # pixels a side of the smallest level that a new file gets


def shapes_after(before: Sequence[tuple[int, ...]], shape: tuple[int, ...]) -> Iterator[Level]:
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


def fill_whole(arrays: Sequence[Any], whole: NDArray[Any], levels: Sequence[Level]) -> None:
    """Write an array that is held, and its levels."""
    for number, (array, (shape, blocks)) in enumerate(zip(arrays, levels, strict=True)):
        if number:
            whole = averaged(whole, shape, blocks)
        array[...] = whole


def fill_windows(
    arrays: Sequence[Any],
    axes: str,
    levels: Sequence[Level],
    read: Callable[[slice, slice], NDArray[Any]],
    say: Callable[[float], None],
) -> None:
    """Write one plane window by window, and its levels from what is written; ``read`` gives (h, w, C)."""
    for window, share in _windows(arrays[0], axes):
        say(share)
        arrays[0][_at(axes, window)] = in_order(axes, read(*window))
    for before, array, (_, blocks) in zip(arrays, arrays[1:], levels[1:], strict=False):
        down, right = (blocks[axes.index(letter)] for letter in "YX")
        for (rows, columns), _ in _windows(array, axes):
            wide = (
                slice(rows.start * down, rows.stop * down),
                slice(columns.start * right, columns.stop * right),
            )
            part = np.asarray(before[_at(axes, wide)])
            place = _at(axes, (rows, columns))
            array[place] = averaged(part, _shape(array, axes, rows, columns), blocks)


def in_order(axes: str, samples: NDArray[Any]) -> NDArray[Any]:
    """Give samples (h, w, C) of a plane in the order of the axes, of which the others are 1 long."""
    alone = [letter for letter in axes if letter not in "CYX"]
    planes = np.moveaxis(samples, -1, 0)
    planes = planes.reshape(*(1 for _ in alone), *planes.shape)
    letters = [*alone, *"CYX"]
    if "C" not in axes:
        planes, letters = planes[..., 0, :, :], [*alone, *"YX"]
    return np.transpose(planes, [letters.index(letter) for letter in axes])


def stored_together(array: Any, axes: str) -> tuple[int, int]:
    """Give the height and width of what has to be written at once."""
    pieces = array.shards or array.chunks
    down, right = (int(pieces[axes.index(letter)]) for letter in "YX")
    return down, right


def _windows(array: Any, axes: str) -> Iterator[tuple[tuple[slice, slice], float]]:
    """Give windows that cut no chunk, and the share of the rows before each."""
    height, width = (int(array.shape[axes.index(letter)]) for letter in "YX")
    deep, wide = (side * max(1, WINDOW // side) for side in stored_together(array, axes))
    for top in range(0, height, deep):
        for left in range(0, width, wide):
            window = slice(top, min(top + deep, height)), slice(left, min(left + wide, width))
            yield window, top / height


def _at(axes: str, window: tuple[slice, slice]) -> tuple[slice, ...]:
    named = dict(zip("YX", window, strict=True))
    return tuple(named.get(letter, slice(None)) for letter in axes)


def _shape(array: Any, axes: str, rows: slice, columns: slice) -> tuple[int, ...]:
    sides = {"Y": rows.stop - rows.start, "X": columns.stop - columns.start}
    return tuple(sides.get(a, n) for a, n in zip(axes, array.shape, strict=True))


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


def of_new_file(shape: tuple[int, ...]) -> list[Level]:
    """The levels of a new file: planes are halved until they fit on a screen."""
    ones = [1] * (len(shape) - 2)
    levels: list[Level] = [(shape, (*ones, 1, 1))]
    while max(levels[-1][0][-2:]) > LARGEST:
        *before, height, width = levels[-1][0]
        blocks = (*ones, 1 if height == 1 else 2, 1 if width == 1 else 2)
        levels.append(((*before, -(-height // 2), -(-width // 2)), blocks))
    return levels
