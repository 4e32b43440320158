"""Taking the artefacts of a JPEG out tile by tile, each from itself alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from chnorm_cli.classical.artefacts import CELL, CompressionErrors, without_artefacts
from chnorm_cli.noise.sampling import Window
from chnorm_cli.problems.compression import stored, upright
from chnorm_cli.problems.jpeg import Jpeg
from chnorm_cli.restoration.tiles.tile_work import Place

STRIP = 512  # rows that are projected at once


@dataclass(frozen=True, eq=False)
class Uncompress:
    """Take the artefacts out of a tile of a picture of `size` (H, W), with the errors of the whole.

    The whole blocks of a tile are cleaned; what of others it has lies where a tile does not count.
    `most` is how much it may change, as a root mean square.
    """

    jpeg: Jpeg
    errors: CompressionErrors
    size: tuple[int, int]
    strength: float = 1.0
    most: float = math.inf
    go_on: Callable[[], bool] | None = None
    scale: int = 1

    @torch.no_grad()
    def restore(self, y: Tensor, known: Tensor | None, place: Place) -> Tensor:
        """Restore y (C, h, w), whose holes are filled already."""
        compression = self.jpeg.compression
        size = self.size if compression.turned < 5 else self.size[::-1]
        window = window_as_stored(place.corner, y, self.size, compression.turned)
        rows, columns = compression.whole_blocks(window, size)
        if rows.stop == rows.start or columns.stop == columns.start:
            return y
        z = stored(y, compression.turned).clone()
        inner = _moved(rows, window[0].start), _moved(columns, window[1].start)
        jpeg = self.jpeg.window(rows, columns).to(y.device)
        x = without_artefacts(z[:, *inner], jpeg, self.errors, go_on=self.go_on or (lambda: True))
        step = min(self.strength, largest_step(x - z[:, *inner], self.most))
        z[:, *inner] = torch.lerp(z[:, *inner], x, step)
        return upright(z, compression.turned)


def largest_step(change: Tensor, most: float) -> float:
    """Give the share of a change whose root mean square is `most`."""
    return most / max(float(change.square().mean().sqrt()), 1e-9)


def in_cells(x: Tensor, jpeg: Jpeg) -> Tensor:
    """Give x (C, H, W) in the cells of `jpeg`, which pictures leave where two of them fade into each other."""
    turned, (corner, _) = jpeg.compression.turned, jpeg.compression.corner
    z = stored(x, turned).clone()
    height, columns = z.shape[-2], slice(0, z.shape[-1])
    edges = [0, *range(STRIP - corner, height, STRIP), height]  # where blocks end
    for rows in map(slice, edges, edges[1:]):
        z[:, rows] = jpeg.window(rows, columns).project(z[:, rows], CELL)
    return upright(z, turned)


def window_as_stored(
    corner: tuple[int, int], y: Tensor, size: tuple[int, int], turned: int
) -> Window:
    """Give where a tile y (C, h, w) lies in the stored picture, of which the upright one has `size`."""
    rows = slice(corner[0], corner[0] + y.shape[-2])
    columns = slice(corner[1], corner[1] + y.shape[-1])
    if turned in (2, 3, 6, 7):
        columns = slice(size[1] - columns.stop, size[1] - columns.start)
    if turned in (3, 4, 7, 8):
        rows = slice(size[0] - rows.stop, size[0] - rows.start)
    return (columns, rows) if turned >= 5 else (rows, columns)


def _moved(part: slice, origin: int) -> slice:
    return slice(part.start - origin, part.stop - origin)
