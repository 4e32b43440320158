"""Denoising: y = x + noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.recipes import Choice, choose
from chnorm_cli.fitting.settings import Fit, FitSettings
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.fitting.stages import Direct, RunningFit
from chnorm_cli.noise.gaussian import Noise
from chnorm_cli.noise.law import Law
from chnorm_cli.noise.level import Level
from chnorm_cli.noise.names import Faults, Kind
from chnorm_cli.problems.jpeg import Jpeg
from chnorm_cli.problems.names import Say
from chnorm_cli.problems.operators import Identity, Mask
from chnorm_cli.problems.problem import Problem
from chnorm_cli.restoration.artefacts import IN_DOUBT, remark_beside_faults, what_is_wrong
from chnorm_cli.restoration.beginning import Beginning, Said, begin, noise_left
from chnorm_cli.restoration.bootstrap import Restorer
from chnorm_cli.restoration.by_prior import PriorTiles, prior_restoration
from chnorm_cli.restoration.common import (
    NO_MAP,
    Pixels,
    answered,
    observation,
    of_one_colour,
    with_time_for_map,
)
from chnorm_cli.restoration.denoising import at_least_some_noise
from chnorm_cli.restoration.errors import ErrorsBesideHoles, KnownErrors
from chnorm_cli.restoration.restoration import Restoration
from chnorm_cli.restoration.tiles.learning import (
    NO_MAP_IN_TILES,
    LearningToDenoise,
    best_denoising,
    best_filling,
)
from chnorm_cli.restoration.tiles.tile_work import FitPrior
from chnorm_cli.restoration.tiles.tiled import (
    InTiles,
    RestorerInTiles,
    learning_budget,
    part_to_learn_from,
)
from chnorm_cli.restoration.tiles.tiling import Tiling, tiling_of
from chnorm_cli.restoration.uncompressing import prepare_artefacts

SHARED = (
    "neighbouring pixels share their noise, as a camera's or scanner's processing makes it, and it"
    " is removed as such"
)


def prepare_denoise(
    pixels: Pixels,
    *,
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
    """Prepare to remove the noise from `pixels`, float32 (H, W, C) with nominal range [0, 1].

    The law of the noise is found from the picture, unless `sigma` (0–255 scale) or `level` (units
    of `pixels`) gives it; `noise` forces a kind, and `law` is what was found already, as in a stack.
    `strength`, 0 to 1.5, is how much of what was found is removed. Bad pixels are found and filled,
    and offsets of rows and columns taken out, unless `bad_pixels` and `banding` are "off". Where the
    picture is a JPEG, `jpeg` says what the file knows; its artefacts are taken out unless there is
    stronger noise, or `sigma` or `level` speaks of noise.
    `uncertainty` asks for a map of the errors too. Raises `ValueError` for input that no fit can use and
    `DeviceError` for a device that is not there.
    """
    said = Said(sigma, level, noise, strength, bad_pixels, banding)
    settings = settings or FitSettings()
    clock = Budget(0, None, settings.time)
    if uncertainty:
        settings = with_time_for_map(settings)
    y = observation(pixels, settings)
    choice = choose(settings, default=Fit.RECORRUPT)
    if of_one_colour(y) is not None:
        exact = KnownErrors(torch.zeros_like(y[0]))
        return answered(
            y, Outcome.ONE_COLOUR, choice, settings, errors=exact, uncertainty=uncertainty
        )
    beginning = begin(y, said, told=law)
    if beginning.bad is not None or beginning.banding is not None:
        beginning = replace(beginning, remark=remark_beside_faults(y, jpeg))
    y = beginning.y
    law, found = beginning.law, not said.level_given
    if choice.fit is Fit.PRIOR and uncertainty and beginning.removed is not None:
        raise ValueError(NO_MAP)
    if beginning.holes is not None and beginning.removed is None and choice.fit is not Fit.PRIOR:
        if beginning.learns_holes(settings):
            return _learnt_holes(beginning, settings, uncertainty=uncertainty)
        return _filled(beginning, choice, settings, uncertainty=uncertainty)
    plain = (
        beginning.holes is None
        and found
        and noise == Kind.AUTO
        and choice.fit is Fit.RECORRUPT
        and strength > 0
    )
    plain = plain and beginning.banding is None  # which no compressed file could have made
    tiling = tiling_of(y, settings)
    wrong = what_is_wrong(y, jpeg, law, tiling.tile) if plain else None
    if wrong is not None and wrong.chance == 0:
        return prepare_artefacts(
            y,
            wrong,
            choice,
            settings,
            tiling=tiling,
            strength=strength,
            uncertainty=uncertainty,
            time_for_map=clock.in_time,
        )
    if beginning.left is not None and beginning.holes is None:
        outcome, why = beginning.left
        return Restoration(
            None,
            settings=settings,
            choice=choice,
            problem=Problem(beginning.straight, Identity((y.shape[1], y.shape[2])), law.noise),
            untouched=outcome,
            banding=beginning.banding,
            law=law,
            law_found=found,
            notes=why,
            errors=KnownErrors(noise_left(y, law)),
            uncertainty=uncertainty,
        )
    stronger = law.told(strength)
    if choice.fit is Fit.PRIOR:
        return _by_prior(beginning, choice, settings, tiling, stronger)
    budget = Budget(choice.recorrupt.steps, settings.steps, settings.time)
    tile, whole = tiling.tile, beginning.whole
    if tile is not None:
        budget = learning_budget(budget)
    learnt_from = law.whitened(whole if tile is None else part_to_learn_from(whole))
    problem = at_least_some_noise(
        Problem(learnt_from, Identity((learnt_from.shape[1], learnt_from.shape[2])), stronger)
    )
    denoising, choice, network = best_denoising(problem, choice, settings, budget)
    fit: RunningFit = denoising.fit
    restorer: Restorer = denoising
    if tile is not None:
        fit = InTiles(LearningToDenoise(denoising, law), whole, tile)
        restorer = RestorerInTiles(denoising, tile)

    def answer(x: Tensor) -> Tensor:
        return beginning.finished(x if tile is not None else law.restored(x, whole), clean=True)

    notes, share = [] if stronger.kernel is None else [SHARED], 1.0
    restored: Callable[[Tensor], Tensor] = answer
    if wrong is not None and wrong.chance < 1:
        share = wrong.chance
        notes = [IN_DOUBT.format(wrong.jpeg.compression.sentence(), law.sentence())]
        restored = wrong.weighed(y, answer, strength)
    errors = beginning.errors(restorer, settings, clock.in_time, share)
    return Restoration(
        fit,
        settings=settings,
        choice=choice,
        problem=problem,
        network=network,
        recipe=choice.recorrupt,
        tiling=tiling,
        jpeg=wrong.jpeg if wrong is not None and wrong.chance < 1 else None,
        notes=(*beginning.notes, *notes),
        law=law,
        law_found=found,
        restored=restored,
        bad=beginning.bad,
        banding=beginning.banding,
        errors=errors if beginning.holes is None else ErrorsBesideHoles(errors, ~beginning.known),
        uncertainty=uncertainty,
    )


def _by_prior(
    beginning: Beginning, choice: Choice, settings: FitSettings, tiling: Tiling, noise: Noise
) -> Restoration:
    """Put a `prior` fit together; where the noise is left, only the holes are new."""
    law, whole, clean = beginning.law, beginning.whole, beginning.removed is not None
    known = beginning.known.to(whole.dtype)
    problem = Problem(law.whitened(whole), Identity((whole.shape[1], whole.shape[2])), noise)
    if not clean:
        problem = Problem(whole * known, Mask(known))
    work = None
    if tiling.tile is not None:
        removed = replace(law, noise=noise, flat=None) if clean else None
        work = FitPrior(removed, choice, settings, masked=not clean)
    untiled = law if clean and work is None else None
    return prior_restoration(
        problem,
        choice,
        settings,
        law=law,
        law_found=not beginning.said.level_given,
        restored=lambda x: beginning.finished(
            x if untiled is None else untiled.restored(x, whole), clean=clean
        ),
        notes=beginning.notes,
        bad=beginning.bad,
        banding=beginning.banding,
        tiles=None if work is None else PriorTiles(work, whole, tiling, beginning.known),
    )


def _filled(
    beginning: Beginning, choice: Choice, settings: FitSettings, *, uncertainty: bool
) -> Restoration:
    """Fill the bad pixels of a picture that has nothing else wrong from those around them."""
    y, budget = beginning.y, Budget(0, settings.steps, settings.time)

    def fill(say: Say) -> Tensor:
        say("fill the bad pixels from those around them")
        return beginning.whole

    return Restoration(
        Direct(fill, budget, Outcome.FROM_AROUND),
        settings=settings,
        choice=choice,
        problem=Problem(y * beginning.known, Mask(beginning.known.to(y.dtype))),
        notes=beginning.notes,
        law=beginning.law,
        law_found=not beginning.said.level_given,
        restored=lambda x: beginning.finished(x, clean=False),
        bad=beginning.bad,
        banding=beginning.banding,
        errors=ErrorsBesideHoles(
            KnownErrors(noise_left(y, beginning.law)),
            ~beginning.known,
        ),
        uncertainty=uncertainty,
    )


def _learnt_holes(beginning: Beginning, settings: FitSettings, *, uncertainty: bool) -> Restoration:
    """Let a network learn to fill the bad pixels of a picture that has nothing else wrong."""
    law = beginning.law
    tiling = tiling_of(beginning.y, settings)
    if uncertainty and tiling.tile is not None:
        raise ValueError(NO_MAP_IN_TILES)
    filling, fit = best_filling(beginning, settings, tiling.tile)
    return Restoration(
        fit,
        settings=settings,
        choice=filling.choice,
        problem=filling.problem,
        network=filling.network,
        recipe=filling.recipe,
        tiling=tiling,
        notes=filling.notes,
        law=law,
        law_found=not beginning.said.level_given,
        restored=lambda x: beginning.finished(x, clean=False),
        bad=beginning.bad,
        banding=beginning.banding,
        errors=ErrorsBesideHoles(KnownErrors(noise_left(beginning.y, law)), ~beginning.known),
        uncertainty=uncertainty,
    )
