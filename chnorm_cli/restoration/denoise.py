"""Denoising: y = x + noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.recipes import choose
from chnorm_cli.fitting.recorrupt import RecorruptFit
from chnorm_cli.fitting.settings import FirstGuess, Fit, FitSettings
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.problems.noise import CLEAN_SIGMA, estimate_sigma
from chnorm_cli.problems.nonlocal_ridge import nonlocal_ridge
from chnorm_cli.problems.operators import Identity
from chnorm_cli.problems.problem import Problem
from chnorm_cli.problems.recorruption import (
    Example,
    Query,
    centered,
    noise_features,
    recorrupted_noise,
    renoised,
)
from chnorm_cli.restoration.common import (
    Pixels,
    observation,
    prior_restoration,
    unet_for,
    unit_sigma,
)
from chnorm_cli.restoration.restoration import Restoration


def prepare_denoise(
    pixels: Pixels, *, sigma: float | None = None, settings: FitSettings | None = None
) -> Restoration:
    """Prepare to remove Gaussian noise of standard deviation `sigma` (0–255 scale; None: estimate).

    `pixels` is float32 (H, W, C) with nominal range [0, 1]. Raises `ValueError` for input that
    no fit can use and `DeviceError` for a device that is not there.
    """
    settings = settings or FitSettings()
    y = observation(pixels, settings)
    level = unit_sigma(sigma)
    choice = choose(settings, default=Fit.RECORRUPT)
    estimated = level is None
    level = estimate_sigma(y) if level is None else level
    problem = Problem(y, Identity((y.shape[1], y.shape[2])), level)
    if estimated and level < CLEAN_SIGMA:
        note = (
            f"the noise level is estimated at {level * 255:.1f} of 255, too little to remove, and"
            " the picture is left as it is; give --sigma to denoise it all the same"
        )
        return Restoration(
            None,
            settings=settings,
            choice=choice,
            problem=problem,
            untouched=Outcome.CLEAN,
            sigma_estimated=True,
            notes=(note,),
        )
    if choice.fit is Fit.PRIOR:
        return prior_restoration(problem, choice, settings, sigma_estimated=estimated)
    level = max(level, 0.1 / 255)  # features are in units of σ
    problem = Problem(y, problem.operator, level)
    plain = settings.first_guess is FirstGuess.NONE
    copies = choice.recorrupt.copies

    def denoise(noisy: Tensor, level: float) -> Tensor:
        return nonlocal_ridge(noisy, level, choice.recorrupt.passes)

    random = torch.Generator().manual_seed(settings.seed)
    queries: list[Query] = []

    def examples(say: Callable[[str], None]) -> Iterator[Example]:
        if plain:
            queries.append(Query(centered(y), y))
            yield from recorrupted_noise(y, level, copies, random)
            return
        say("first guess")
        guess = denoise(y, level)
        queries.append(Query(noise_features(y, guess, level), guess))
        yield from renoised(guess, level, denoise, copies, random, say)

    network = unet_for(problem, choice.generator, y.shape[0] * (1 if plain else 2), settings.seed)
    fit = RecorruptFit(
        examples,
        lambda: queries,
        network,
        choice.recorrupt,
        scale=level,
        finish=lambda answers: answers[0],
        budget=Budget(choice.recorrupt.steps, settings.steps, settings.time),
        seed=settings.seed,
    )
    return Restoration(
        fit,
        settings=settings,
        choice=choice,
        problem=problem,
        network=network,
        recipe=choice.recorrupt,
        sigma_estimated=estimated,
    )
