"""The phases of one denoising: guess, learn, polish, weigh."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from chnorm_cli.classical.passes import STRONG, Combine, Pass, for_strong_noise
from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.mixture import mixed, mixture_weights
from chnorm_cli.fitting.recipes import Choice, choose
from chnorm_cli.fitting.recorrupt import RecorruptFit
from chnorm_cli.fitting.settings import FirstGuess, Fit, FitSettings
from chnorm_cli.noise.gaussian import Noise
from chnorm_cli.problems.names import Say
from chnorm_cli.problems.problem import Problem
from chnorm_cli.recorruption.examples import (
    Example,
    Query,
    centered,
    noise_features,
    recorrupted_noise,
    renoised,
    window,
)
from chnorm_cli.restoration.common import unet_for
from chnorm_cli.restoration.denoiser import Denoiser, begun, corrected, guessed

FINISH_SHARE = 0.15  # of --time, kept for the last non-local passes
TRIAL_PIXELS = 1 << 14  # of the picture, in each trial
SHARED_LEVEL = 0.8  # of shared noise, for examples: more teaches the network to smooth too much
LEAST_SIGMA = 0.01 / 255  # features and patches are measured in units of σ
# What a pass takes, in units of the first guess, where each pixel is in one group of one patch.
PASS_TIME = {Combine.PATCHES: 0.2, Combine.PATCHES_BY_COLOUR: 0.3, Combine.VALUES: 0.1}


def pass_time(settings: Pass) -> float:
    """Estimate what a pass takes, in units of the first guess."""
    return PASS_TIME[settings.combine] * settings.neighbours / settings.stride**2


def last_passes(passes: Sequence[Pass], noise: Noise) -> list[Pass]:
    """Leave out what takes noise that neighbours share for structure (measured: −1 dB)."""
    return [p for p in passes if noise.kernel is None or p.combine is Combine.VALUES]


def denoising_within(problem: Problem, settings: FitSettings, budget: Budget) -> Denoising:
    """Give the denoising for a restoration that has noise among its problems."""
    choice = choose(settings, default=Fit.RECORRUPT)
    problem = at_least_some_noise(problem)
    network = network_for(problem, choice, settings)
    budget = replace(budget, planned=choice.recorrupt.steps)
    return Denoising(problem, choice, settings, network, budget)


def at_least_some_noise(problem: Problem) -> Problem:
    """Give the problem with noise that features can be measured in units of."""
    noise = problem.noise
    return replace(problem, noise=replace(noise, sigma=max(noise.sigma, LEAST_SIGMA)))


def network_for(problem: Problem, choice: Choice, settings: FitSettings) -> nn.Module:
    """Build the network that sees y and, where there is one, the first guess."""
    pictures = 1 if settings.first_guess is FirstGuess.NONE else 2  # y, and the first guess
    return unet_for(problem, choice.generator, pictures * problem.channels, settings.seed)


class Denoising:
    """The phases of one denoising and what they leave to each other: guess, learn, polish, weigh.

    `fit` learns what the non-local first guess lacks and lets similar patches correct the answer.
    When it is over, `restore` does the same for other pictures with noise of this law. `risk` is
    the mean squared error of the answer in units of the noise's variance, where trials told it.
    """

    def __init__(
        self,
        problem: Problem,
        choice: Choice,
        settings: FitSettings,
        network: nn.Module,
        budget: Budget,
    ) -> None:
        recipe = choice.recorrupt
        self.y, self.noise = problem.observation, problem.noise
        # What neighbours share is estimated as strong as the first guess must be told (correlation.py).
        share = 1.0 if self.noise.kernel is None else SHARED_LEVEL
        self.drawn = replace(self.noise, sigma=share * self.noise.sigma)
        self.recipe, self.budget = recipe, budget
        self.plain = settings.first_guess is FirstGuess.NONE
        self.passes = last_passes(recipe.polish, self.noise)
        if self.noise.sigma > STRONG:
            self.passes = [for_strong_noise(p) for p in self.passes]
        self.random = torch.Generator().manual_seed(settings.seed)
        self.queries: list[Query] = []
        self.guess_seconds = 0.0
        self.weights: Tensor | None = None  # of the first guess and the estimates
        self.risk: float | None = None
        self.fit = RecorruptFit(
            self.plain_examples if self.plain else self.examples,
            lambda: self.queries,
            network,
            recipe,
            scale=problem.sigma,
            finish=(lambda answers: answers[0]) if self.plain else self.finish,
            finish_share=FINISH_SHARE if recipe.polish else 0.0,
            finish_seconds=self.finish_seconds,
            budget=budget,
            seed=settings.seed,
        )

    def guess(self, noisy: Tensor) -> Tensor:
        """Denoise (C, H, W) with similar patches alone."""
        return guessed(noisy, self.noise, self.recipe.passes)

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
        if self.fit.outcome is None:  # interrupted, or a look at the picture on the way
            return torch.stack(begun(guess, answers[0], self.noise)).mean(0)
        self.fit.activity = "let similar patches correct the answer"
        estimates, done = begun(guess, answers[0], self.noise), []
        for last in self.passes:
            if self.affordable(last):
                estimates.append(corrected(self.y, estimates, self.noise, last))
                done.append(last)
        whole, self.passes = len(done) == len(self.passes), done
        x = torch.stack(estimates).mean(0)
        if not self.recipe.trials or self.noise.kernel is not None:
            return x
        if not whole or self.budget.short_of(self.trial_seconds(x)):
            return x
        self.fit.activity = "weigh the estimates"
        return self.weighed(x, [guess, *estimates])

    def learnt(self) -> Denoiser:
        """Give what has been learnt, apart from the fit."""
        return Denoiser(
            self.noise,
            self.drawn.sigma,
            self.recipe.passes,
            tuple(self.passes),
            self.fit.learnt(),
            self.weights,
            self.plain,
        )

    def restore(self, noisy: Tensor) -> Tensor:
        """Restore another picture (C, H, W) whose noise is of this law: nothing is learnt again."""
        return self.learnt().restore(noisy)

    def affordable(self, last: Pass) -> bool:
        """Say whether there is time for a last pass."""
        return not self.budget.short_of(pass_time(last) * self.guess_seconds)

    def finish_seconds(self) -> float:
        """Estimate what the last passes and the trials take, once the first guess is made."""
        passes = sum(map(pass_time, self.passes)) * self.guess_seconds
        trials = self.noise.kernel is None and self.recipe.trials > 0
        return passes + (self.trial_seconds(self.y) if trials else 0.0)

    def restore_seconds(self, pixels: int) -> float:
        """Estimate what a picture of so many pixels takes in `restore`."""
        whole = (1.0 + sum(map(pass_time, self.passes))) * self.guess_seconds
        return whole * pixels / self.y[0].numel()

    def trial_seconds(self, x: Tensor) -> float:
        """Estimate what all trials take."""
        size = min(1.0, TRIAL_PIXELS / x[0].numel())
        once = size * (1.0 + sum(map(pass_time, self.passes)))
        return self.recipe.trials * once * self.guess_seconds

    def weighed(self, x: Tensor, estimates: list[Tensor]) -> Tensor:
        """Weigh the estimates by trials: what is good at x with fresh noise is good at y."""
        learnt = self.learnt()
        trials = range(self.recipe.trials)
        tried = torch.cat(
            [self.errors(window(x, TRIAL_PIXELS, self.random), learnt) for _ in trials], 1
        )
        self.weights = mixture_weights(tried)
        self.risk = float((self.weights @ tried).square().mean()) / self.noise.sigma**2
        return mixed(estimates, self.weights)

    def errors(self, x: Tensor, learnt: Denoiser) -> Tensor:
        """Give the errors of all estimates, the first guess included, (k, n) where x is the truth."""
        again = self.noise.added_to(x, self.random)
        estimates = learnt.estimates(again, self.noise.sigma)
        return torch.stack([e - x for e in estimates]).flatten(1)
