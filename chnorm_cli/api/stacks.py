"""The planes of an array: one law of the noise for all, and neighbours that help each other."""

from __future__ import annotations

import numpy as np

from chnorm_cli.api.answers import run_through
from chnorm_cli.api.planes import Array, Planes
from chnorm_cli.fitting.settings import Fit, FitSettings
from chnorm_cli.fitting.solution import Solution
from chnorm_cli.restoration import (
    Law,
    law_as_said,
    laws_of_planes,
    prepare_denoise,
    with_neighbours,
)


def shared_laws(
    pixels: Array,
    *,
    sigma: float | None,
    noise: str,
    strength: float,
    missing: Array | None = None,
) -> list[Law] | list[None]:
    """Find the law of planes (P, H, W, C) that have no values where `missing` (P, H, W), for each.

    None where it is said, or the one plane has to say it.
    """
    fits = missing is None or missing.shape == pixels.shape[:-1]  # other shapes are refused later
    if sigma is not None or len(pixels) < 2 or strength == 0 or not fits:
        return [None] * len(pixels)
    return laws_of_planes(list(pixels), noise, None if missing is None else list(missing))


def denoised(
    planes: Planes,
    pixels: Array,
    settings: FitSettings,
    *,
    sigma: float | None,
    noise: str,
    strength: float,
    bad_pixels: str,
    banding: str,
    uncertainty: bool,
) -> list[Solution]:
    """Denoise pixels (P, H, W, C), all with one law; `sigma` is on the 0–255 scale.

    Gray planes that resemble two others beside them are restored together with these.
    """
    laws = shared_laws(pixels, sigma=sigma, noise=noise, strength=strength)
    places = list(np.ndindex(*planes.leading))
    several = len(pixels) > 2 and pixels.shape[-1] == 1 and strength > 0
    solutions = []
    for number, (plane, law) in enumerate(zip(pixels, laws, strict=True)):
        joint = None
        if several and settings.fit is not Fit.PRIOR:
            known = law or law_as_said(plane, sigma=sigma, level=None)
            joint = with_neighbours(list(pixels), places, number, known)
        restoration = prepare_denoise(
            plane if joint is None else joint.pixels,
            sigma=sigma,
            noise=noise,
            strength=strength,
            bad_pixels=bad_pixels,
            banding=banding,
            law=law if joint is None else joint.law,
            settings=settings,
            uncertainty=uncertainty,
        )
        solution = run_through(restoration)
        solutions.append(solution if joint is None else joint.own(solution))
    return solutions
