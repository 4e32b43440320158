"""Denoising: y = x + noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.recipes import GRAY_TWICE, Choice, choose
from chnorm_cli.fitting.recorrupt import RecorruptFit
from chnorm_cli.fitting.settings import Effort, FirstGuess, Fit, FitSettings
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.fitting.stages import Stage, StagedFit
from chnorm_cli.noise.level import Level
from chnorm_cli.noise.names import Kind
from chnorm_cli.problems.jpeg import Jpeg
from chnorm_cli.problems.operators import Identity
from chnorm_cli.problems.problem import Problem
from chnorm_cli.recorruption.examples import (
    FreshNoise,
    Query,
    centered,
    noisy_again,
)
from chnorm_cli.restoration.artefacts import errors_that_matter, prepare_artefacts
from chnorm_cli.restoration.beginning import MOST_STRENGTH, asked_law, left_alone
from chnorm_cli.restoration.common import (
    Pixels,
    answered,
    observation,
    of_one_colour,
    prior_restoration,
    unet_for,
)
from chnorm_cli.restoration.denoising import (
    at_least_some_noise,
    fit_from_guess,
    network_for,
)
from chnorm_cli.restoration.restoration import Restoration

SHARES = (0.3, 0.7)  # of the steps, where the answer is learnt from again
SECOND_SHARE = 0.2  # of the second fit's answer in the mean
LONG = 240.0  # seconds of --time; with less, a second fit would only shorten the first
UNLIKE = 0.25  # of σ: a second answer that is further from the first has not learnt enough
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
    jpeg: Jpeg | None = None,
    settings: FitSettings | None = None,
) -> Restoration:
    """Prepare to remove the noise from `pixels`, float32 (H, W, C) with nominal range [0, 1].

    The law of the noise is found from the picture, unless `sigma` (0–255 scale) or `level` (units
    of `pixels`) gives it; `noise` forces a kind. `strength`, 0 to 1.5, is how much of what was
    found is removed. Where the picture is a JPEG, `jpeg` says what the file knows; its artefacts are
    taken out unless there is stronger noise, or `sigma` or `level` speaks of noise. Raises `ValueError` for input that no fit can use and `DeviceError` for a
    device that is not there.
    """
    settings = settings or FitSettings()
    y = observation(pixels, settings)
    choice = choose(settings, default=Fit.RECORRUPT)
    law = asked_law(y, sigma=sigma, level=level, noise=noise)
    if not 0.0 <= strength <= MOST_STRENGTH:
        raise ValueError(f"strength must be between 0 and {MOST_STRENGTH}, not {strength}")
    if of_one_colour(y) is not None:
        return answered(y, Outcome.ONE_COLOUR, choice, settings)
    restored = partial(law.restored, y=y, strength=strength)
    found = sigma is None and level is None
    plain = found and choice.fit is Fit.RECORRUPT and strength > 0
    errors = errors_that_matter(y, jpeg, law) if plain else None
    if jpeg is not None and errors is not None:
        return prepare_artefacts(y, jpeg, errors, choice, settings)
    left = left_alone(law, strength, found=found)
    if left is not None:
        outcome, notes = left
        return Restoration(
            None,
            settings=settings,
            choice=choice,
            problem=Problem(y, Identity((y.shape[1], y.shape[2])), law.noise),
            untouched=outcome,
            law=law,
            law_found=found,
            notes=notes,
        )
    # More than all of the noise is taken out by taking it for stronger.
    stronger = replace(law.noise, sigma=law.noise.sigma * max(1.0, strength))
    z = law.whitened(y)
    problem = Problem(z, Identity((y.shape[1], y.shape[2])), stronger)
    if choice.fit is Fit.PRIOR:
        return prior_restoration(
            problem, choice, settings, law=law, law_found=found, restored=restored
        )
    problem = at_least_some_noise(problem)
    network = network_for(problem, choice, settings)
    budget = Budget(choice.recorrupt.steps, settings.steps, settings.time)
    twice = settings.effort is Effort.BEST and problem.channels == 1
    twice = twice and settings.first_guess is not FirstGuess.NONE
    # Noise that neighbours share is known too roughly to learn from twice.
    twice = twice and stronger.kernel is None and (settings.time or LONG) >= LONG
    if twice:
        choice = replace(choice, recorrupt=GRAY_TWICE[0])
    build = _fit_twice if twice else fit_from_guess
    return Restoration(
        build(problem, choice, settings, network, budget),
        settings=settings,
        choice=choice,
        problem=problem,
        network=network,
        recipe=choice.recorrupt,
        notes=() if stronger.kernel is None else (SHARED,),
        law=law,
        law_found=found,
        restored=restored,
    )


def _fit_twice(
    problem: Problem, choice: Choice, settings: FitSettings, network: nn.Module, budget: Budget
) -> StagedFit:
    """Fit from the first guess; then learn from the answer and from drawings, without any guess.

    The second network sees the noisy picture only, and its errors are its own.
    """
    y, noise = problem.observation, problem.noise
    _, recipe = GRAY_TWICE
    running: list[RecorruptFit] = []

    def from_guess(_: list[Tensor], budget: Budget) -> RecorruptFit:
        budget = replace(budget, planned=choice.recorrupt.steps)
        running.append(fit_from_guess(problem, choice, settings, network, budget))
        return running[-1]

    def from_answer(estimates: list[Tensor], budget: Budget) -> RecorruptFit:
        random = torch.Generator().manual_seed(settings.seed)

        def examples(say: Callable[[str], None]) -> Iterator[FreshNoise]:
            yield from noisy_again(estimates[0], noise, recipe.drawings, random, say)

        spec = replace(choice.generator, widths=recipe.widths)
        return RecorruptFit(
            examples,
            lambda: [Query(centered(y), y)],
            unet_for(problem, spec, y.shape[0], settings.seed),
            recipe,
            scale=noise.sigma,
            finish=lambda answers: answers[0],
            budget=replace(budget, planned=recipe.steps),
            seed=settings.seed,
        )

    def combine(estimates: list[Tensor]) -> Tensor:
        if not estimates:  # who interrupts the first fit gets what it has
            so_far = running[0].estimate() if running else None
            return y if so_far is None else so_far
        first, *others = estimates
        learnt = [
            x for x in others if float((x - first).square().mean().sqrt()) < UNLIKE * noise.sigma
        ]
        return torch.lerp(first, learnt[0], SECOND_SHARE) if learnt else first

    first_share, second_share = SHARES
    return StagedFit(
        [
            Stage("from the guess", first_share, from_guess),
            Stage("from the answer", second_share, from_answer, optional=True),
        ],
        combine,
        budget,
    )
