"""Denoising: y = x + noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.recipes import GRAY_TWICE, Choice, choose
from chnorm_cli.fitting.recorrupt import RecorruptFit
from chnorm_cli.fitting.settings import Effort, FirstGuess, Fit, FitSettings
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.fitting.stages import Stage, StagedFit
from chnorm_cli.problems.mixture import mixed, mixture_weights
from chnorm_cli.problems.noise import CLEAN_SIGMA, Noise, find_noise
from chnorm_cli.problems.nonlocal_filter import Combine, Pass, nonlocal_filter
from chnorm_cli.problems.operators import Identity
from chnorm_cli.problems.problem import Problem
from chnorm_cli.problems.recorruption import (
    Example,
    FreshNoise,
    Query,
    centered,
    noise_features,
    noisy_again,
    recorrupted_noise,
    renoised,
    window,
)
from chnorm_cli.restoration.common import (
    Pixels,
    answered,
    observation,
    of_one_colour,
    prior_restoration,
    unet_for,
    unit_sigma,
)
from chnorm_cli.restoration.restoration import Restoration

FINISH_SHARE = 0.15  # of --time, kept for the last non-local passes
TRIAL_PIXELS = 1 << 14  # of the picture, in each trial
SHARES = (0.3, 0.7)  # of the steps, where the answer is learnt from again
SECOND_SHARE = 0.2  # of the second fit's answer in the mean
LONG = 240.0  # seconds of --time; with less, a second fit would only shorten the first
UNLIKE = 0.25  # of σ: a second answer that is further from the first has not learnt enough
SHARED = (
    "neighbouring pixels share their noise, as a camera's or scanner's processing makes it, and it"
    " is removed as such"
)
SHARED_LEVEL = 0.8  # of shared noise, for examples: more teaches the network to smooth too much
# What a pass takes, in units of the first guess, where each pixel is in one group of one patch.
PASS_TIME = {Combine.PATCHES: 0.1, Combine.PATCHES_BY_COLOUR: 0.5, Combine.VALUES: 0.08}


def pass_time(settings: Pass) -> float:
    """Estimate what a pass takes, in units of the first guess."""
    return PASS_TIME[settings.combine] * settings.neighbours / settings.stride**2


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
    if of_one_colour(y) is not None:
        return answered(y, Outcome.ONE_COLOUR, choice, settings)
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
    problem = _at_least_some_noise(problem)
    network = _network(problem, choice, settings)
    budget = Budget(choice.recorrupt.steps, settings.steps, settings.time)
    twice = settings.effort is Effort.BEST and y.shape[0] == 1
    twice = twice and settings.first_guess is not FirstGuess.NONE
    # Noise that neighbours share is known too roughly to learn from twice.
    twice = twice and noise.kernel is None and (settings.time or LONG) >= LONG
    if twice:
        choice = replace(choice, recorrupt=GRAY_TWICE[0])
    build = _fit_twice if twice else _fit_from_guess
    fit = build(problem, choice, settings, network, budget)
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


def denoising_fit(problem: Problem, settings: FitSettings, budget: Budget) -> RecorruptFit:
    """Give the fit that denoises, for a restoration that has noise among its problems."""
    choice = choose(settings, default=Fit.RECORRUPT)
    problem = _at_least_some_noise(problem)
    network = _network(problem, choice, settings)
    budget = replace(budget, planned=choice.recorrupt.steps)
    return _fit_from_guess(problem, choice, settings, network, budget)


def _at_least_some_noise(problem: Problem) -> Problem:
    noise = problem.noise  # features are in units of σ
    return replace(problem, noise=replace(noise, sigma=max(noise.sigma, 0.1 / 255)))


def _network(problem: Problem, choice: Choice, settings: FitSettings) -> nn.Module:
    pictures = 1 if settings.first_guess is FirstGuess.NONE else 2  # y, and the first guess
    return unet_for(problem, choice.generator, pictures * problem.channels, settings.seed)


def _fit_from_guess(
    problem: Problem, choice: Choice, settings: FitSettings, network: nn.Module, budget: Budget
) -> RecorruptFit:
    """Learn what the non-local first guess lacks, then let similar patches correct the answer."""
    y, noise = problem.observation, problem.noise
    # What neighbours share is estimated as strong as the first guess must be told (correlation.py).
    drawn = noise if noise.kernel is None else replace(noise, sigma=SHARED_LEVEL * noise.sigma)
    plain = settings.first_guess is FirstGuess.NONE
    copies = choice.recorrupt.copies
    passes = last_passes(choice.recorrupt.polish, noise)
    random = torch.Generator().manual_seed(settings.seed)
    queries: list[Query] = []
    guess_seconds = 0.0

    def denoise(noisy: Tensor) -> Tensor:
        return nonlocal_filter(noisy, noise, choice.recorrupt.passes)

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

    def corrected(
        y: Tensor, estimates: list[Tensor], affordable: Callable[[Pass], bool]
    ) -> list[Tensor]:
        """Let similar patches denoise y again, now that the network says how they look.

        Each pass has the mean of all before it as its pilot. The network and the passes err
        differently, and a mean of them is better than any.
        """
        for last in passes:
            if affordable(last):
                pilot = torch.stack(estimates).mean(0)
                estimates = [*estimates, nonlocal_filter(y, noise, (last,), pilot)]
        return estimates

    def errors(x: Tensor) -> Tensor:
        """Give the errors of all estimates, the first guess included, (k, n) where x is the truth."""
        again = noise.added_to(x, random)
        guess = denoise(again)
        answer = fit.ask(Query(noise_features(again, guess, noise.sigma), guess))
        estimates = [guess, *corrected(again, [answer], lambda _: True)]
        return torch.stack([e - x for e in estimates]).flatten(1)

    def finish(answers: list[Tensor]) -> Tensor:
        if plain:
            return answers[0]
        guess = queries[0].guess
        # Of shared noise the network keeps some that the first guess removed, and the other way round.
        estimates = answers if noise.kernel is None else [guess, *answers]
        if fit.outcome is None:  # interrupted, or a look at the picture on the way
            return torch.stack(estimates).mean(0)
        fit.activity = "let similar patches correct the answer"
        estimates = corrected(
            y, estimates, lambda last: not budget.short_of(pass_time(last) * guess_seconds)
        )
        x = torch.stack(estimates).mean(0)
        trials = choice.recorrupt.trials if noise.kernel is None else 0
        size = min(1.0, TRIAL_PIXELS / x[0].numel())
        trial_time = size * (1.0 + sum(map(pass_time, passes)))
        if not trials or len(estimates) <= len(passes):
            return x
        if budget.short_of(trials * trial_time * guess_seconds):
            return x
        # What is good at this picture is good at it once more, and there the truth is known.
        fit.activity = "weigh the estimates"
        tried = [errors(window(x, TRIAL_PIXELS, random)) for _ in range(trials)]
        return mixed([guess, *estimates], mixture_weights(torch.cat(tried, 1)))

    fit = RecorruptFit(
        examples,
        lambda: queries,
        network,
        choice.recorrupt,
        scale=noise.sigma,
        finish=finish,
        finish_share=FINISH_SHARE if choice.recorrupt.polish else 0.0,
        budget=budget,
        seed=settings.seed,
    )
    return fit


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
        running.append(_fit_from_guess(problem, choice, settings, network, budget))
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
