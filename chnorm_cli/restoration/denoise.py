"""Denoising: y = x + noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.recipes import GRAY_TWICE, choose
from chnorm_cli.fitting.settings import Effort, FirstGuess, Fit, FitSettings
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.noise.law import Law
from chnorm_cli.noise.level import Level
from chnorm_cli.noise.names import Faults, Kind
from chnorm_cli.problems.jpeg import Jpeg
from chnorm_cli.problems.operators import Identity, Mask
from chnorm_cli.problems.problem import Problem
from chnorm_cli.restoration.artefacts import errors_that_matter, prepare_artefacts
from chnorm_cli.restoration.beginning import Beginning, Said, begin, noise_left
from chnorm_cli.restoration.bootstrap import Bootstrap
from chnorm_cli.restoration.common import (
    NO_MAP,
    Pixels,
    answered,
    observation,
    of_one_colour,
    prior_restoration,
    with_time_for_map,
)
from chnorm_cli.restoration.denoising import (
    Denoising,
    at_least_some_noise,
    network_for,
)
from chnorm_cli.restoration.errors import Errors, ErrorsBesideHoles, KnownErrors
from chnorm_cli.restoration.filling import Filling
from chnorm_cli.restoration.restoration import Restoration
from chnorm_cli.restoration.tiled import InTiles, Learner, learning_budget, part_to_learn_from
from chnorm_cli.restoration.tiling import choose_tiling
from chnorm_cli.restoration.twice import LearningTwice

LONG = 240.0  # seconds of --time; with less, a second fit would only shorten the first
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
    picture is a JPEG, `jpeg` says what the file knows; its artefacts are taken out unless there is stronger noise, or `sigma` or `level` speaks of noise.
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
    y = beginning.y
    law, found = beginning.law, not said.level_given
    if choice.fit is Fit.PRIOR and uncertainty and beginning.removed is not None:
        raise ValueError(NO_MAP)
    if beginning.holes is not None and choice.fit is not Fit.PRIOR:
        return _filled(beginning, settings, clock, uncertainty=uncertainty)
    plain = found and noise == Kind.AUTO and choice.fit is Fit.RECORRUPT and strength > 0
    plain = plain and beginning.banding is None  # which no compressed file could have made
    errors = errors_that_matter(y, jpeg, law) if plain else None
    if jpeg is not None and errors is not None:
        return prepare_artefacts(
            y,
            jpeg.to(y.device),
            errors,
            choice,
            settings,
            strength=strength,
            uncertainty=uncertainty,
            time_for_map=clock.in_time,
        )
    if beginning.left is not None and beginning.holes is None:
        outcome, notes = beginning.left
        return Restoration(
            None,
            settings=settings,
            choice=choice,
            problem=Problem(beginning.straight, Identity((y.shape[1], y.shape[2])), law.noise),
            untouched=outcome,
            banding=beginning.banding,
            law=law,
            law_found=found,
            notes=notes,
            errors=KnownErrors(noise_left(y, law)),
            uncertainty=uncertainty,
        )
    # More than all of the noise is taken out by taking it for stronger.
    stronger = replace(law.noise, sigma=law.noise.sigma * max(1.0, strength))
    z = law.whitened(beginning.whole)
    problem = Problem(z, Identity((y.shape[1], y.shape[2])), stronger)

    def answer(z: Tensor) -> Tensor:
        return beginning.finished(law.restored(z, beginning.whole), clean=True)

    restored: Callable[[Tensor], Tensor] = answer
    if choice.fit is Fit.PRIOR:
        if beginning.removed is None:  # only its holes are new
            problem, restored = _holes_alone(beginning)
        return prior_restoration(
            problem,
            choice,
            settings,
            law=law,
            law_found=found,
            restored=restored,
            notes=beginning.notes,
            bad=beginning.bad,
            banding=beginning.banding,
        )
    problem = at_least_some_noise(problem)
    tiling = choose_tiling(settings.tile, (*z.shape,), gpu=z.device.type != "cpu")
    whole = problem
    if tiling.tile is not None:
        part = part_to_learn_from(z)
        problem = Problem(part, Identity((part.shape[1], part.shape[2])), problem.noise)
    network = network_for(problem, choice, settings)
    budget = Budget(choice.recorrupt.steps, settings.steps, settings.time)
    if tiling.tile is not None:
        budget = learning_budget(budget)
    twice = settings.effort is Effort.BEST and problem.channels == 1
    twice = twice and settings.first_guess is not FirstGuess.NONE
    # Noise that neighbours share is known too roughly to learn from twice.
    twice = twice and stronger.kernel is None and (settings.time or LONG) >= LONG
    if twice:
        choice = replace(choice, recorrupt=GRAY_TWICE[0])
    build = LearningTwice if twice else Denoising
    denoising: Learner = build(problem, choice, settings, network, budget)
    if tiling.tile is not None:
        denoising = InTiles(denoising, z, tiling.tile)
    return Restoration(
        denoising.fit,
        settings=settings,
        choice=choice,
        problem=whole,
        network=network,
        recipe=choice.recorrupt,
        tiling=tiling,
        notes=(*beginning.notes, *(() if stronger.kernel is None else (SHARED,))),
        law=law,
        law_found=found,
        restored=restored,
        banding=beginning.banding,
        errors=Bootstrap(law, denoising, settings.effort, strength, settings.seed, clock.in_time),
        uncertainty=uncertainty,
    )


def _holes_alone(beginning: Beginning) -> tuple[Problem, Callable[[Tensor], Tensor]]:
    """Give the problem of filling the holes of a picture, and the way to its answer."""
    known = beginning.known.to(beginning.y.dtype)
    problem = Problem(beginning.y * known, Mask(known))
    return problem, lambda x: beginning.finished(x, clean=False)


def _filled(
    beginning: Beginning, settings: FitSettings, clock: Budget, *, uncertainty: bool
) -> Restoration:
    """Put a restoration together whose bad pixels are filled, from what is clean of noise."""
    law, clean = beginning.law, beginning.removed is not None
    filling = Filling(beginning, settings)
    if clean and law.noise.kernel is not None:
        filling.notes.append(SHARED)
    errors: Errors = KnownErrors(noise_left(beginning.y, law))
    if clean:
        errors = Bootstrap(
            law, filling, settings.effort, beginning.said.strength, settings.seed, clock.in_time
        )
    return Restoration(
        filling.fit(),
        settings=settings,
        choice=filling.choice,
        problem=filling.problem,
        network=filling.network,
        recipe=filling.recipe,
        notes=filling.notes,
        law=law,
        law_found=not beginning.said.level_given,
        restored=lambda x: beginning.finished(x, clean=clean),
        bad=beginning.bad,
        banding=beginning.banding,
        errors=ErrorsBesideHoles(errors, ~beginning.known),
        uncertainty=uncertainty,
    )
