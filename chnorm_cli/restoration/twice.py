"""Denoising that learns twice: from the first guess, then from the answer to that and from drawings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.recipes import GRAY_TWICE, Choice
from chnorm_cli.fitting.recorrupt import RecorruptFit
from chnorm_cli.fitting.settings import FitSettings
from chnorm_cli.fitting.stages import Stage, StagedFit
from chnorm_cli.problems.names import Say
from chnorm_cli.problems.problem import Problem
from chnorm_cli.recorruption.examples import FreshNoise, Query, centered, noisy_again
from chnorm_cli.restoration.common import unet_for
from chnorm_cli.restoration.denoiser import SECOND_SHARE, Denoiser
from chnorm_cli.restoration.denoising import Denoising

SHARES = (0.3, 0.7)  # of the steps
UNLIKE = 0.25  # of σ: a second answer that is further from the first has not learnt enough


class LearningTwice:
    """Fit from the first guess; then learn from the answer and from drawings, without any guess.

    The second network sees the noisy picture only, and its errors are its own.
    """

    def __init__(
        self,
        problem: Problem,
        choice: Choice,
        settings: FitSettings,
        network: nn.Module,
        budget: Budget,
    ) -> None:
        self.problem, self.choice, self.settings, self.network = problem, choice, settings, network
        self.first: Denoising | None = None
        self.second: RecorruptFit | None = None
        from_guess, from_answer = SHARES
        self.fit = StagedFit(
            [
                Stage("from the guess", from_guess, self.from_guess),
                Stage("from the answer", from_answer, self.from_answer, optional=True),
            ],
            self.combine,
            budget,
        )

    def restore_seconds(self, pixels: int) -> float:
        """Estimate what a picture of so many pixels takes in `restore`, by the first fit."""
        return 0.0 if self.first is None else self.first.restore_seconds(pixels)

    @property
    def risk(self) -> float | None:
        """The mean squared error of the first answer in units of the noise's variance, if known."""
        return None if self.first is None else self.first.risk

    def from_guess(self, _: list[Tensor], budget: Budget) -> RecorruptFit:
        """Learn what the first guess lacks."""
        budget = replace(budget, planned=self.choice.recorrupt.steps)
        self.first = Denoising(self.problem, self.choice, self.settings, self.network, budget)
        return self.first.fit

    def from_answer(self, estimates: list[Tensor], budget: Budget) -> RecorruptFit:
        """Learn from the answer and from drawings, with another network."""
        y, noise, seed = self.problem.observation, self.problem.noise, self.settings.seed
        _, recipe = GRAY_TWICE
        random = torch.Generator().manual_seed(seed)

        def examples(say: Say) -> Iterator[FreshNoise]:
            yield from noisy_again(estimates[0], noise, recipe.drawings, random, say)

        spec = replace(self.choice.generator, widths=recipe.widths)
        self.second = RecorruptFit(
            examples,
            lambda: [Query(centered(y), y)],
            unet_for(self.problem, spec, y.shape[0], seed),
            recipe,
            scale=noise.sigma,
            finish=lambda answers: answers[0],
            budget=replace(budget, planned=recipe.steps),
            seed=seed,
        )
        return self.second

    def combine(self, estimates: list[Tensor]) -> Tensor:
        """Give the mean of both answers, unless the second has not learnt enough."""
        if not estimates:  # who interrupts the first fit gets what it has
            so_far = None if self.first is None else self.first.fit.estimate()
            return self.problem.observation if so_far is None else so_far
        first, *others = estimates
        return self.mean(first, others[0]) if self.trusted(estimates) else first

    def trusted(self, estimates: list[Tensor]) -> bool:
        """Say whether there is a second answer that is not far from the first."""
        if len(estimates) < 2:
            return False
        apart = float((estimates[1] - estimates[0]).square().mean().sqrt())
        return apart < UNLIKE * self.problem.sigma

    def mean(self, first: Tensor, second: Tensor) -> Tensor:
        """Weigh the two answers."""
        return torch.lerp(first, second, SECOND_SHARE)

    def learnt(self) -> Denoiser:
        """Give what both networks have learnt, apart from the fits."""
        assert self.first is not None
        first = self.first.learnt()
        if self.second is None or not self.trusted(self.fit.estimates):
            return first
        return replace(first, second=self.second.learnt())

    def restore(self, noisy: Tensor) -> Tensor:
        """Restore another picture (C, H, W) whose noise is of this law: nothing is learnt again."""
        return self.learnt().restore(noisy)
