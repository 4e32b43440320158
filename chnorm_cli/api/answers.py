"""What the tasks give back: a fit that is run through, its map of the errors, and what was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chnorm_cli.api.planes import Array, Planes
from chnorm_cli.fitting.solution import DivergedError, Solution
from chnorm_cli.restoration import Restoration, fill_missing


def errors_of(solutions: Sequence[Solution], planes: Planes, unknown: Array | None = None) -> Array:
    """Give the maps of the errors (…, H, W) in the units of the input, NaN where `unknown`."""
    maps = [solution.error_map for solution in solutions]
    errors = np.stack([m.error * np.float32(planes.span) for m in maps if m is not None])
    return planes.maps(errors if unknown is None else np.where(unknown, np.float32(np.nan), errors))


def answer_of(
    result: Array, errors: tuple[Array, ...], planes: Planes, solutions: list[Solution] | None
) -> Any:
    """Give the array alone, or a tuple with what else was asked for."""
    if solutions is None:
        return (result, *errors) if errors else result
    return (result, *errors, solutions if planes.leading else solutions[0])


def run_through(restoration: Restoration) -> Solution:
    """Run a fit; raise `DivergedError` where it leaves no picture."""
    for _ in restoration:
        pass
    solution = restoration.solution
    if solution.outcome.failed:
        raise DivergedError(solution.outcome.value)
    return solution


def filled(planes: Planes) -> Array:
    """Give the pixels (P, H, W, C) with those filled smoothly that were not finite."""
    if planes.holes is None:
        return planes.pixels
    pairs = zip(planes.pixels, planes.holes, strict=True)
    return np.stack([fill_missing(plane, hole) if hole.any() else plane for plane, hole in pairs])
