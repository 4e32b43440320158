"""Finished tiles joined window by window, without ever holding the whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chnorm_cli.restoration.tiles.tiling import shares_of_tiles

Floats = NDArray[np.float32]


class Joined:
    """An answer (scale·H, scale·W, C) of tiles that fade into each other; `tile` gives each.

    They are those of `side`² pixels of a picture of `size` (H, W).
    """

    def __init__(
        self, size: tuple[int, int], side: int, scale: int, tile: Callable[[int], NDArray[Any]]
    ) -> None:
        self.tile = tile
        self.rows, self.columns = (shares_of_tiles(length, side, scale) for length in size)

    def read(self, rows: slice, columns: slice) -> Floats:
        """Give (h, w, C) in a window: sums in the order of the tiles, whoever made them."""
        total: Floats | None = None
        for down, (top, tall) in enumerate(self.rows):
            y = _common(rows, top, len(tall))
            for right, (left, wide) in enumerate(self.columns):
                x = _common(columns, left, len(wide))
                if y is None or x is None:
                    continue
                part = self.tile(down * len(self.columns) + right)
                weight = np.outer(tall[_moved(y, top)], wide[_moved(x, left)])[..., None]
                if total is None:
                    shape = (rows.stop - rows.start, columns.stop - columns.start, part.shape[2])
                    total = np.zeros(shape, np.float32)
                inside = part[_moved(y, top), _moved(x, left)]
                total[_moved(y, rows.start), _moved(x, columns.start)] += weight * inside
        assert total is not None
        return total


def _common(window: slice, start: int, length: int) -> slice | None:
    """Give what a window and a tile have in common, or None."""
    first, last = max(window.start, start), min(window.stop, start + length)
    return slice(first, last) if first < last else None


def _moved(part: slice, origin: int) -> slice:
    return slice(part.start - origin, part.stop - origin)
