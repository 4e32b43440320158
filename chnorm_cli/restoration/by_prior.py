"""Restorations by `prior` fits alone: of the whole, or of each tile by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.prior import PriorFit
from chnorm_cli.fitting.recipes import Choice
from chnorm_cli.fitting.settings import FitSettings
from chnorm_cli.fitting.stages import RunningFit
from chnorm_cli.noise.bad_pixels import BadPixels
from chnorm_cli.noise.banding import Banding
from chnorm_cli.noise.law import Law
from chnorm_cli.problems.problem import Problem
from chnorm_cli.restoration.common import prior_fit
from chnorm_cli.restoration.restoration import Restoration
from chnorm_cli.restoration.tiles.learning import NothingLearnt
from chnorm_cli.restoration.tiles.tile_work import FitPrior
from chnorm_cli.restoration.tiles.tiled import InTiles
from chnorm_cli.restoration.tiles.tiling import Tiling, small_side, tile_windows


@dataclass(frozen=True)
class PriorTiles:
    """The tiles of y (C, h, w), whose `known` (h, w), bool, pixels are gone by, and the fit of each."""

    work: FitPrior
    y: Tensor
    tiling: Tiling
    known: Tensor | None = None

    def fit(self) -> RunningFit:
        """Fit tile after tile, in the time of all together."""
        assert self.tiling.tile is not None
        work, side = self.work, small_side(self.tiling.tile, self.work.scale)
        seconds, steps = work.settings.time, work.settings.steps
        if seconds is not None:
            count = len(tile_windows((self.y.shape[1], self.y.shape[2]), side))
            work = replace(work, settings=replace(work.settings, time=seconds / count))
        budget = Budget(work.choice.prior.steps, steps, seconds)
        return InTiles(NothingLearnt(work, budget), self.y, side, self.known)


def prior_restoration(
    problem: Problem,
    choice: Choice,
    settings: FitSettings,
    *,
    law: Law | None = None,
    law_found: bool = False,
    restored: Callable[[Tensor], Tensor] = lambda x: x,
    notes: Sequence[str] = (),
    bad: BadPixels | None = None,
    banding: Banding | None = None,
    tiles: PriorTiles | None = None,
) -> Restoration:
    """Put a restoration by a `prior` fit alone together; with `tiles` each has a fit of its own."""
    whole: PriorFit | None = None
    if tiles is None:
        whole = prior_fit(
            problem,
            choice.generator,
            choice.prior,
            stop=settings.stop,
            budget=Budget(choice.prior.steps, settings.steps, settings.time),
            seed=settings.seed,
        )
    return Restoration(
        whole if tiles is None else tiles.fit(),
        settings=settings,
        choice=choice,
        problem=problem,
        network=None if whole is None else whole.network,
        recipe=choice.prior,
        law=law,
        law_found=law_found,
        restored=restored,
        notes=notes,
        bad=bad,
        banding=banding,
        tiling=None if tiles is None else tiles.tiling,
    )
