"""Tiles of a large picture that fade into each other, and how large they may be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from chnorm_cli.fitting.settings import LEAST_TILE, FitSettings
from chnorm_cli.memory import GIGABYTE, free_memory
from chnorm_cli.noise.sampling import Window

# Pixels at a tile's inner edges that do not count, because patches there find half of their like,
# and then those over which a tile fades into its neighbour.
MARGIN, FADE = 24, 16
OVERLAP = 2 * MARGIN + FADE
SIDE = 1024
LEAST_SMALL = 160  # pixels along a tile that is enlarged: most of a smaller one would be overlap
MOST_PIXELS = 6_000_000  # of a picture that is restored whole where nobody says anything
# Bytes, measured: torch and what is there before a picture, then for each value of a picture what
# holds all of it, and what works on all of it, or on a tile or the part that is learnt from.
AT_REST, HELD, WORKED = 600_000_000, 40, 60
LEARNT = 1 << 20  # pixels, of the part that is learnt from


@dataclass(frozen=True)
class Tiling:
    """How a picture is restored: in tiles of `tile`² pixels (None: whole), with about `memory` bytes."""

    tile: int | None
    memory: int

    def sentence(self) -> str:
        """Say it for people."""
        return f"of {self.tile} pixels a side, about {self.memory / GIGABYTE:.1f} GB"


def tiling_of(y: Tensor, settings: FitSettings, scale: int = 1) -> Tiling:
    """Choose tiles for the answer, `scale` times as large, to y (C, h, w)."""
    channels, height, width = y.shape
    shape = (channels, scale * height, scale * width)
    return choose_tiling(settings.tile, shape, gpu=y.device.type != "cpu")


def choose_tiling(asked: int | None, shape: tuple[int, int, int], *, gpu: bool = False) -> Tiling:
    """Choose tiles for a picture (C, H, W): `asked` is a side, 0 for none, None for what is best.

    Whether there are tiles depends on the size only, so that a picture comes out alike on all
    machines; where memory is short they are smaller. Raises `ValueError` where it does not fit.
    """
    channels, height, width = shape
    free = None if gpu else free_memory()
    whole = Tiling(None, _needed(channels * height * width, channels * height * width))
    tiled = asked if asked is not None else (SIDE if height * width > MOST_PIXELS else 0)
    if not tiled or max(height, width) <= tiled:
        if asked == 0 and free is not None and whole.memory > free:
            raise ValueError(_too_large(whole.memory, free, "leave --tile at auto"))
        if asked is not None or free is None or whole.memory <= free:
            return whole
        tiled = SIDE
    side = tiled
    while True:
        worked = min(max(side**2, LEARNT), height * width)
        choice = Tiling(side, _needed(channels * height * width, channels * worked))
        if asked or free is None or choice.memory <= free:
            return choice
        if side // 2 < LEAST_TILE:
            raise ValueError(_too_large(choice.memory, free, "close other programs, or crop it"))
        side //= 2


def small_side(tile: int, scale: int) -> int:
    """Give the side of tiles of a picture whose answer, `scale` times as large, has tiles of `tile`."""
    return tile if scale == 1 else max(LEAST_SMALL, tile // scale)


def tile_windows(size: tuple[int, int], side: int) -> list[Window]:
    """Give rows and columns of the tiles of a picture of `size`, row by row; neighbours overlap."""
    rows, columns = (_places(length, side) for length in size)
    return [(down, right) for down in rows for right in columns]


def tile_weight(window: Window, size: tuple[int, int], side: int, scale: int = 1) -> Tensor:
    """Give how much each pixel (scale·h, scale·w) of a tile's answer counts; all sum to 1 everywhere."""
    down, right = (
        _share(length, side, part, scale) for length, part in zip(size, window, strict=True)
    )
    return down.outer(right)


def shares_of_tiles(
    length: int, side: int, scale: int = 1
) -> list[tuple[int, NDArray[np.float32]]]:
    """Give where tiles of the answer begin along one axis, and how much each of their pixels counts."""
    return [
        (scale * place.start, _share(length, side, place, scale).numpy().astype(np.float32))
        for place in _places(length, side)
    ]


def tiling_for_workers(asked: int | None, channels: int) -> Tiling:
    """Give the tiles of a picture that is not held, the same on all machines, and what a worker needs."""
    side = asked or SIDE
    return Tiling(side, _needed(0, channels * max(side**2, LEARNT)))


def _needed(held: int, worked: int) -> int:
    return AT_REST + HELD * held + WORKED * worked


def _too_large(needed: int, free: int, remedy: str) -> str:
    return (
        f"the picture needs about {needed / GIGABYTE:.1f} GB of memory and"
        f" {free / GIGABYTE:.1f} GB are free; {remedy}"
    )


def _places(length: int, side: int) -> list[slice]:
    """Spread as few tiles of at most `side` as overlap enough over `length`, no longer than they must be."""
    if length <= side:
        return [slice(0, length)]
    count = -(-(length - OVERLAP) // (side - OVERLAP))
    own = -(-(length + (count - 1) * OVERLAP) // count)
    starts = [round(i * (length - own) / (count - 1)) for i in range(count)]
    return [slice(start, start + own) for start in starts]


def _share(length: int, side: int, place: slice, scale: int) -> Tensor:
    """Give the share of the tile at `place`, along one axis of the answer."""
    total, own = torch.zeros(scale * length), torch.zeros(0)
    for other in _places(length, side):
        weight = _weight(length, other, scale)
        total[scale * other.start : scale * other.stop] += weight
        if other.start == place.start:
            own = weight
    return own / total[scale * place.start : scale * place.stop]


def _weight(length: int, place: slice, scale: int) -> Tensor:
    at = place.start + (torch.arange(scale * (place.stop - place.start)) + 0.5) / scale
    before = (at - place.start - MARGIN) / FADE if place.start > 0 else torch.ones(len(at))
    after = (place.stop - at - MARGIN) / FADE if place.stop < length else torch.ones(len(at))
    return torch.minimum(before, after).clamp(0.0, 1.0)
