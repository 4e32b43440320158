"""Denoising and inpainting: arrays in, arrays out, everything else a keyword."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from chnorm_cli.api.answers import answer_of, errors_of, filled, run_through
from chnorm_cli.api.channels import are_many, one_by_one
from chnorm_cli.api.keywords import fit_settings
from chnorm_cli.api.missing import missing_pixels, unmasked, without_fill_values
from chnorm_cli.api.planes import Array, planes_of
from chnorm_cli.api.stacks import denoised, shared_laws
from chnorm_cli.fitting.settings import FitSettings
from chnorm_cli.restoration import prepare_inpaint


def denoise(
    image: Array,
    *,
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
    """Remove the noise from a picture; its law is found from the picture.

    Parameters
    ----------
    image : array, (…, H, W) or (…, H, W, C)
        uint8, uint16, any other integer, or float. What is not finite counts as missing and is
        filled. Axes before H and W are planes, which share one law of the noise; gray ones that
        resemble two others beside them are restored together with these.
    sigma : float, optional
        Level of white Gaussian noise in the units of the array: 25 for uint8, 0.1 for floats in
        [0, 1]. Found from the picture if not given; 0 says that there is none.
    noise : {"auto", "gaussian", "poisson", "poisson-gaussian", "speckle", "mixed"}
        How the level follows the brightness.
    strength : float
        How much of the noise is removed, 0 to 1.5.
    bad_pixels : {"auto", "off"}
        Whether dead, hot and flipped pixels and dead lines are found and filled.
    banding : {"auto", "off"}
        Whether offsets of rows and of columns are found and taken out.
    channel_axis : int or None
        The axis of the colours or channels, as in scikit-image. An array of two axes has none. None:
        all axes but the last two are planes. Three channels are colours and restored together, any
        other number one by one, each with a law of its own.
    effort : {"fast", "normal", "best"}
        Seconds for quality.
    fit : {"auto", "recorrupt", "prior"}
        What is minimised; see docs/how-it-works.md.
    steps, time : int, float, optional
        Bounds of each plane's fit, in steps and in seconds.
    device : str
        "auto", "cpu", "cuda", "cuda:1", …
    seed : int
        Same seed, device and threads: same result.
    threads : int, optional
        CPU threads of torch.
    uncertainty : bool
        Give the standard error of each pixel as well.
    report : bool
        Give how the result came about as well.
    settings : FitSettings, optional
        What experts say (generator, normalization, stopping rule); in the place of `effort` to
        `threads`.

    Returns
    -------
    restored : array
        Of the shape and type of `image`.
    error : float32 array, (…, H, W)
        With `uncertainty`: in the units of `image`, NaN where nothing is known.
    solution : Solution, or list of them
        With `report`: steps, seconds, the law of the noise, notes; a list where there are planes, and a list
        of what each has for channels that are no colours.

    Raises
    ------
    ValueError
        For input that cannot be restored, and keywords that mean nothing.
    DeviceError
        For a device that is not there.
    DivergedError
        When the fit fails.

    Examples
    --------
    >>> import numpy as np
    >>> from chnorm_cli import denoise
    >>> truth = np.tile(np.linspace(50, 200, 48), (48, 1))
    >>> noisy = truth + np.random.default_rng(0).normal(0, 20, truth.shape)
    >>> clean = denoise(noisy, sigma=20, effort="fast", steps=5, device="cpu")
    >>> bool(np.std(clean - truth) < np.std(noisy - truth) / 3)
    True
    """
    settings = fit_settings(settings, effort, fit, steps, time, device, seed, threads)
    image = unmasked(image)
    if channel_axis is not None and are_many(image, channel_axis):
        each = partial(
            denoise, sigma=sigma, noise=noise, strength=strength, bad_pixels=bad_pixels,
            banding=banding,
            channel_axis=None, uncertainty=uncertainty, report=report, settings=settings,
        )  # fmt: skip
        return one_by_one(each, image, channel_axis, uncertainty=uncertainty, report=report)
    planes = planes_of(image, channel_axis)
    pixels = filled(planes)
    scaled = None if sigma is None else 255.0 * sigma / planes.span
    solutions = denoised(
        planes, pixels, settings, sigma=scaled, noise=noise, strength=strength, bad_pixels=bad_pixels,
        banding=banding, uncertainty=uncertainty,
    )  # fmt: skip
    restored = np.stack([solution.pixels for solution in solutions])
    same = restored == pixels  # floats outside [0, 1] make a round trip otherwise
    if planes.holes is not None:
        same &= ~planes.holes[..., None]
    result = np.where(same, planes.given, planes.samples(restored))
    maps = (errors_of(solutions, planes, planes.holes),) if uncertainty else ()
    return answer_of(planes.array(result), maps, planes, solutions if report else None)


def inpaint(
    image: Array,
    missing: Array | None = None,
    *,
    sigma: float | None = None,
    noise: str = "auto",
    strength: float = 1.0,
    bad_pixels: str = "auto",
    banding: str = "auto",
    clean: bool | None = None,
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
    """Fill the missing pixels of a picture; the others come back bit for bit.

    Parameters
    ----------
    image : array, (…, H, W) or (…, H, W, C)
        As in `denoise`. What a masked array masks is missing, and so is what is not finite. What
        missing pixels hold plays no part.
    missing : array, (H, W), (…, H, W), (…, H, W, 1) or of the shape of `image`
        Booleans, or numbers that are not zero where a pixel is missing. A pixel is missing where one
        of its channels is. (H, W) holds for all planes. May be left out for a masked array.
    sigma, noise, strength, bad_pixels, banding
        As in `denoise`. Holes are filled from what is clean of noise; bad pixels are holes as well.
    clean : bool, optional
        Give observed pixels without their noise. If not given, so where `sigma` is.
    channel_axis, effort, fit, steps, time, device, seed, threads, uncertainty, report, settings
        As in `denoise`.

    Returns
    -------
    restored : array
        Of the shape and type of `image`.
    error : float32 array, (…, H, W)
        With `uncertainty`: 0 where a pixel was observed, NaN deep in wide holes.
    solution : Solution, or list of them
        With `report`.

    Raises
    ------
    ValueError, DeviceError, DivergedError
        As in `denoise`.

    Examples
    --------
    >>> import numpy as np
    >>> from chnorm_cli import inpaint
    >>> counts = np.tile(np.arange(100, 148, dtype=np.uint16), (48, 1))
    >>> missing = np.random.default_rng(0).random(counts.shape) < 0.2
    >>> whole = inpaint(np.where(missing, 0, counts), missing, effort="fast", steps=5, device="cpu")
    >>> bool(np.array_equal(whole[~missing], counts[~missing]))
    True
    """
    settings = fit_settings(settings, effort, fit, steps, time, device, seed, threads)
    absent = missing_pixels(image, missing, channel_axis)
    if channel_axis is not None and are_many(image, channel_axis):
        leading = np.delete(np.shape(image), channel_axis)
        each = partial(
            inpaint, missing=absent.reshape(leading), sigma=sigma, noise=noise,
            strength=strength, bad_pixels=bad_pixels, banding=banding, clean=clean,
            channel_axis=None,
            uncertainty=uncertainty, report=report, settings=settings,
        )  # fmt: skip
        return one_by_one(each, image, channel_axis, uncertainty=uncertainty, report=report)
    image = without_fill_values(np.array(np.ma.getdata(image)), absent, channel_axis)
    planes = planes_of(image, channel_axis)
    if planes.holes is not None and planes.holes.shape == absent.shape:
        absent = absent | planes.holes  # other shapes are refused below
    scaled = None if sigma is None else 255.0 * sigma / planes.span
    laws = shared_laws(planes.pixels, sigma=sigma, noise=noise, strength=strength, missing=absent)
    solutions = [
        run_through(
            prepare_inpaint(
                plane, holes, sigma=scaled, noise=noise, strength=strength, bad_pixels=bad_pixels,
                banding=banding, law=law,
                clean=clean, settings=settings, uncertainty=uncertainty,
            )
        )
        for plane, holes, law in zip(planes.pixels, absent, laws, strict=True)
    ]  # fmt: skip
    answers = np.stack([solution.pixels for solution in solutions])
    same = (answers == planes.pixels) & ~absent[..., None]
    restored = np.where(same, planes.given, planes.samples(answers))
    maps = (errors_of(solutions, planes),) if uncertainty else ()
    return answer_of(planes.array(restored), maps, planes, solutions if report else None)
