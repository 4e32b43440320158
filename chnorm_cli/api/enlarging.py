"""Super-resolution: arrays in, arrays out, everything else a keyword."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from chnorm_cli.api.answers import answer_of, errors_of, filled, run_through
from chnorm_cli.api.channels import are_many, one_by_one
from chnorm_cli.api.keywords import fit_settings
from chnorm_cli.api.missing import unmasked
from chnorm_cli.api.planes import Array, planes_of
from chnorm_cli.api.stacks import shared_laws
from chnorm_cli.fitting.settings import FitSettings
from chnorm_cli.restoration import prepare_superres


def superres(
    image: Array,
    scale: int,
    *,
    kernel: str = "bicubic",
    sigma: float | None = None,
    noise: str = "auto",
    strength: float = 1.0,
    bad_pixels: str = "auto",
    banding: str = "auto",
    channel_axis: int | None = -1,
    effort: str = "normal",
    fit: str = "auto",
    steps: int | None = None,
    time: float | None = None,
    device: str = "auto",
    seed: int = 0,
    threads: int | None = None,
    uncertainty: bool = False,
    report: bool = False,
    settings: FitSettings | None = None,
) -> Any:
    """Enlarge a picture to the one that, reduced, is the given one again.

    Parameters
    ----------
    image : array, (…, H, W) or (…, H, W, C)
        As in `denoise`. A noisy one is denoised first.
    scale : {2, 3, 4, 8}
        How much wider and higher it becomes.
    kernel : {"bicubic", "lanczos", "box"}
        How the small picture was made; all are antialiased.
    sigma, noise, strength, bad_pixels, banding
        As in `denoise`. What is clean of noise and bad pixels is enlarged.
    channel_axis, effort, fit, steps, time, device, seed, threads, uncertainty, report, settings
        As in `denoise`; `fit` may also be "both".

    Returns
    -------
    restored : array, (…, scale · H, scale · W) or (…, scale · H, scale · W, C)
        Of the type of `image`.
    error : float32 array, (…, scale · H, scale · W)
        With `uncertainty`.
    solution : Solution, or list of them
        With `report`.

    Raises
    ------
    ValueError, DeviceError, DivergedError
        As in `denoise`.

    Examples
    --------
    >>> import numpy as np
    >>> from chnorm_cli import superres
    >>> small = np.tile(np.linspace(0, 255, 16).astype(np.uint8), (16, 1))
    >>> large, solution = superres(small, 2, effort="fast", steps=5, device="cpu", report=True)
    >>> large.shape, large.dtype.name, solution.steps
    ((32, 32), 'uint8', 5)
    """
    settings = fit_settings(settings, effort, fit, steps, time, device, seed, threads)
    image = unmasked(image)
    if channel_axis is not None and are_many(image, channel_axis):
        each = partial(
            superres, scale=scale, kernel=kernel, sigma=sigma, noise=noise, strength=strength,
            bad_pixels=bad_pixels, banding=banding, channel_axis=None, uncertainty=uncertainty, report=report,
            settings=settings,
        )  # fmt: skip
        return one_by_one(each, image, channel_axis, uncertainty=uncertainty, report=report)
    planes = planes_of(image, channel_axis)
    scaled = None if sigma is None else 255.0 * sigma / planes.span
    pixels = filled(planes)
    laws = shared_laws(pixels, sigma=sigma, noise=noise, strength=strength)
    solutions = [
        run_through(
            prepare_superres(
                plane, scale, kernel=kernel, sigma=scaled, noise=noise, strength=strength,
                bad_pixels=bad_pixels, banding=banding, law=law, settings=settings,
                uncertainty=uncertainty,
            )
        )
        for plane, law in zip(pixels, laws, strict=True)
    ]  # fmt: skip
    restored = planes.samples(np.stack([solution.pixels for solution in solutions]))
    holes = planes.holes
    if holes is not None:
        holes = holes.repeat(scale, 1).repeat(scale, 2)
    maps = (errors_of(solutions, planes, holes),) if uncertainty else ()
    return answer_of(planes.array(restored), maps, planes, solutions if report else None)
