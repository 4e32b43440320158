"""Inpainting: y = M x, and the pixels outside the mask M are missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from chnorm_cli.fitting.recipes import choose
from chnorm_cli.fitting.settings import Fit, FitSettings
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.problems.guesses import fill_guess
from chnorm_cli.problems.operators import Mask
from chnorm_cli.problems.problem import Problem
from chnorm_cli.problems.recorruption import Example, Query, dropped_again, mask_features
from chnorm_cli.restoration.common import (
    Pixels,
    observation,
    prior_restoration,
    recorrupt_restoration,
    unit_sigma,
)
from chnorm_cli.restoration.restoration import Restoration


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
    choice = choose(settings, default=Fit.RECORRUPT)
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
    fill = fill_guess(settings.first_guess, choice.recorrupt.strengths)
    random = torch.Generator().manual_seed(settings.seed)
    queries: list[Query] = []

    def examples(say: Callable[[str], None]) -> list[Example]:
        say("first guess")
        guess = fill(observed, known)
        queries.append(Query(mask_features(guess, known), guess))
        return dropped_again(observed, known, fill, choice.recorrupt.copies, random, say)

    return recorrupt_restoration(
        problem,
        choice,
        settings,
        examples,
        queries,
        features=y.shape[0] + 1,
        scale=0.05,  # about the error of the first guess
        finish=lambda x: x if level > 0 else operator.project(x, y),
    )
