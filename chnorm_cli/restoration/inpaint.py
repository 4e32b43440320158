"""Inpainting: y = M x, and the pixels outside the mask M are missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from chnorm_cli.fitting.recipes import INPAINT, choose
from chnorm_cli.fitting.settings import FirstGuess, Fit, FitSettings
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.problems.guesses import fill_guess, helpful_strengths, plug_and_play
from chnorm_cli.problems.operators import Mask
from chnorm_cli.problems.problem import Problem
from chnorm_cli.problems.recorruption import (
    Example,
    Query,
    dropped_again,
    holes_like,
    mask_features,
)
from chnorm_cli.restoration.common import (
    Pixels,
    observation,
    prior_restoration,
    recorrupt_restoration,
    unit_sigma,
)
from chnorm_cli.restoration.restoration import Restoration

HELD_OUT = 0.03  # share of observed pixels that decides between candidates


def prepare_inpaint(
    pixels: Pixels,
    missing: np.ndarray[Any, np.dtype[np.bool_]],
    *,
    sigma: float | None = None,
    settings: FitSettings | None = None,
) -> Restoration:
    """Prepare to fill the pixels where `missing` (H, W) is true.

    Observed pixels are kept bit for bit unless `sigma` (0–255 scale) says that they are noisy.
    """
    settings = settings or FitSettings()
    y = observation(pixels, settings)
    missing = np.asarray(missing, dtype=bool)
    if missing.shape != tuple(y.shape[1:]):
        raise ValueError(
            f"the mask is {missing.shape[1]}×{missing.shape[0]} pixels and the picture"
            f" {y.shape[2]}×{y.shape[1]}; both must be of one size"
        )
    if missing.all():
        raise ValueError("the mask marks every pixel as missing, so there is nothing to fill from")
    level = unit_sigma(sigma) or 0.0
    choice = choose(settings, default=Fit.RECORRUPT, recorrupt=INPAINT)
    known = torch.from_numpy(~missing).to(y.device)
    operator = Mask(known.to(y.dtype))
    observed = operator.forward(y)
    problem = Problem(observed, operator, level)
    if not missing.any():
        return Restoration(
            None,
            settings=settings,
            choice=choice,
            problem=Problem(y, operator, level),
            untouched=Outcome.NOTHING_MISSING,
            notes=("the mask marks no pixel as missing, and the picture is left as it is",),
        )
    if choice.fit is Fit.PRIOR:
        return prior_restoration(problem, choice, settings)
    random = torch.Generator().manual_seed(settings.seed)
    held = holes_like(known, HELD_OUT, random)
    shown = known & ~held
    fill = fill_guess(settings.first_guess, choice.recorrupt.strengths)
    queries: list[Query] = []

    def examples(say: Callable[[str], None]) -> Iterator[Example]:
        say("first guess")
        for seen in (shown, known):
            guess = fill(observed, seen)
            queries.append(Query(mask_features(guess, seen), guess))
        yield from dropped_again(observed, shown, fill, choice.recorrupt.copies, random, say)

    def finish(answers: list[Tensor]) -> Tensor:
        """Let the held-out pixels say how much non-local filtering helps, then do it with all."""
        checked, x = answers
        if level > 0:
            return x
        x = operator.project(x, y)
        if settings.first_guess in (FirstGuess.AUTO, FirstGuess.NONLOCAL):
            witness = Mask(shown.to(y.dtype))
            strengths = helpful_strengths(
                witness.project(checked, y),
                y,
                witness,
                lambda candidate: float(((candidate - y).square() * held).sum()),
            )
            x = plug_and_play(x, y, operator, strengths)
        return x

    return recorrupt_restoration(
        problem,
        choice,
        settings,
        examples,
        queries,
        features=y.shape[0] + 1,
        scale=0.05,  # about the error of the first guess
        finish=finish,
    )
