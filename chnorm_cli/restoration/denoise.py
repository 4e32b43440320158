"""Denoising: y = x + noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.recipes import choose
from chnorm_cli.fitting.recorrupt import RecorruptFit
from chnorm_cli.fitting.settings import FirstGuess, Fit, FitSettings
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.problems.noise import CLEAN_SIGMA, Noise, find_noise
from chnorm_cli.problems.nonlocal_filter import Combine, Pass, nonlocal_filter
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

FINISH_SHARE = 0.15  # of --time, kept for the last non-local passes
SHARED = (
    "neighbouring pixels share their noise, as a camera's or scanner's processing makes it, and it"
    " is removed as such"
)
SHARED_LEVEL = 0.8  # of shared noise, for examples: more teaches the network to smooth too much
# What a pass takes, in units of the first guess, where each pixel is in one group of one patch.
PASS_TIME = {Combine.PATCHES: 0.1, Combine.PATCHES_BY_COLOUR: 0.5, Combine.VALUES: 0.08}


def last_passes(passes: Sequence[Pass], noise: Noise) -> list[Pass]:
    """Leave out what takes noise that neighbours share for structure (measured: −1 dB)."""
    return [p for p in passes if noise.kernel is None or p.combine is Combine.VALUES]


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
    noise = find_noise(y, level)
    level = noise.sigma
    problem = Problem(y, Identity((y.shape[1], y.shape[2])), noise)
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
    noise = replace(noise, sigma=level)
    problem = replace(problem, noise=noise)
    # What neighbours share is estimated as strong as the first guess must be told (correlation.py).
    drawn = noise if noise.kernel is None else replace(noise, sigma=SHARED_LEVEL * level)
    plain = settings.first_guess is FirstGuess.NONE
    copies = choice.recorrupt.copies

    def denoise(noisy: Tensor) -> Tensor:
        return nonlocal_filter(noisy, noise, choice.recorrupt.passes)

    random = torch.Generator().manual_seed(settings.seed)
    budget = Budget(choice.recorrupt.steps, settings.steps, settings.time)
    queries: list[Query] = []
    guess_seconds = 0.0

    def examples(say: Callable[[str], None]) -> Iterator[Example]:
        if plain:
            queries.append(Query(centered(y), y))
            yield from recorrupted_noise(y, drawn, copies, random)
            return
        nonlocal guess_seconds
        say("first guess")
        began = budget.elapsed
        guess = denoise(y)
        guess_seconds = budget.elapsed - began
        queries.append(Query(noise_features(y, guess, drawn.sigma), guess))
        yield from renoised(guess, drawn, denoise, copies, random, say)

    def finish(answers: list[Tensor]) -> Tensor:
        """Let similar patches denoise y again, now that the network says how they look.

        Each pass has the mean of all before it as its pilot. The network and the passes err
        differently, and their mean is better than any of them.
        """
        if plain:
            return answers[0]
        # Of shared noise the network keeps some that the first guess removed, and the other way round.
        estimates = answers if noise.kernel is None else [queries[0].guess, *answers]
        if fit.outcome is None:  # interrupted, or a look at the picture on the way
            return torch.stack(estimates).mean(0)
        for last in last_passes(choice.recorrupt.polish, noise):
            share = PASS_TIME[last.combine] * last.neighbours / last.stride**2
            if budget.short_of(share * guess_seconds):
                continue
            fit.activity = "let similar patches correct the answer"
            pilot = torch.stack(estimates).mean(0)
            estimates = [*estimates, nonlocal_filter(y, noise, (last,), pilot)]
        return torch.stack(estimates).mean(0)

    network = unet_for(problem, choice.generator, y.shape[0] * (1 if plain else 2), settings.seed)
    fit = RecorruptFit(
        examples,
        lambda: queries,
        network,
        choice.recorrupt,
        scale=level,
        finish=finish,
        finish_share=FINISH_SHARE if choice.recorrupt.polish else 0.0,
        budget=budget,
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
        notes=() if noise.kernel is None else (SHARED,),
    )
