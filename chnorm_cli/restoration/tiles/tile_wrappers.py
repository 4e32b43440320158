"""What is done around the work in a tile: bad pixels filled, observed values kept, two answers weighed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from chnorm_cli.classical.local_prediction import local_filling
from chnorm_cli.classical.patch_filling import wide_holes
from chnorm_cli.noise.bad_pixels import find_bad_pixels
from chnorm_cli.restoration.tiles.tile_work import Place, TileWork, filled_smoothly


@dataclass(frozen=True, eq=False)
class AsItIs:
    """Do nothing."""

    scale: int = 1

    def restore(self, y: Tensor, known: Tensor | None, place: Place) -> Tensor:
        """Give y (C, h, w)."""
        return y


@dataclass(frozen=True, eq=False)
class WithoutBadPixels:
    """Look for bad pixels in the tile and fill them from those around before the work."""

    work: TileWork

    @property
    def scale(self) -> int:
        """How much wider and higher the answer is."""
        return self.work.scale

    @torch.no_grad()
    def restore(self, y: Tensor, known: Tensor | None, place: Place) -> Tensor:
        """Restore y (C, h, w)."""
        y = filled_smoothly(y, known)
        bad = find_bad_pixels(y)
        if bad is not None:
            values = bad.values.to(y.device)
            good = ~values.any(0)
            y = torch.where(values, local_filling(y * good, good), y)
        return self.work.restore(y, known, place)


@dataclass(frozen=True, eq=False)
class KeepObserved:
    """Take a `share` of what is restored of the observed values: with 0 they stay bit for bit.

    With `faults` bad pixels are looked for, and taken for holes. Holes wider than that from their
    middle to what is known are filled smoothly where `wide` is given, in pixels.
    """

    work: TileWork
    share: float
    faults: bool = False
    wide: float | None = None
    scale: int = 1

    @torch.no_grad()
    def restore(self, y: Tensor, known: Tensor | None, place: Place) -> Tensor:
        """Restore y (C, h, w)."""
        good = torch.ones_like(y[0], dtype=torch.bool) if known is None else known
        observed = good.expand_as(y)
        bad = None
        if self.faults:
            bad = find_bad_pixels(filled_smoothly(y, known), None if known is None else ~known)
        if bad is not None:
            values = bad.values.to(y.device)
            observed, good = observed & ~values, good & ~values.any(0)
        wide = None if self.wide is None else wide_holes(good, self.wide)
        if wide is not None and bool(wide.any()):
            y, good = torch.where(wide, filled_smoothly(y, good), y), good | wide
        x = self.work.restore(y, None if bool(good.all()) else good, place)
        return torch.where(observed, torch.lerp(y, x, self.share), x)


@dataclass(frozen=True, eq=False)
class Weighed:
    """The mean of two works, of which `second` counts as much as `share`."""

    first: TileWork
    second: TileWork
    share: float
    scale: int = 1

    def restore(self, y: Tensor, known: Tensor | None, place: Place) -> Tensor:
        """Restore y (C, h, w)."""
        one = self.first.restore(y, known, place)
        return torch.lerp(one, self.second.restore(y, known, place), self.share)
