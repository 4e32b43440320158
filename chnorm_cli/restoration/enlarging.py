"""The phases of one enlarging: clean, enlarge step by step, let `prior` fits have their say, combine."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cached_property
from math import prod

import torch
from torch import Tensor, nn

from chnorm_cli.classical.first_guess import first_guess
from chnorm_cli.classical.guesses import ENLARGING, plug_and_play
from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.prior import PriorFit
from chnorm_cli.fitting.recipes import DOUBLE, SUPERRES, Choice, SuperresRecipe
from chnorm_cli.fitting.recorrupt import RecorruptFit, RecorruptRecipe
from chnorm_cli.fitting.settings import Fit, FitSettings, Stop
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.fitting.stages import Direct, Mapped, RunningFit, Stage, StagedFit
from chnorm_cli.generators.names import GeneratorName
from chnorm_cli.generators.spec import DEFAULT_WIDTHS, GeneratorSpec
from chnorm_cli.problems.names import Kernel
from chnorm_cli.problems.operators import Downsample, Identity
from chnorm_cli.problems.problem import Problem
from chnorm_cli.recorruption.examples import Query, centered, reduced_again
from chnorm_cli.restoration.artefacts import Wrong
from chnorm_cli.restoration.beginning import Beginning
from chnorm_cli.restoration.common import prior_fit, unet_for
from chnorm_cli.restoration.denoising import Denoising, denoising_within
from chnorm_cli.restoration.filling import Filling
from chnorm_cli.restoration.tiles.tile_work import Denoise, Enlarge

FACTORS = {2: (2,), 3: (3,), 4: (2, 2), 8: (2, 2, 2)}
SCALES = tuple(FACTORS)
TRIED = 64  # pixels, the side of what tells how long similar patches take
DECODER = GeneratorSpec(GeneratorName.DECODER, DEFAULT_WIDTHS[GeneratorName.DECODER])
CLEANED = "the small picture is noisy ({}), and the enlarged one explains it without its noise"
MENDED = "the small picture is {}, and the enlarged one explains it without its artefacts"


class Enlarging:
    """The phases of one enlarging and what they leave to each other.

    Clean the small picture where it is noisy, enlarge step by step with `recorrupt`, let `prior`
    fits have their say, and combine. `y` (C, h, w) is the small picture to go by. With `learn_only`
    it is a part of a larger one, which is enlarged in tiles; there are no `prior` fits then.
    """

    running: StagedFit  # the fit whose phases these are

    def __init__(
        self,
        problem: Problem,
        choice: Choice,
        settings: FitSettings,
        scale: int,
        kernel: Kernel,
        beginning: Beginning,
        wrong: Wrong | None = None,
        *,
        learn_only: bool = False,
    ) -> None:
        self.problem, self.choice, self.settings = problem, choice, settings
        self.scale, self.kernel, self.beginning = scale, kernel, beginning
        self.wrong, self.learn_only = wrong, learn_only
        self.law = law = beginning.removed if wrong is None else None
        self.dirty = law is not None or beginning.holes is not None or wrong is not None
        self.cleaner: Denoising | Filling | None = None
        self.enlarged: dict[int, list[RecorruptFit]] = {}  # the fits of each level
        self.y = problem.observation
        self.recipe: SuperresRecipe = (DOUBLE if scale == 2 else SUPERRES)[settings.effort]
        self.factors = FACTORS[scale]
        self.unets = self._unets()
        self.budget = Budget(0, settings.steps, settings.time)
        self.first = int(self.dirty)  # estimates before those of enlarging
        wanted = self.recipe.priors if choice.fit is Fit.BOTH else 0
        self.priors = 0 if learn_only else wanted
        if self.y.device.type == "cpu":
            self.priors = min(
                self.priors, self.recipe.priors_for(problem.size[0] * problem.size[1])
            )
        self.notes = list(beginning.notes)
        if law is not None:
            self.notes.append(CLEANED.format(law.sentence()))
        if wrong is not None:
            self.notes.append(MENDED.format(wrong.jpeg.compression.sentence()))
        if wanted and not self.priors:
            self.notes.append("the enlarged picture is too large for a prior fit: recorrupt alone")

    def fit(self) -> StagedFit:
        """Put the stages one after another."""
        unet, recorrupt = self.unets[0]
        stages = []
        if self.dirty:
            work = float(self.choice.recorrupt.steps)
            stages.append(Stage("cleaning", work, lambda _, budget: self.cleaning(budget)))
        last = len(self.factors) - 1
        stages += [self.enlarging(level, unet, recorrupt) for level in range(last)]
        stages += [self.enlarging(last, *network) for network in self.unets]
        stages += [self.prior(number) for number in range(self.priors)]
        self.running = StagedFit(stages, self.combined, self.budget, self.last_seconds)
        return self.running

    def cleaning(self, budget: Budget) -> RunningFit:
        """Fill the bad pixels of the small picture, and denoise it where its noise is white."""
        beginning, law, wrong = self.beginning, self.law, self.wrong
        if wrong is not None:
            return Direct(
                lambda say: wrong.cleaned(self.y, say=say, go_on=budget.in_time),
                budget,
                Outcome.CELLS,
            )
        if law is None:  # it has bad pixels
            if not beginning.learns_holes(self.settings):
                return Direct(lambda _: beginning.whole, budget, Outcome.FROM_AROUND)
            filling = Filling(beginning, self.settings, budget)
            self.cleaner = filling
            return Mapped(filling.fit(), lambda x: beginning.finished(x, clean=False))
        noise = law.told(beginning.said.strength)
        problem = Problem(law.whitened(self.y), Identity((self.y.shape[1], self.y.shape[2])), noise)
        self.cleaner = denoising_within(problem, self.settings, budget)
        return Mapped(
            self.cleaner.fit, lambda z: beginning.finished(law.restored(z, self.y), clean=True)
        )

    def enlarging(self, level: int, network: nn.Module, recorrupt: RecorruptRecipe) -> Stage:
        """Enlarge by one more of the factors."""
        factor, reached = self.factors[level], prod(self.factors[: level + 1])

        def make(estimates: list[Tensor], budget: Budget) -> RecorruptFit:
            y = self.go_by(estimates)
            small = estimates[self.first + level - 1] if level else y
            step = Downsample((small.shape[1], small.shape[2]), factor, self.kernel).to(y.device)
            # From the second step on the picture itself is partly guessed; y stays the witness.
            shrinks = self.recipe.later_shrinks if level else self.recipe.first_shrinks
            examples = reduced_again(small, factor, self.kernel, shrinks)
            if level:
                examples += reduced_again(y, factor, self.kernel, self.recipe.first_shrinks[:3])
            guess = first_guess(step, small)
            whole = Downsample((y.shape[1], y.shape[2]), reached, self.kernel).to(y.device)
            fit = RecorruptFit(
                lambda say: iter(examples),
                lambda: [Query(centered(guess), guess)],
                network,
                recorrupt,
                scale=0.05,
                finish=lambda answers: whole.project(answers[0], y),
                budget=replace(budget, planned=recorrupt.steps),
                seed=self.settings.seed + level,
            )
            self.enlarged.setdefault(level, []).append(fit)
            return fit

        again = network is not self.unets[0][0]
        return Stage(f"enlarge to ×{reached}", float(recorrupt.steps), make, optional=again)

    def prior(self, number: int) -> Stage:
        """Fit a decoder to the small picture, from a seed of its own."""
        prior, size = self.recipe.prior, self.problem.size

        def make(estimates: list[Tensor], budget: Budget) -> PriorFit:
            return prior_fit(
                replace(self.problem, observation=self.go_by(estimates)),
                DECODER,
                prior,
                stop=Stop.NONE,
                budget=budget,
                seed=self.settings.seed + number,
            )

        # A step costs as much as the enlarged picture is large.
        work = 3.0 * size[0] * size[1] / 256**2
        name = f"prior {number + 1} of {self.priors}"
        return Stage(name, work * prior.steps, make, optional=True)

    def combined(self, estimates: list[Tensor]) -> Tensor:
        """Give the mean of both kinds of fit, corrected by similar patches."""
        y = self.go_by(estimates)
        whole = [x for x in estimates if tuple(x.shape[1:]) == self.problem.size]
        if not whole:
            return first_guess(self.problem.operator, y)
        enlarged, fitted = whole[: len(self.unets)], whole[len(self.unets) :]
        x = torch.stack(enlarged).mean(0)
        if fitted:
            x = (x + torch.stack(fitted).mean(0)) / 2
        if self.learn_only:
            return x
        go_on = self.budget.in_time
        return plug_and_play(
            x, y, self.problem.operator, self.recipe.strengths, ENLARGING, go_on=go_on
        )

    @cached_property
    def pace(self) -> float:
        """Seconds that one plug-and-play iteration takes a pixel, tried on a corner of the picture."""
        small = self.y[:, :TRIED, :TRIED]
        operator = Downsample(_size(small), self.scale, self.kernel).to(small.device)
        x, once = first_guess(operator, small), self.recipe.strengths[:1]
        began = time.perf_counter()
        plug_and_play(x, small, operator, once, ENLARGING)
        return (time.perf_counter() - began) / x[0].numel()

    def last_seconds(self) -> float:
        """Estimate what similar patches take at the end."""
        height, width = self.problem.size
        return 0.0 if self.learn_only else self.pace * len(self.recipe.strengths) * height * width

    def again_seconds(self, pixels: int) -> float:
        """Estimate what another picture of so many pixels takes in `learnt`: asked, and corrected."""
        answers = pixels * self.scale**2
        fits = [fit for level in self.enlarged.values() for fit in level]
        asked = sum(fit.seconds_to_ask(answers) for fit in fits[-len(self.unets) :])
        cleaned = 0.0
        if isinstance(self.cleaner, Denoising):
            cleaned = self.cleaner.restore_seconds(pixels)
        return cleaned + asked + self.pace * len(self.recipe.strengths) * answers

    def learnt(self) -> Enlarge:
        """Give what has been learnt, apart from the fits and without `prior` ones."""
        clean = None
        if isinstance(self.cleaner, Denoising):
            assert self.law is not None
            clean = Denoise(replace(self.law, flat=None), self.cleaner.learnt())
        levels = range(len(self.factors))
        networks = tuple(tuple(fit.learnt() for fit in self.enlarged[level]) for level in levels)
        return Enlarge(clean, networks, self.factors, self.kernel, self.recipe.strengths)

    def enlarge_again(self, small: Tensor) -> Tensor:
        """Enlarge another clean picture (C, h, w) as far: nothing is learnt again."""
        return self.learnt().enlarged(small)

    @property
    def explained(self) -> Tensor:
        """The small picture (C, h, w) that the enlarged one explains."""
        return self.go_by(self.running.estimates)

    def go_by(self, estimates: list[Tensor]) -> Tensor:
        """Give the small picture to explain: the clean one as soon as there is one."""
        return estimates[0] if self.dirty and estimates else self.y

    def _unets(self) -> list[tuple[nn.Module, RecorruptRecipe]]:
        """Build what is fitted in the last step; the first of them in all steps."""
        recorrupt = self.recipe.recorrupt
        spec = replace(self.choice.generator, widths=recorrupt.widths)
        seed, channels = self.settings.seed, self.problem.channels
        unets = [(unet_for(self.problem, spec, channels, seed), recorrupt)]
        if self.recipe.second_muon_lr is not None:
            another = unet_for(self.problem, spec, channels, seed + 1)
            unets.append((another, replace(recorrupt, muon_lr=self.recipe.second_muon_lr)))
        return unets


def _size(x: Tensor) -> tuple[int, int]:
    return x.shape[-2], x.shape[-1]
