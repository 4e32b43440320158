"""The `prior` fit: θ̂ = argmin ‖A G_θ(z) − y‖², z fixed and random, stopped before the noise comes in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from chnorm_cli.fitting.averaging import OutputAverage
from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.descent import Descent
from chnorm_cli.fitting.optimizers import Optimizers
from chnorm_cli.fitting.settings import Stop
from chnorm_cli.fitting.solution import DivergedError, Outcome, Step
from chnorm_cli.fitting.stopping import MonitorRule, WindowedVariance
from chnorm_cli.generators.decoder import Decoder
from chnorm_cli.generators.hourglass import Hourglass
from chnorm_cli.problems.operators import Identity
from chnorm_cli.problems.problem import Problem

REFIT_WARMUP = 20  # steps
HARMLESS = 1e-4**2  # a squared error that not even 12 bits could show


@dataclass(frozen=True)
class PriorRecipe:
    """The numbers of a `prior` fit; see docs/design-notes.md for how they were chosen."""

    steps: int
    adam_lr: float = 0.01
    muon_lr: float | None = 0.01
    input_scale: float = 0.1  # z ~ U(0, input_scale), as in the paper's code
    jitter: float = 0.0  # std of the noise that is added to z afresh at each step
    average: float = 0.99
    split: float = 0.4  # α of the split check: fit y + αe, watch y − e/α
    held_out: float = 0.03  # share of observed pixels that the stop rule keeps for itself
    patience: float = 0.35
    refit: float = 0.15  # afterwards, this share of the steps on all of the observation
    decay_share: float = 0.0  # the learning rate falls over this last share of planned steps


@dataclass(frozen=True)
class Check:
    """An objective on a part of what was observed, and the error on the independent rest."""

    loss: Callable[[Tensor], Tensor]
    error: Callable[[Tensor], Tensor] | None
    outcome: Outcome
    word: str


class PriorFit:
    """Fit one network to one problem; iterate for `Step`s, then ask for the `estimate`."""

    def __init__(
        self,
        problem: Problem,
        network: Decoder | Hourglass,
        recipe: PriorRecipe,
        *,
        stop: Stop,
        budget: Budget,
        seed: int,
    ) -> None:
        self.problem = problem
        self.network = network
        self.recipe = recipe
        self.budget = budget
        self.stop = stop
        self.activity = "fit"
        self.outcome: Outcome | None = None
        self.random = torch.Generator().manual_seed(seed)
        y = problem.observation
        z = torch.rand(network.input_shape, generator=self.random) * recipe.input_scale
        self.z = z.to(y.device, memory_format=torch.channels_last)
        self.average = OutputAverage(recipe.average)
        self.best: Tensor | None = None

    def estimate(self) -> Tensor | None:
        """Give the best picture so far, (C, H, W), or None before the first step."""
        x = self.best if self.best is not None else self.average.value
        if x is None:
            return None
        if self.problem.sigma > 0 or isinstance(self.problem.operator, Identity):
            return x[0]
        return self.problem.operator.project(x[0], self.problem.observation)

    def __iter__(self) -> Iterator[Step]:
        """Run the fit, one `Step` an iteration."""
        recipe = self.recipe
        check = self._check()
        optimizers = Optimizers(self.network, adam_lr=recipe.adam_lr, muon_lr=recipe.muon_lr)
        descent = Descent(self.network, optimizers, harmless=HARMLESS)
        rule = self._rule(check)
        weights: list[Tensor] = []
        index = 0
        best_index = 0
        while self.outcome is None:
            index += 1
            if recipe.decay_share:
                left = 1.0 - self.budget.share_done(index - 1)
                optimizers.scale_rates(min(1.0, max(0.05, left / recipe.decay_share)))
            step, average, output = self._advance(descent, check.loss, index, "fit")
            if step is None:
                return
            stopped = False
            if isinstance(rule, WindowedVariance):
                stopped = rule.update(index, output, average)
            elif rule is not None:
                stopped = rule.update(index, average)
            if rule is not None and rule.best.index != best_index:
                best_index = rule.best.index
                weights = [p.detach().clone() for p in self.network.parameters()]
            yield self._told(step, rule)
            if stopped and rule is not None:
                self.outcome = rule.outcome
            else:
                self.outcome = self.budget.exhausted(index)
        if rule is not None and rule.best.output is not None:
            self.best = rule.best.output
        # Steps or seconds that were asked for are spent by now; a refit would come on top.
        spent = self.outcome in (Outcome.TIME, Outcome.STEPS_ASKED)
        if check.error is None or not weights or spent or recipe.refit * best_index < 1:
            return
        yield from self._refit(descent, weights, index, best_index)

    def _refit(
        self, descent: Descent, weights: list[Tensor], index: int, best_index: int
    ) -> Iterator[Step]:
        """Go on from the best weights with everything that was observed."""
        with torch.no_grad():
            for parameter, value in zip(self.network.parameters(), weights, strict=True):
                parameter.copy_(value)
        descent.restart()
        self.activity = "refit on all"
        self.average = OutputAverage(self.recipe.average)
        outcome = self.outcome
        for extra in range(1, int(self.recipe.refit * best_index) + 1):
            # Without moments yet, Adam's first steps are as long as the rate, wherever they lead.
            descent.optimizers.scale_rates(min(1.0, extra / REFIT_WARMUP))
            step, _, _ = self._advance(descent, self._loss_on_all(), index + extra, "refit on all")
            if step is None:  # it diverged: what was best before is still there
                break
            yield step
            if self.budget.exhausted(0) is Outcome.TIME:
                break
        else:
            self.best = None  # the average of the refit replaces it
        self.outcome = outcome

    def _advance(
        self, descent: Descent, loss: Callable[[Tensor], Tensor], index: int, stage: str
    ) -> tuple[Step | None, Tensor, Tensor]:
        outputs: list[Tensor] = []

        def objective() -> Tensor:
            outputs.append(self.network(self._jittered()))
            return loss(outputs[-1])

        try:
            measured = descent.step(objective)
        except DivergedError:
            self.outcome = Outcome.DIVERGED
            return None, self.z, self.z
        if not measured.went_back:
            self.average.update(outputs[-1])
        average = self.average.value if self.average.value is not None else outputs[-1].detach()
        step = Step(
            index=index,
            loss=measured.loss,
            grad_norm=measured.grad_norm,
            layer_grad_norms=measured.layer_grad_norms,
            seconds=self.budget.elapsed,
            stage=stage,
            share_done=self.budget.share_done(index),
        )
        return step, average, outputs[-1]

    def _told(self, step: Step, rule: MonitorRule | WindowedVariance | None) -> Step:
        if rule is None:
            return step
        return replace(step, near=rule.near, monitor=rule.value)

    def _jittered(self) -> Tensor:
        if not self.recipe.jitter:
            return self.z
        noise = torch.randn(self.z.shape, generator=self.random).to(self.z)
        return self.z + self.recipe.jitter * noise

    def _loss_on_all(self) -> Callable[[Tensor], Tensor]:
        problem = self.problem
        observed = problem.observed
        return lambda x: _mean_square(problem.operator.forward(x), problem.observation, observed)

    def _check(self) -> Check:
        """Split what was observed into a part to fit and an independent part to watch."""
        problem, recipe = self.problem, self.recipe
        y, operator = problem.observation, problem.operator
        if self.stop in (Stop.VARIANCE, Stop.NONE):
            return Check(self._loss_on_all(), None, Outcome.STEPS, "")
        if isinstance(operator, Identity):
            if problem.sigma <= 0:
                return Check(self._loss_on_all(), None, Outcome.STEPS, "")
            # y₁ = y + αe and y₂ = y − e/α have independent noise, so ‖x − y₂‖² is the risk of x
            # for the slightly noisier y₁, up to a constant.
            e = problem.noise.added_to(torch.zeros_like(y), self.random)
            first, second = y + recipe.split * e, y - e / recipe.split
            return Check(
                lambda x: _mean_square(x, first, None),
                lambda x: _mean_square(x, second, None),
                Outcome.SPLIT_CHECK,
                "split check",
            )
        kept = torch.rand(y.shape[-2:], generator=self.random).to(y.device) >= recipe.held_out
        observed = problem.observed
        return Check(
            lambda x: _mean_square(operator.forward(x), y, observed * kept),
            lambda x: _mean_square(operator.forward(x), y, observed * ~kept),
            Outcome.HELD_OUT,
            "held-out pixels",
        )

    def _rule(self, check: Check) -> MonitorRule | WindowedVariance | None:
        if check.error is not None:
            return MonitorRule(
                check.error, check.outcome, check.word, patience=self.recipe.patience
            )
        return None if self.stop is Stop.NONE else WindowedVariance()


def _mean_square(x: Tensor, y: Tensor, weight: Tensor | None) -> Tensor:
    """Mean over the observed pixels only, so that the learning rate does not depend on the mask."""
    if weight is None:
        return (x - y).square().mean()
    channels = y.shape[-3]
    return ((x - y).square() * weight).sum() / (weight.sum() * channels).clamp_min(1)
