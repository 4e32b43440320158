"""Denoising of the planes of an array: what they have in common helps each of them."""

from __future__ import annotations

import numpy as np

from chnorm_cli.api.answers import run_through
from chnorm_cli.api.planes import Array, Planes
from chnorm_cli.fitting.settings import Fit, FitSettings
from chnorm_cli.fitting.solution import Solution
from chnorm_cli.restoration import (
    law_as_said,
    laws_of_planes,
    prepare_denoise,
    with_neighbours,
)


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
    shared = sigma is None and len(pixels) > 1 and strength > 0
    laws = laws_of_planes(list(pixels), noise) if shared else [None] * len(pixels)
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
