"""What is done in one tile, by whoever does it: plain values that travel to other processes.

Everything that is to be found once is in them: the law, the networks, the weights. A tile's number
is added to the seed of what is random in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Protocol

import torch
from torch import Tensor

from chnorm_cli.classical.first_guess import first_guess
from chnorm_cli.classical.guesses import ENLARGING, fill_guess, plug_and_play
from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.learnt import Learnt
from chnorm_cli.fitting.recipes import Choice
from chnorm_cli.fitting.settings import FirstGuess, FitSettings
from chnorm_cli.fitting.solution import DivergedError
from chnorm_cli.noise.law import Law
from chnorm_cli.noise.silence import flat_areas
from chnorm_cli.problems.names import Kernel
from chnorm_cli.problems.operators import Downsample, Identity, Mask, Operator
from chnorm_cli.problems.problem import Problem
from chnorm_cli.recorruption.examples import Query, centered, mask_features
from chnorm_cli.restoration.common import prior_fit
from chnorm_cli.restoration.denoiser import Denoiser


@dataclass(frozen=True)
class Place:
    """Which tile of the picture it is: its number, and the row and column where it begins."""

    number: int = 0
    corner: tuple[int, int] = (0, 0)


class TileWork(Protocol):
    """What makes a tile of the answer, `scale` times as large, from a tile of the picture."""

    @property
    def scale(self) -> int:
        """How much wider and higher the answer is."""
        ...

    def restore(self, y: Tensor, known: Tensor | None, place: Place) -> Tensor:
        """Restore the tile y (C, h, w), of which `known` (h, w), bool, are to go by (None: all)."""
        ...


def law_in_tile(law: Law, y: Tensor) -> Law:
    """Give the law with the flat areas of one tile y (C, h, w)."""
    flat = flat_areas(y.cpu())
    return replace(law, flat=flat if bool(flat.any()) else None)


def filled_smoothly(y: Tensor, known: Tensor | None) -> Tensor:
    """Give y (C, h, w) with smooth values where it is not `known` (h, w)."""
    return y if known is None else first_guess(Mask(known.to(y.dtype)), y * known)


@dataclass(frozen=True, eq=False)
class Denoise:
    """Remove noise of the law, by `strength` up to 1."""

    law: Law
    denoiser: Denoiser
    strength: float = 1.0
    scale: int = 1

    @torch.no_grad()
    def restore(self, y: Tensor, known: Tensor | None, place: Place) -> Tensor:
        """Restore y (C, h, w); what is not known is filled smoothly first."""
        y = filled_smoothly(y, known)
        law = law_in_tile(self.law, y)
        return law.restored(self.denoiser.restore(law.whitened(y)), y, self.strength)


@dataclass(frozen=True, eq=False)
class Fill:
    """Fill holes from what is `clean` of noise, where there is any."""

    clean: TileWork | None
    network: Learnt | None
    guess: FirstGuess
    guess_strengths: tuple[float, ...]
    strengths: tuple[float, ...]  # of plug-and-play, that helped
    scale: int = 1

    @torch.no_grad()
    def restore(self, y: Tensor, known: Tensor | None, place: Place) -> Tensor:
        """Restore y (C, h, w): all of it without its noise, and its holes filled."""
        x = y if self.clean is None else self.clean.restore(y, known, place)
        if known is None or bool(known.all()):
            return x
        mask, y = Mask(known.to(y.dtype)), x * known
        x = guess = fill_guess(self.guess, self.guess_strengths)(y, known)
        if self.network is not None:
            x = self.network.ask(Query(mask_features(guess, known), guess, ~known))
        return plug_and_play(mask.project(x, y), y, mask, self.strengths)


@dataclass(frozen=True, eq=False)
class Enlarge:
    """Enlarge what is `clean` of noise step by step; `networks` are those of each step."""

    clean: TileWork | None
    networks: tuple[tuple[Learnt, ...], ...]
    factors: tuple[int, ...]
    kernel: Kernel
    strengths: tuple[float, ...]

    @property
    def scale(self) -> int:
        """How much wider and higher the answer is."""
        return prod(self.factors)

    @torch.no_grad()
    def restore(self, y: Tensor, known: Tensor | None, place: Place) -> Tensor:
        """Give (C, scale·h, scale·w) that explains y (C, h, w)."""
        return self.enlarged(y if self.clean is None else self.clean.restore(y, known, place))

    def enlarged(self, small: Tensor) -> Tensor:
        """Enlarge a clean picture (C, h, w)."""
        x, size = small, (small.shape[-2], small.shape[-1])
        for level, factor in enumerate(self.factors):
            reached = prod(self.factors[: level + 1])
            step = Downsample((x.shape[-2], x.shape[-1]), factor, self.kernel).to(x.device)
            guess = first_guess(step, x)
            answers = [n.ask(Query(centered(guess), guess)) for n in self.networks[level]]
            whole = Downsample(size, reached, self.kernel).to(x.device)
            x = whole.project(torch.stack(answers or [guess]).mean(0), small)
        return plug_and_play(x, small, whole, self.strengths, ENLARGING)


@dataclass(frozen=True, eq=False)
class FitPrior:
    """Fit a network to the tile alone, from a seed of its own, within `settings` for each tile."""

    law: Law | None
    choice: Choice
    settings: FitSettings
    masked: bool = False
    scale: int = 1
    kernel: Kernel = Kernel.BICUBIC

    def restore(self, y: Tensor, known: Tensor | None, place: Place) -> Tensor:
        """Restore y (C, h, w); raise `DivergedError` where the fit does."""
        filled = filled_smoothly(y, known)
        law = None if self.law is None else law_in_tile(self.law, filled)
        z = filled if law is None else law.whitened(filled)
        operator = self._operator(z, known)
        if isinstance(operator, Mask):
            z = operator.forward(z)
        problem = Problem(z, operator)
        if law is not None and self.scale == 1:
            problem = replace(problem, noise=law.noise)
        fit = prior_fit(
            problem,
            self.choice.generator,
            self.choice.prior,
            stop=self.settings.stop,
            budget=Budget(self.choice.prior.steps, self.settings.steps, self.settings.time),
            seed=self.settings.seed + place.number,
        )
        for _ in fit:
            pass
        x = fit.estimate()
        if x is None or not bool(torch.isfinite(x).all()):
            raise DivergedError(f"the fit of tile {place.number + 1} diverged")
        return x if law is None else law.restored(x, filled)

    def _operator(self, y: Tensor, known: Tensor | None) -> Operator:
        size = (y.shape[-2], y.shape[-1])
        if self.scale > 1:
            return Downsample(size, self.scale, self.kernel).to(y.device)
        if self.masked and known is not None:
            return Mask(known.to(y.dtype))
        return Identity(size)
