"""The stages of one filling of holes: wide holes, noise, learn, learn again, correct."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from chnorm_cli.classical.first_guess import first_guess
from chnorm_cli.classical.guesses import fill_guess, helpful_strengths, plug_and_play
from chnorm_cli.classical.local_prediction import local_filling
from chnorm_cli.classical.patch_filling import patch_filling, wide_holes
from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.recipes import INPAINT, choose
from chnorm_cli.fitting.recorrupt import RecorruptFit
from chnorm_cli.fitting.settings import FirstGuess, Fit, FitSettings
from chnorm_cli.fitting.stages import Direct, Mapped, RunningFit, Stage, StagedFit
from chnorm_cli.noise.gaussian import Noise
from chnorm_cli.problems.names import Say
from chnorm_cli.problems.operators import Identity, Mask
from chnorm_cli.problems.problem import Problem
from chnorm_cli.recorruption.examples import (
    Example,
    Query,
    dropped_again,
    holes_like,
    mask_features,
    masked_again,
    window_around_holes,
)
from chnorm_cli.restoration.artefacts import Wrong
from chnorm_cli.restoration.beginning import Beginning
from chnorm_cli.restoration.common import unet_for
from chnorm_cli.restoration.denoising import Denoising, denoising_within

HELD_OUT = 0.03  # share of observed pixels that decides between candidates
CHECKED = 1 << 18  # pixels; a window of so many says enough about how well a picture is filled
AFFORDED = 24  # iterations, whatever the size of a picture
FINISH_SHARE = 0.25  # of --time, kept for the non-local filtering at the end
SETTLING = 10  # iterations in which a picture that lacked the held-out pixels takes them in
AGAIN = 12  # plug-and-play iterations, at most, for a part that is filled again
SHARES = (0.45, 0.55)  # of the steps: on observed pixels, then on the filled picture
BETWEEN = (8.0, 5.0)  # plug-and-play strengths, 0–255 scale, for the filled picture
WIDE = 7.0  # pixels from the middle of a hole to what is known; beyond, patches beat a U-Net
# A sample of what may be in a hole has twice the squared error of the mean of all that may be
# there. Patches with a larger one than that, against the smooth filling, do not belong there.
SAMPLE = 2.0
REPEATED = (
    "wide holes repeat other parts of the picture, and nothing is known about what was there"
    " (--first-guess classical fills them smoothly)"
)

Examples = Callable[[Say], Iterator[Example]]


class Filling:
    """The stages of one filling and what they leave to each other.

    `known` (H, W) are the pixels to go by: the observed ones, and those that patches have filled.
    """

    def __init__(
        self,
        beginning: Beginning,
        settings: FitSettings,
        budget: Budget | None = None,
        wrong: Wrong | None = None,
    ) -> None:
        self.beginning = beginning
        y, known, law = beginning.y, beginning.known, beginning.removed
        self.wrong, self.seen = wrong, y
        self.choice = choice = choose(settings, default=Fit.RECORRUPT, recorrupt=INPAINT)
        self.y, self.observed, self.law = y, known, law
        self.asked = beginning.said.strength
        self.recipe, self.settings = choice.recorrupt, settings
        noise = Noise(0.0) if law is None else law.noise
        self.problem = Problem(y * known, Mask(known.to(y.dtype)), noise)
        self.network = unet_for(self.problem, choice.generator, y.shape[0] + 1, settings.seed)
        self.random = torch.Generator().manual_seed(settings.seed)
        self.fill = fill_guess(settings.first_guess, self.recipe.strengths)
        self.nonlocal_helps = settings.first_guess in (FirstGuess.AUTO, FirstGuess.NONLOCAL)
        patches_allowed = settings.fit is Fit.AUTO and settings.first_guess is FirstGuess.AUTO
        self.wide = wide_holes(known, WIDE) if patches_allowed else torch.zeros_like(known)
        steps = self.recipe.steps
        self.budget = budget or Budget(steps, settings.steps, settings.time)
        self.notes = list(beginning.notes)
        self.queries: list[Query] = []
        self.filled: list[Tensor] = []
        self.running: list[RecorruptFit] = []
        self.denoising: Denoising | None = None
        self.pace = 0.0  # seconds that one plug-and-play iteration takes a pixel
        self.strengths: list[float] = []  # of plug-and-play, that helped
        self.reached: Tensor | None = None  # the window's filling without the held-out pixels
        self.repeated = torch.zeros_like(known)  # where the filling repeats other parts
        self.go_by(y, known)

    def go_by(self, y: Tensor, known: Tensor) -> None:
        """Take y (C, H, W) where `known` for the observation from here on."""
        self.known, self.y = known, y * known
        self.checked = here = window_around_holes(known, CHECKED, self.random)
        self.held = holes_like(known[here], HELD_OUT, self.random) & self.observed[here]
        self.shown = known.clone()
        self.shown[here] &= ~self.held
        # Of the two queries: the window without the held-out pixels, and the picture with all.
        self.masks = (Mask(self.shown[here].to(y.dtype)), Mask(known.to(y.dtype)))
        self.ys = (self.y[:, *here], self.y)

    def fit(self) -> RunningFit:
        """Clean a JPEG, fill wide holes with patches, remove noise; then learn the rest."""
        stages = []
        if self.wrong is not None:
            stages.append(Stage("artefacts", 1.0, self.mending))
        if bool(self.wide.any()):
            stages.append(Stage("wide holes", 0.0, lambda _, budget: Direct(self.patches, budget)))
        if self.law is not None:
            stages.append(Stage("noise", 1.0, self.cleaning))
        first, second = SHARES
        stages.append(self.learning("observed", first, self.dropped, self.first_finish))
        stages.append(self.learning("filled", second, self.masked, self.last_finish))
        return StagedFit(stages, self.latest, self.budget)

    def learning(
        self, name: str, share: float, examples: Examples, finish: Callable[[list[Tensor]], Tensor]
    ) -> Stage:
        """Learn from `examples`; the first of two such stages leaves its filling to the second."""

        def make(estimates: list[Tensor], budget: Budget) -> RunningFit:
            if self.law is not None and not self.running:
                self.go_by(estimates[-1], self.known)
            if bool(self.known.all()):  # all holes were wide
                return Direct(lambda _: self.y, budget)
            self.running.append(
                RecorruptFit(
                    examples,
                    lambda: self.queries,
                    self.network,
                    self.recipe,
                    scale=0.05,  # about the error of the first guess
                    finish=finish,
                    budget=replace(budget, planned=round(share * self.recipe.steps)),
                    seed=self.settings.seed,
                    finish_share=FINISH_SHARE,
                    finish_seconds=self.last_seconds,
                )
            )
            return self.running[-1]

        return Stage(name, share, make, optional=name == "filled")

    def patches(self, say: Say) -> Tensor:
        """Fill the wide holes with patches, unless held-out holes say that these do not belong there."""

        def filled(known: Tensor) -> Tensor:
            return patch_filling(self.y, known, self.random, say, go_on=self.in_time)

        held = holes_like(self.observed, 1.0, self.random)
        shown = self.observed & ~held
        smooth = first_guess(Mask(shown.to(self.y.dtype)), self.y * shown)
        if _error(filled(shown), self.y, held) <= SAMPLE * _error(smooth, self.y, held):
            x = torch.where(self.wide, filled(self.observed), self.y)
            self.go_by(x, self.observed | self.wide)
            self.repeated = self.wide
            self.notes.append(REPEATED)
        return first_guess(self.masks[1], self.y)

    def mending(self, _: list[Tensor], budget: Budget) -> RunningFit:
        """Take the artefacts out of all that was compressed, and go by that beside the holes."""
        wrong = self.wrong
        assert wrong is not None

        def make(say: Say) -> Tensor:
            self.go_by(
                wrong.cleaned(self.seen, self.asked, say=say, go_on=budget.in_time), self.known
            )
            return first_guess(self.masks[1], self.y)

        return Direct(make, budget)

    def cleaning(self, _: list[Tensor], budget: Budget) -> RunningFit:
        """Denoise the picture with its holes filled; they are learnt from what is clean then."""
        assert self.law is not None
        law, y = self.law, first_guess(self.masks[1], self.y)
        if not bool(self.wide.any()):  # narrow ones are known better from what is around each
            y = local_filling(self.y, self.known, y)
        noise = replace(law.noise, sigma=max(1.0, self.asked) * law.noise.sigma)
        problem = Problem(law.whitened(y), Identity((y.shape[1], y.shape[2])), noise)
        self.denoising = denoising_within(problem, self.settings, budget)
        return Mapped(self.denoising.fit, lambda z: law.restored(z, y))

    @property
    def risk(self) -> float | None:
        """None: what trials tell of the noise does not hold for the holes."""
        return None

    def restore(self, noisy: Tensor) -> Tensor:
        """Denoise another picture whose noise is of the same law, when the noise has been removed."""
        assert self.denoising is not None
        return self.denoising.restore(noisy)

    def dropped(self, say: Say) -> Iterator[Example]:
        """Give what was observed with further holes."""
        say("first guess")
        for y, seen in ((self.ys[0], self.shown[self.checked]), (self.y, self.known)):
            guess = self.fill(y, seen)
            self.queries.append(Query(mask_features(guess, seen), guess, ~seen))
        yield from dropped_again(
            self.y, self.shown, self.fill, self.recipe.copies, self.random, say
        )

    def masked(self, say: Say) -> Iterator[Example]:
        """Give the filled picture with its holes elsewhere."""
        # What never saw the held-out pixels makes new examples where they are.
        x = self.filled[1].clone()
        x[:, *self.checked] = self.filled[0]
        yield from masked_again(x, self.known, self.fill, self.recipe.copies, self.random, say)

    def first_finish(self, answers: list[Tensor]) -> Tensor:
        """Clean up both fillings."""
        between, began = (
            BETWEEN if self.nonlocal_helps and self.complete else (),
            time.perf_counter(),
        )
        self.filled = [
            plug_and_play(x, y, mask, between)
            for x, y, mask in zip(self.explaining(answers), self.ys, self.masks, strict=True)
        ]
        if between:
            pixels = sum(x[0].numel() for x in self.filled)
            self.pace = (time.perf_counter() - began) / (len(between) * pixels)
        return self.filled[1]

    def last_finish(self, answers: list[Tensor]) -> Tensor:
        """Let the held-out pixels say how much non-local filtering helps, then do it with all."""
        if self.filled:  # two fits err less together
            answers = [(x + before) / 2.0 for x, before in zip(answers, self.filled, strict=True)]
        checked, x = self.explaining(answers)
        self.reached = checked
        if self.nonlocal_helps and self.complete:
            self.running[-1].activity = "let similar patches correct the answer"
            strengths, reached = helpful_strengths(
                checked,
                self.ys[0],
                self.masks[0],
                lambda candidate: _error(candidate, self.ys[0], self.held),
                go_on=self.in_time,
                enough=self.recipe.enough,
                most=self.tries(),
            )
            self.reached, self.strengths = reached, strengths
            if reached.shape == x.shape:  # all was checked, and only the held-out pixels are new
                x, strengths = self.masks[1].project(reached, self.y), strengths[-SETTLING:]
            x = plug_and_play(x, self.y, self.masks[1], strengths, go_on=self.budget.in_time)
        return x

    def last_seconds(self) -> float:
        """Estimate what `last_finish` takes, once `first_finish` has told how quick the machine is.

        What helps is tried in a window, and done once more with all.
        """
        window, whole = self.ys[0][0].numel(), self.y[0].numel()
        again = SETTLING if window == whole else self.tries()
        return self.pace * (self.tries() * window + again * whole)

    def fill_again(self, y: Tensor, shown: Tensor) -> Tensor:
        """Fill another part y (C, h, w) where `shown` (h, w) is false: nothing is learnt again."""
        mask, guess = Mask(shown.to(y.dtype)), self.fill(y, shown)
        x = guess
        if self.running:
            x = self.running[-1].ask(Query(mask_features(guess, shown), guess, ~shown))
        return plug_and_play(mask.project(x, y), y, mask, self.some_strengths())

    def some_strengths(self) -> tuple[float, ...]:
        """Give a part of the strengths that helped, for a picture that is filled without trying."""
        return tuple(self.strengths[:: -(-len(self.strengths) // AGAIN) or 1])

    def tries(self) -> int:
        """Give the number of iterations to try: a large picture repeats on all what a window found."""
        affordable = round(self.recipe.iterations * 2 * CHECKED / self.known.numel())
        return min(self.recipe.iterations, max(AFFORDED, affordable))

    def explaining(self, answers: list[Tensor]) -> list[Tensor]:
        """Put the observed pixels back into the answers to the two queries."""
        parts = zip(answers, self.ys, self.masks, strict=True)
        return [mask.project(x, y) for x, y, mask in parts]

    @property
    def complete(self) -> bool:
        """Whether the running fit has come to its end; who interrupts it does not want to wait."""
        return self.running[-1].outcome is not None

    def latest(self, estimates: list[Tensor]) -> Tensor:
        """Give the last stage's picture; who interrupts the first fit gets what that has so far."""
        if len(self.running) == 1 and not self.complete:
            so_far = self.running[0].estimate()
            if so_far is not None:
                return so_far
        return estimates[-1] if estimates else first_guess(self.masks[1], self.y)

    def in_time(self) -> bool:
        """Say whether half of the time kept for finishing is left: what is found is done once more."""
        seconds = self.budget.seconds
        return seconds is None or self.budget.elapsed < (1.0 - FINISH_SHARE / 2) * seconds


def _error(candidate: Tensor, y: Tensor, held: Tensor) -> float:
    return float(((candidate - y).square() * held).sum())
