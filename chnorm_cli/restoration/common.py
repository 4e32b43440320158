"""What the three tasks share: checking the input, and putting a fit together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from chnorm_cli.device import choose_device
from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.prior import PriorFit
from chnorm_cli.fitting.recipes import Choice
from chnorm_cli.fitting.recorrupt import RecorruptFit
from chnorm_cli.fitting.settings import FitSettings
from chnorm_cli.generators.decoder import Decoder
from chnorm_cli.generators.hourglass import Hourglass
from chnorm_cli.problems.problem import Problem
from chnorm_cli.problems.recorruption import Example, Query
from chnorm_cli.restoration.restoration import Restoration

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


def unit_sigma(sigma: float | None) -> float | None:
    """Bring σ from the 0–255 scale to picture units; raise `ValueError` outside [0, 1000)."""
    if sigma is None:
        return None
    if not 0 <= sigma < 1000:
        raise ValueError(f"sigma is on the 0–255 scale and must not be negative, not {sigma}")
    return sigma / 255.0


def prior_restoration(
    problem: Problem, choice: Choice, settings: FitSettings, *, sigma_estimated: bool = False
) -> Restoration:
    """Put a `prior` fit together."""
    network = choice.generator.build(
        channels=problem.channels, size=problem.size, seed=settings.seed
    ).to(problem.observation.device)
    assert isinstance(network, Decoder | Hourglass)  # recipes.choose lets no other through
    fit = PriorFit(
        problem,
        network,
        choice.prior,
        stop=settings.stop,
        budget=Budget(choice.prior.steps, settings.steps, settings.time),
        seed=settings.seed,
    )
    return Restoration(
        fit,
        settings=settings,
        choice=choice,
        problem=problem,
        network=network,
        recipe=choice.prior,
        sigma_estimated=sigma_estimated,
    )


def recorrupt_restoration(
    problem: Problem,
    choice: Choice,
    settings: FitSettings,
    examples: Callable[[Callable[[str], None]], Iterator[Example]],
    queries: list[Query],
    *,
    features: int,
    scale: float,
    finish: Callable[[list[Tensor]], Tensor],
    sigma_estimated: bool = False,
) -> Restoration:
    """Put a `recorrupt` fit together; `features` is the number of feature maps of the examples."""
    network = choice.generator.build(
        channels=problem.channels, size=problem.size, inputs=features, seed=settings.seed
    ).to(problem.observation.device)
    fit = RecorruptFit(
        examples,
        lambda: queries,
        network,
        choice.recorrupt,
        scale=scale,
        finish=finish,
        budget=Budget(choice.recorrupt.steps, settings.steps, settings.time),
        seed=settings.seed,
    )
    return Restoration(
        fit,
        settings=settings,
        choice=choice,
        problem=problem,
        network=network,
        recipe=choice.recorrupt,
        sigma_estimated=sigma_estimated,
    )
