"""Denoising: y = x + noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from chnorm_cli.classical.nonlocal_filter import (
    STRONG,
    Combine,
    Pass,
    for_strong_noise,
    nonlocal_filter,
)
from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.mixture import mixed, mixture_weights
from chnorm_cli.fitting.recipes import GRAY_TWICE, Choice, choose
from chnorm_cli.fitting.recorrupt import RecorruptFit, RecorruptRecipe
from chnorm_cli.fitting.settings import Effort, FirstGuess, Fit, FitSettings
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.fitting.stages import Stage, StagedFit
from chnorm_cli.noise.finding import find_law
from chnorm_cli.noise.gaussian import Noise
from chnorm_cli.noise.law import Law
from chnorm_cli.noise.level import Level
from chnorm_cli.noise.names import Doubt, Kind
from chnorm_cli.problems.names import Say
from chnorm_cli.problems.operators import Identity
from chnorm_cli.problems.problem import Problem
from chnorm_cli.recorruption.examples import (
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
MOST_STRENGTH = 1.5
LEAST_SIGMA = 0.01 / 255  # features and patches are measured in units of σ
# What a pass takes, in units of the first guess, where each pixel is in one group of one patch.
PASS_TIME = {Combine.PATCHES: 0.1, Combine.PATCHES_BY_COLOUR: 0.5, Combine.VALUES: 0.08}


def pass_time(settings: Pass) -> float:
    """Estimate what a pass takes, in units of the first guess."""
    return PASS_TIME[settings.combine] * settings.neighbours / settings.stride**2


def last_passes(passes: Sequence[Pass], noise: Noise) -> list[Pass]:
    """Leave out what takes noise that neighbours share for structure (measured: −1 dB)."""
    return [p for p in passes if noise.kernel is None or p.combine is Combine.VALUES]


def prepare_denoise(
    pixels: Pixels,
    *,
    sigma: float | None = None,
    level: Level | None = None,
    noise: str = Kind.AUTO,
    strength: float = 1.0,
    settings: FitSettings | None = None,
) -> Restoration:
    """Prepare to remove the noise from `pixels`, float32 (H, W, C) with nominal range [0, 1].

    The law of the noise is found from the picture, unless `sigma` (0–255 scale) or `level` (units
    of `pixels`) gives it; `noise` forces a kind. `strength`, 0 to 1.5, is how much of what was
    found is removed. Raises `ValueError` for input that no fit can use and `DeviceError` for a
    device that is not there.
    """
    settings = settings or FitSettings()
    y = observation(pixels, settings)
    choice = choose(settings, default=Fit.RECORRUPT)
    if of_one_colour(y) is not None:
        return answered(y, Outcome.ONE_COLOUR, choice, settings)
    law = asked_law(y, sigma=sigma, level=level, noise=noise)
    if not 0.0 <= strength <= MOST_STRENGTH:
        raise ValueError(f"strength must be between 0 and {MOST_STRENGTH}, not {strength}")
    restored = partial(law.restored, y=y, strength=strength)
    found = sigma is None and level is None
    left = _left_alone(law, strength, found=found)
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
    problem = _at_least_some_noise(problem)
    network = _network(problem, choice, settings)
    budget = Budget(choice.recorrupt.steps, settings.steps, settings.time)
    twice = settings.effort is Effort.BEST and problem.channels == 1
    twice = twice and settings.first_guess is not FirstGuess.NONE
    # Noise that neighbours share is known too roughly to learn from twice.
    twice = twice and stronger.kernel is None and (settings.time or LONG) >= LONG
    if twice:
        choice = replace(choice, recorrupt=GRAY_TWICE[0])
    build = _fit_twice if twice else _fit_from_guess
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


def asked_law(y: Tensor, *, sigma: float | None, level: Level | None, noise: str) -> Law:
    """Find the law of the noise in y (C, H, W), or take the one that is given."""
    if noise not in list(Kind):
        raise ValueError(f"noise must be one of {', '.join(Kind)}, not {noise!r}")
    if sigma is not None and level is not None:
        raise ValueError("give sigma or the numbers of a camera, not both")
    if sigma is not None and noise not in (Kind.AUTO, Kind.GAUSSIAN):
        raise ValueError(f"sigma is a level of gaussian noise, not of {noise}")
    return find_law(y, sigma=unit_sigma(sigma), level=level, kind=Kind(noise))


def _left_alone(
    law: Law, strength: float, *, found: bool
) -> tuple[Outcome, tuple[str, ...]] | None:
    """Say why a picture is left as it is, if it is."""
    if strength == 0:
        return Outcome.NOTHING_ASKED, ()
    if not found and law.noise.sigma == 0:
        return Outcome.NOTHING_ASKED, ()
    if law.doubt is None:
        return None
    outcome = Outcome.CLEAN if law.doubt is Doubt.CLEAN else Outcome.NOT_NOISE
    level = f" (σ {255 * law.sigma:.1f} of 255)" if law.doubt is Doubt.CLEAN else ""
    return outcome, (
        f"{law.doubt.sentence}{level}, and the picture is left as it is; give --sigma to denoise"
        " it all the same",
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
    return replace(problem, noise=replace(noise, sigma=max(noise.sigma, LEAST_SIGMA)))


def _network(problem: Problem, choice: Choice, settings: FitSettings) -> nn.Module:
    pictures = 1 if settings.first_guess is FirstGuess.NONE else 2  # y, and the first guess
    return unet_for(problem, choice.generator, pictures * problem.channels, settings.seed)


def _fit_from_guess(
    problem: Problem, choice: Choice, settings: FitSettings, network: nn.Module, budget: Budget
) -> RecorruptFit:
    """Learn what the non-local first guess lacks, then let similar patches correct the answer."""
    plain = settings.first_guess is FirstGuess.NONE
    denoising = _Denoising(problem, choice.recorrupt, budget, settings.seed)
    fit = RecorruptFit(
        denoising.plain_examples if plain else denoising.examples,
        lambda: denoising.queries,
        network,
        choice.recorrupt,
        scale=problem.sigma,
        finish=(lambda answers: answers[0]) if plain else denoising.finish,
        finish_share=FINISH_SHARE if choice.recorrupt.polish else 0.0,
        budget=budget,
        seed=settings.seed,
    )
    denoising.running = fit
    return fit


class _Denoising:
    """The phases of one denoising and what they leave to each other: guess, learn, polish, weigh."""

    running: RecorruptFit  # the fit whose phases these are

    def __init__(
        self, problem: Problem, recipe: RecorruptRecipe, budget: Budget, seed: int
    ) -> None:
        self.y, self.noise = problem.observation, problem.noise
        # What neighbours share is estimated as strong as the first guess must be told (correlation.py).
        share = 1.0 if self.noise.kernel is None else SHARED_LEVEL
        self.drawn = replace(self.noise, sigma=share * self.noise.sigma)
        self.recipe, self.budget = recipe, budget
        self.passes = last_passes(recipe.polish, self.noise)
        if self.noise.sigma > STRONG:
            self.passes = [for_strong_noise(p) for p in self.passes]
        self.random = torch.Generator().manual_seed(seed)
        self.queries: list[Query] = []
        self.guess_seconds = 0.0

    def guess(self, noisy: Tensor) -> Tensor:
        """Denoise (C, H, W) with similar patches alone."""
        passes = self.recipe.passes
        if self.noise.sigma > STRONG:
            passes = tuple(for_strong_noise(p) for p in passes)
        return nonlocal_filter(noisy, self.noise, passes)

    def examples(self, say: Say) -> Iterator[Example]:
        """Give the first guess with fresh noise; the question is the guess of y itself."""
        say("first guess")
        began = self.budget.elapsed
        guess = self.guess(self.y)
        self.guess_seconds = self.budget.elapsed - began
        self.queries.append(Query(noise_features(self.y, guess, self.drawn.sigma), guess))
        yield from renoised(guess, self.drawn, self.guess, self.recipe.copies, self.random, say)

    def plain_examples(self, _: Say) -> Iterator[Example]:
        """Recorrupt y itself: there is no first guess."""
        self.queries.append(Query(centered(self.y), self.y))
        yield from recorrupted_noise(self.y, self.drawn, self.recipe.copies, self.random)

    def finish(self, answers: list[Tensor]) -> Tensor:
        """Polish the network's answer, then weigh all estimates."""
        guess = self.queries[0].guess
        # Of shared noise the network keeps some that the first guess removed, and the other way round.
        estimates = answers if self.noise.kernel is None else [guess, *answers]
        if self.running.outcome is None:  # interrupted, or a look at the picture on the way
            return torch.stack(estimates).mean(0)
        self.running.activity = "let similar patches correct the answer"
        estimates = self.polished(self.y, estimates, self.affordable)
        x = torch.stack(estimates).mean(0)
        if not self.recipe.trials or self.noise.kernel is not None:
            return x
        if len(estimates) <= len(self.passes) or self.budget.short_of(self.trial_seconds(x)):
            return x
        self.running.activity = "weigh the estimates"
        return self.weighed(x, [guess, *estimates])

    def polished(
        self, y: Tensor, estimates: list[Tensor], affordable: Callable[[Pass], bool]
    ) -> list[Tensor]:
        """Let similar patches denoise y again, now that the network says how they look.

        Each pass has the mean of all before it as its pilot. The network and the passes err
        differently, and a mean of them is better than any.
        """
        for last in self.passes:
            if affordable(last):
                pilot = torch.stack(estimates).mean(0)
                estimates = [*estimates, nonlocal_filter(y, self.noise, (last,), pilot)]
        return estimates

    def affordable(self, last: Pass) -> bool:
        """Say whether there is time for a last pass."""
        return not self.budget.short_of(pass_time(last) * self.guess_seconds)

    def trial_seconds(self, x: Tensor) -> float:
        """Estimate what all trials take."""
        size = min(1.0, TRIAL_PIXELS / x[0].numel())
        once = size * (1.0 + sum(map(pass_time, self.passes)))
        return self.recipe.trials * once * self.guess_seconds

    def weighed(self, x: Tensor, estimates: list[Tensor]) -> Tensor:
        """Weigh the estimates by trials: what is good at x with fresh noise is good at y."""
        tried = [
            self.errors(window(x, TRIAL_PIXELS, self.random)) for _ in range(self.recipe.trials)
        ]
        return mixed(estimates, mixture_weights(torch.cat(tried, 1)))

    def errors(self, x: Tensor) -> Tensor:
        """Give the errors of all estimates, the first guess included, (k, n) where x is the truth."""
        again = self.noise.added_to(x, self.random)
        guess = self.guess(again)
        answer = self.running.ask(Query(noise_features(again, guess, self.noise.sigma), guess))
        estimates = [guess, *self.polished(again, [answer], lambda _: True)]
        return torch.stack([e - x for e in estimates]).flatten(1)


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
