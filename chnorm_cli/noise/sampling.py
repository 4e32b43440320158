"""A bounded sample of a large picture, in which what is to be found once is found."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Window = tuple[slice, slice]  # rows and columns


def spread_windows(size: tuple[int, int], side: int, along: int) -> list[Window]:
    """Spread `along`² windows of `side`² pixels evenly over a picture of `size`, row by row.

    A picture that is shorter than a row of them gives what it has, once.
    """
    rows, columns = (_starts(length, side, along) for length in size)
    return [
        (slice(top, min(top + side, size[0])), slice(left, min(left + side, size[1])))
        for top in rows
        for left in columns
    ]


def mosaic(
    read: Callable[[Window], Tensor], size: tuple[int, int], side: int, along: int
) -> Tensor:
    """Join the windows that `read` gives, (C, h, w) each, to one picture (C, H, W)."""
    windows = spread_windows(size, side, along)
    columns = len({(w[1].start) for w in windows})
    parts = [read(window) for window in windows]
    rows = [torch.cat(parts[i : i + columns], -1) for i in range(0, len(parts), columns)]
    return torch.cat(rows, -2)


def _starts(length: int, side: int, along: int) -> list[int]:
    """Give where the windows begin along one axis: they do not overlap."""
    count = max(1, min(along, length // side))
    if count == 1:
        return [max(0, length - side) // 2]
    return [round(i * (length - side) / (count - 1)) for i in range(count)]
