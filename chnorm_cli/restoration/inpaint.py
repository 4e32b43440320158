"""Inpainting: y = M x, and the pixels outside the mask M are missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.recipes import INPAINT, choose
from chnorm_cli.fitting.settings import Fit, FitSettings
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.noise.gaussian import Noise
from chnorm_cli.problems.operators import Mask
from chnorm_cli.problems.problem import Problem
from chnorm_cli.restoration.common import (
    NO_MAP,
    Pixels,
    answered,
    check_whole,
    observation,
    of_one_colour,
    prior_restoration,
    unet_for,
    unit_sigma,
    with_time_for_map,
)
from chnorm_cli.restoration.errors import KnownErrors
from chnorm_cli.restoration.filling import Filling
from chnorm_cli.restoration.hole_errors import HoleErrors
from chnorm_cli.restoration.restoration import Restoration


def prepare_inpaint(
    pixels: Pixels,
    missing: np.ndarray[Any, np.dtype[np.bool_]],
    *,
    sigma: float | None = None,
    settings: FitSettings | None = None,
    uncertainty: bool = False,
) -> Restoration:
    """Prepare to fill the pixels where `missing` (H, W) is true.

    Observed pixels are kept bit for bit unless `sigma` (0–255 scale) says that they are noisy.
    `uncertainty` asks for a map of the errors too.
    """
    settings = settings or FitSettings()
    check_whole(settings)
    clock = Budget(0, None, settings.time)
    if uncertainty:
        settings = with_time_for_map(settings)
    y = observation(pixels, settings)
    missing = np.asarray(missing, dtype=bool)
    if missing.ndim != 2:
        raise ValueError(f"the mask must be (H, W), not of shape {missing.shape}")
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
    noise = Noise(level)
    problem = Problem(observed, operator, noise)
    if not missing.any():
        return Restoration(
            None,
            settings=settings,
            choice=choice,
            problem=Problem(y, operator, noise),
            untouched=Outcome.NOTHING_MISSING,
            notes=("the mask marks no pixel as missing, and the picture is left as it is",),
            errors=KnownErrors(torch.full_like(y[0], level)),
            uncertainty=uncertainty,
        )
    colour = of_one_colour(y, known)
    if colour is not None:
        unknown = KnownErrors(torch.where(known, 0.0, torch.nan))
        return answered(
            colour.expand_as(y),
            Outcome.ONE_COLOUR,
            choice,
            settings,
            errors=unknown,
            uncertainty=uncertainty,
        )
    if choice.fit is Fit.PRIOR:
        if uncertainty:
            raise ValueError(NO_MAP)
        return prior_restoration(problem, choice, settings)
    network = unet_for(problem, choice.generator, y.shape[0] + 1, settings.seed)
    filling = Filling(y, known, level, choice, settings, network)
    return Restoration(
        filling.fit(),
        settings=settings,
        choice=choice,
        problem=problem,
        network=network,
        recipe=choice.recorrupt,
        notes=filling.notes,
        errors=HoleErrors(filling, settings.effort, settings.seed, clock.in_time),
        uncertainty=uncertainty,
    )
