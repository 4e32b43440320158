"""What the three tasks share: checking the input, and putting a fit together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from chnorm_cli.device import choose_device
from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.prior import PriorFit, PriorRecipe
from chnorm_cli.fitting.recipes import Choice
from chnorm_cli.fitting.settings import FitSettings, Stop
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.generators.decoder import Decoder
from chnorm_cli.generators.hourglass import Hourglass
from chnorm_cli.generators.spec import GeneratorSpec
from chnorm_cli.problems.operators import Identity
from chnorm_cli.problems.problem import Problem
from chnorm_cli.restoration.errors import Errors
from chnorm_cli.restoration.restoration import Restoration

MAP_SHARE = 0.4  # of --time, kept for the map of the errors where one is asked for
NO_MAP = (
    "an error map restores again with a network that has learnt to, which a prior fit does not;"
    " use fit recorrupt"
)

Pixels = np.ndarray[Any, np.dtype[np.float32]]


def observation(pixels: Pixels, settings: FitSettings) -> Tensor:
    """Check (H, W, C) pixels and bring them to the device as (C, H, W)."""
    pixels = np.array(pixels, dtype=np.float32)  # a copy, which no caller can change meanwhile
    if pixels.ndim != 3 or not 1 <= pixels.shape[2] <= 4 or 0 in pixels.shape:
        raise ValueError(
            f"pixels must be (H, W, C) with 1 to 4 channels, not of shape {pixels.shape}"
        )
    if not np.isfinite(pixels).all():
        raise ValueError("the picture holds values that are not finite numbers")
    return torch.from_numpy(pixels).movedim(-1, 0).contiguous().to(choose_device(settings.device))


def of_one_colour(y: Tensor, known: Tensor | None = None) -> Tensor | None:
    """Give the colour (C, 1, 1) of y (C, H, W) where `known` (H, W), bool; None if there are several.

    Of such a picture there is nothing to learn, and every task's answer is that colour.
    """
    seen = y.flatten(1) if known is None else y[:, known]
    colour = seen[:, :1]
    return colour[..., None] if bool((seen == colour).all()) else None


def answered(
    x: Tensor,
    outcome: Outcome,
    choice: Choice,
    settings: FitSettings,
    *,
    errors: Errors | None = None,
    uncertainty: bool = False,
) -> Restoration:
    """Put a restoration together whose answer x (C, H, W) is known without a fit."""
    return Restoration(
        None,
        settings=settings,
        choice=choice,
        problem=Problem(x, Identity((x.shape[1], x.shape[2]))),
        untouched=outcome,
        errors=errors,
        uncertainty=uncertainty,
    )


def with_time_for_map(settings: FitSettings) -> FitSettings:
    """Keep a part of the time that is allowed for the map of the errors."""
    if settings.time is None:
        return settings
    return replace(settings, time=(1.0 - MAP_SHARE) * settings.time)


def unit_sigma(sigma: float | None) -> float | None:
    """Bring σ from the 0–255 scale to picture units; raise `ValueError` outside [0, 1000)."""
    if sigma is None:
        return None
    if not 0 <= sigma < 1000:
        raise ValueError(f"sigma is on the 0–255 scale and must not be negative, not {sigma}")
    return sigma / 255.0


def prior_fit(
    problem: Problem,
    generator: GeneratorSpec,
    recipe: PriorRecipe,
    *,
    stop: Stop,
    budget: Budget,
    seed: int,
) -> PriorFit:
    """Build the network and its `prior` fit, on the device of the observation."""
    network = generator.build(channels=problem.channels, size=problem.size, seed=seed)
    assert isinstance(network, Decoder | Hourglass)  # recipes.choose lets no other through
    network = network.to(problem.observation.device)
    return PriorFit(
        problem,
        network,
        recipe,
        stop=stop,
        budget=replace(budget, planned=recipe.steps),
        seed=seed,
    )


def unet_for(problem: Problem, generator: GeneratorSpec, features: int, seed: int) -> nn.Module:
    """Build the U-Net of a `recorrupt` fit, on the device of the observation."""
    network = generator.build(
        channels=problem.channels, size=problem.size, inputs=features, seed=seed
    )
    return network.to(problem.observation.device)
