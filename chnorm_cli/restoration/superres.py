"""Super-resolution: y = D x, a picture reduced by an integer scale."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.recipes import Choice, choose
from chnorm_cli.fitting.settings import Fit, FitSettings
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.fitting.stages import Direct, RunningFit, Stage, StagedFit
from chnorm_cli.noise.law import Law
from chnorm_cli.noise.level import Level
from chnorm_cli.noise.names import Faults, Kind
from chnorm_cli.noise.sampling import mosaic
from chnorm_cli.problems.jpeg import Jpeg
from chnorm_cli.problems.names import Kernel
from chnorm_cli.problems.operators import Downsample
from chnorm_cli.problems.problem import Problem
from chnorm_cli.restoration.artefacts import Wrong
from chnorm_cli.restoration.beginning import Beginning, Said, begin
from chnorm_cli.restoration.by_prior import PriorTiles, prior_restoration
from chnorm_cli.restoration.common import (
    NO_MAP,
    Pixels,
    answered,
    observation,
    of_one_colour,
    with_time_for_map,
)
from chnorm_cli.restoration.compressed import artefacts_in
from chnorm_cli.restoration.enlarging import MENDED, SCALES, Enlarging
from chnorm_cli.restoration.enlarging_errors import EnlargingErrors
from chnorm_cli.restoration.errors import KnownErrors
from chnorm_cli.restoration.restoration import Restoration
from chnorm_cli.restoration.tiles.learning import NO_MAP_IN_TILES, LearningToEnlarge
from chnorm_cli.restoration.tiles.tile_work import FitPrior
from chnorm_cli.restoration.tiles.tiled import InTiles
from chnorm_cli.restoration.tiles.tiling import Tiling, small_side, tiling_of

PART, PARTS = 256, 2  # PARTS² windows of PART² pixels of a large picture are learnt from


def prepare_superres(
    pixels: Pixels,
    scale: int,
    *,
    kernel: str = "bicubic",
    sigma: float | None = None,
    level: Level | None = None,
    noise: str = Kind.AUTO,
    strength: float = 1.0,
    bad_pixels: str = Faults.AUTO,
    banding: str = Faults.AUTO,
    jpeg: Jpeg | None = None,
    law: Law | None = None,
    settings: FitSettings | None = None,
    uncertainty: bool = False,
) -> Restoration:
    """Prepare to enlarge (H, W, C) by `scale` (2, 3, 4 or 8) to the picture that explains it.

    `kernel` is how the small picture is taken to have been made: bicubic, lanczos or box. A noisy
    picture, or one with bad pixels, is cleaned first, and explained without them; what is said of
    the noise means the same as in `prepare_denoise`. So is a JPEG, of which `jpeg` says what its file
    knows, without its artefacts. `uncertainty` asks for a map of the errors too.
    """
    said = Said(sigma, level, noise, strength, bad_pixels, banding)
    settings = settings or FitSettings()
    clock = Budget(0, None, settings.time)
    if uncertainty:
        settings = with_time_for_map(settings)
    y = observation(pixels, settings)
    if scale not in SCALES:
        raise ValueError(f"scale must be one of {', '.join(map(str, SCALES))}, not {scale}")
    if kernel not in list(Kernel):
        raise ValueError(f"kernel must be one of {', '.join(Kernel)}, not {kernel!r}")
    choice = choose(settings, default=Fit.RECORRUPT if scale == 2 else Fit.BOTH, staged=True)
    colour = of_one_colour(y)
    if colour is not None:
        large = colour.expand(-1, scale * y.shape[1], scale * y.shape[2])
        exact = KnownErrors(torch.zeros_like(large[0]))
        return answered(
            large, Outcome.ONE_COLOUR, choice, settings, errors=exact, uncertainty=uncertainty
        )
    beginning = begin(y, said, sure=True, told=law)
    operator = Downsample((y.shape[1], y.shape[2]), scale, Kernel(kernel)).to(y.device)
    small = beginning.straight if beginning.holes is None else beginning.whole
    problem = Problem(small, operator)
    tiling = tiling_of(y, settings, scale)
    if choice.fit is Fit.PRIOR:
        if uncertainty:
            raise ValueError(NO_MAP)
        work = FitPrior(None, choice, settings, scale=scale, kernel=Kernel(kernel))
        return prior_restoration(
            problem,
            choice,
            settings,
            notes=beginning.notes,
            bad=beginning.bad,
            banding=beginning.banding,
            tiles=PriorTiles(work, small, tiling) if tiling.tile is not None else None,
        )
    side = None if tiling.tile is None else small_side(tiling.tile, scale)
    wrong = artefacts_in(jpeg, beginning, side)
    if tiling.tile is not None:
        if uncertainty:
            raise ValueError(NO_MAP_IN_TILES)
        return _in_tiles(problem, choice, settings, beginning, tiling, Kernel(kernel), wrong)
    enlarging = Enlarging(problem, choice, settings, scale, Kernel(kernel), beginning, wrong)
    errors = EnlargingErrors(enlarging, clock.in_time)
    return Restoration(
        enlarging.fit(),
        settings=settings,
        choice=choice,
        problem=problem,
        network=enlarging.unets[0][0],
        recipe=enlarging.recipe,
        tiling=tiling,
        law=enlarging.law,
        law_found=enlarging.law is not None and not said.level_given,
        notes=enlarging.notes,
        bad=beginning.bad,
        banding=beginning.banding,
        errors=errors,
        uncertainty=uncertainty,
    )


def _in_tiles(
    problem: Problem,
    choice: Choice,
    settings: FitSettings,
    beginning: Beginning,
    tiling: Tiling,
    kernel: Kernel,
    wrong: Wrong | None,
) -> Restoration:
    """Learn from a part of a large picture and enlarge it in tiles, without its bad pixels."""
    assert tiling.tile is not None
    whole, scale = problem.observation, problem.size[0] // beginning.y.shape[1]
    part = mosaic(lambda w: whole[:, *w], (whole.shape[1], whole.shape[2]), PART, PARTS)
    operator = Downsample((part.shape[1], part.shape[2]), scale, kernel).to(part.device)
    begun = beginning.part(part)
    if wrong is not None:  # its noise goes with the artefacts
        begun = replace(begun, decided=False)
    enlarging = Enlarging(
        Problem(part, operator),
        choice,
        settings,
        scale,
        kernel,
        begun,
        learn_only=True,
    )
    side = small_side(tiling.tile, scale)

    def tiles(estimates: list[Tensor], _: Budget) -> InTiles:
        return InTiles(LearningToEnlarge(enlarging), estimates[0] if estimates else whole, side)

    def mended(budget: Budget) -> RunningFit:
        assert wrong is not None
        return Direct(lambda say: wrong.cleaned(whole, say=say, go_on=budget.in_time), budget)

    stages = [Stage("tiles", 1.0, tiles)]
    notes = [*beginning.notes, *enlarging.notes]
    if wrong is not None:
        stages.insert(0, Stage("cleaning", 0.1, lambda _, budget: mended(budget)))
        notes.append(MENDED.format(wrong.jpeg.compression.sentence()))
    return Restoration(
        StagedFit(stages, lambda made: made[-1] if made else whole, enlarging.budget),
        settings=settings,
        choice=choice,
        problem=Problem(whole, problem.operator),
        network=enlarging.unets[0][0],
        recipe=enlarging.recipe,
        tiling=tiling,
        law=enlarging.law,
        law_found=enlarging.law is not None and not beginning.said.level_given,
        notes=notes,
        bad=beginning.bad,
        banding=beginning.banding,
    )
