"""The `recorrupt` fit: corrupt once more in the same way, and learn to undo that."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from chnorm_cli.classical.passes import FIRST, SECOND, THIRD, Pass
from chnorm_cli.fitting.averaging import WeightAverage
from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.descent import Descent
from chnorm_cli.fitting.learnt import SYMMETRIES, Learnt, transformed
from chnorm_cli.fitting.optimizers import Optimizers
from chnorm_cli.fitting.solution import DivergedError, Outcome, Step
from chnorm_cli.recorruption.examples import Example, FreshNoise, Query

EXAMPLES_SHARE = 0.4  # of --time, at most, for first guesses
HARMLESS = 0.5 / 255  # an error that 8 bits do not show
WORSE = 2.0  # times the loss of the first guess itself: the network has learnt nothing
ROUNDING = 2e-6  # errors of a first guess that is right

Material = Example | FreshNoise  # what crops are cut from


@dataclass(frozen=True)
class RecorruptRecipe:
    """The numbers of a `recorrupt` fit; see docs/design-notes.md for how they were chosen."""

    steps: int
    copies: int = 6
    symmetries: int = SYMMETRIES  # of the question that the answer averages over
    crop: int = 64
    batch: int = 8
    tile: int = 128  # pixels, the side of what the network is asked about at once
    adam_lr: float = 4e-3
    muon_lr: float | None = None
    decay_share: float = 0.3  # the learning rate falls linearly over this last share
    warmup: int = 20
    average: float = 0.99
    widths: tuple[int, ...] = (24, 32, 48, 64)
    passes: tuple[Pass, ...] = (FIRST, SECOND, THIRD)  # first guess against noise
    polish: tuple[Pass, ...] = ()  # against noise: last passes, with what is known by then as pilot
    trials: int = 0  # with known truth, to weigh what the network and the last passes say
    drawings: int = 0  # dead leaves to learn from beside the picture
    strengths: tuple[float, ...] = ()  # of a non-local first guess for holes, 0–255 scale
    iterations: int = 0  # of plug-and-play that are tried at the end, for holes
    enough: float = 0.001  # of the held-out error; a strength that lowers it by less is reduced


class RecorruptFit:
    """Learn the residual on a first guess from recorrupted examples of one picture.

    θ̂ = argmin Σ_k ‖ g_k + s G_θ(f_k) − t_k ‖²_w over random crops of the examples, then
    x̂ = finish(mean over symmetries of g + s G_θ̂(f), for each query). The examples come from
    `recorruption.examples`; a step costs the same whatever the size of the picture.
    """

    def __init__(
        self,
        examples: Callable[[Callable[[str], None]], Iterator[Material]],
        queries: Callable[[], Sequence[Query]],
        network: nn.Module,
        recipe: RecorruptRecipe,
        *,
        scale: float,
        finish: Callable[[list[Tensor]], Tensor],
        budget: Budget,
        seed: int,
        finish_share: float = 0.0,
        finish_seconds: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.make_examples = examples
        self.make_queries = queries
        self.network = network
        self.recipe = recipe
        self.scale = scale
        self.finish = finish
        self.finish_share = finish_share  # of --time, kept for `finish`
        self.finish_seconds = finish_seconds  # that it will take, as far as is known
        self.budget = budget
        self.activity = "first guess"
        self.outcome: Outcome | None = None
        self.random = torch.Generator().manual_seed(seed)
        self.average = WeightAverage(network, recipe.average)
        self.answered: Tensor | None = None
        self.lost = self.lost_by_guess = 0.0  # of late
        self.seconds_per_step = 0.0

    def estimate(self) -> Tensor | None:
        """Give the best picture so far, (C, H, W); during the fit it costs one pass of the network."""
        return self._answer() if self.answered is None else self.answered

    def __iter__(self) -> Iterator[Step]:
        """Make the examples, then run the fit, one `Step` an iteration."""
        recipe, budget = self.recipe, self.budget
        examples = self._examples()
        descent = Descent(
            self.network,
            Optimizers(self.network, adam_lr=recipe.adam_lr, muon_lr=recipe.muon_lr),
            harmless=(HARMLESS / self.scale) ** 2,
        )
        self.activity = "fit"
        began = budget.elapsed
        index = 0
        # Optimisers take steps of one size however small the gradient: of rounding errors a network
        # would only learn to spoil a guess that is right.
        learnable = any(map(_can_teach, examples))
        guessed = all(isinstance(example, Example) for example in examples)
        self.outcome = budget.exhausted(index) if learnable else Outcome.LEARNT
        while self.outcome is None:
            index += 1
            remaining = 1.0 - budget.share_done(index - 1)
            descent.optimizers.scale_rates(
                min(1.0, index / recipe.warmup, max(0.02, remaining / recipe.decay_share))
            )
            batch = self._batch(examples)
            usual = float(self._error(batch, batch.guess)) if guessed else 0.0
            try:
                measured = descent.step(
                    lambda batch=batch: self._loss(batch),  # type: ignore[misc]
                    usual=usual,
                )
            except DivergedError:
                self.outcome = Outcome.DIVERGED
                return
            self.average.update()
            if not measured.went_back:
                self.lost = 0.9 * self.lost + 0.1 * measured.loss
                self.lost_by_guess = 0.9 * self.lost_by_guess + 0.1 * usual
            self.seconds_per_step = (budget.elapsed - began) / index
            yield Step(
                index=index,
                loss=measured.loss,
                grad_norm=measured.grad_norm,
                layer_grad_norms=measured.layer_grad_norms,
                seconds=budget.elapsed,
                share_done=self._share_done(index),
            )
            self.outcome = budget.exhausted(index, reserve=self._seconds_to_answer())
        self.activity = "average over symmetries"
        self.answered = self._answer()

    def _share_done(self, index: int) -> float:
        """Estimate how much of the time is over after step `index`, with what comes after the steps."""
        share, after = self.budget.share_done(index), self.finish_seconds()
        if self.budget.seconds is not None or not after or not share:
            return share
        elapsed = self.budget.elapsed
        rest = self.seconds_per_step * index * (1.0 / share - 1.0)
        return elapsed / (elapsed + rest + self._seconds_to_answer() + after)

    def _examples(self) -> list[Material]:
        """Make the examples, fewer of them when the time that was asked for is short."""
        examples: list[Material] = []
        for example in self.make_examples(self._say):
            examples.append(example)
            seconds = self.budget.seconds
            if seconds is not None and self.budget.elapsed > EXAMPLES_SHARE * seconds:
                break
        return examples

    def _say(self, activity: str) -> None:
        self.activity = activity

    def _batch(self, examples: Sequence[Material]) -> Example:
        """Cut random crops out of random examples, all under one random symmetry."""
        crop = min(self.recipe.crop, *(min(e.size) for e in examples))
        symmetry = self._draw(SYMMETRIES)
        parts = []
        for _ in range(self.recipe.batch):
            example = examples[self._draw(len(examples))]
            height, width = example.size
            top, left = self._draw(height - crop + 1), self._draw(width - crop + 1)
            parts.append(example.crop(top, left, crop))
        return Example.stack(parts, lambda x: transformed(x, symmetry))

    def _draw(self, below: int) -> int:
        return int(torch.randint(below, (), generator=self.random))

    def _loss(self, batch: Example) -> Tensor:
        features = batch.features.contiguous(memory_format=torch.channels_last)
        return self._error(batch, batch.guess + self.scale * self.network(features))

    def _error(self, batch: Example, answer: Tensor) -> Tensor:
        error: Tensor = ((answer - batch.target) / self.scale).square()
        if batch.weight is None:
            return error.mean()
        count = (batch.weight.sum() * error.shape[1]).clamp_min(1.0)
        return (error * batch.weight).sum() / count

    @torch.no_grad()
    def _answer(self) -> Tensor:
        """Ask every query, and finish with the answers."""
        return self.finish([self.ask(query) for query in self.make_queries()])

    @torch.no_grad()
    def ask(self, query: Query) -> Tensor:
        """Give the query's first guess with what the averaged network corrects in it.

        A guess that is all but right, as that of a smooth ramp, is left as it is: it asks for finer
        corrections than steps of one size come to.
        """
        with self.average.applied():
            return self._learnt().ask(query)

    def learnt(self) -> Learnt:
        """Give what has been learnt, apart from the fit."""
        with self.average.applied():
            learnt = self._learnt()
            return replace(learnt, network=copy.deepcopy(learnt.network).requires_grad_(False))

    def _learnt(self) -> Learnt:
        recipe = self.recipe
        trusted = not self.lost_by_guess or self.lost <= WORSE * self.lost_by_guess
        return Learnt(self.network, self.scale, recipe.tile, recipe.symmetries, trusted)

    def _seconds_to_answer(self) -> float:
        pixels = sum(q.guess.shape[-1] * q.guess.shape[-2] for q in self.make_queries())
        finishing = self.finish_share * (self.budget.seconds or 0.0)
        return self.seconds_to_ask(pixels) + finishing

    def seconds_to_ask(self, pixels: int) -> float:
        """Guess from the time of a step: a pass without gradients costs about a third."""
        batch = self.recipe.batch * self.recipe.crop**2
        return 0.4 * self.seconds_per_step * self.recipe.symmetries * pixels / batch


def _can_teach(material: Material) -> bool:
    """Say whether the first guess of an example is wrong anywhere."""
    if not isinstance(material, Example):
        return True
    error = float((material.guess - material.target).abs().max())
    return not error <= ROUNDING  # what is no number is for the fit to find out
