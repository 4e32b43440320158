"""The three tasks on numpy arrays, in scikit-image's manner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, overload

import numpy as np

from chnorm_cli.fitting.settings import FitSettings
from chnorm_cli.fitting.solution import DivergedError, Solution
from chnorm_cli.images import filled_where_not_finite, from_unit, to_unit
from chnorm_cli.restoration import (
    Restoration,
    fill_missing,
    prepare_denoise,
    prepare_inpaint,
    prepare_superres,
)

Array = np.ndarray[Any, Any]


@overload
def denoise(
    image: Array,
    *,
    sigma: float | None = ...,
    noise: str = ...,
    strength: float = ...,
    bad_pixels: str = ...,
    settings: FitSettings | None = ...,
    uncertainty: Literal[False] = ...,
) -> Array: ...


@overload
def denoise(
    image: Array,
    *,
    sigma: float | None = ...,
    noise: str = ...,
    strength: float = ...,
    bad_pixels: str = ...,
    settings: FitSettings | None = ...,
    uncertainty: Literal[True],
) -> tuple[Array, Array]: ...


def denoise(
    image: Array,
    *,
    sigma: float | None = None,
    noise: str = "auto",
    strength: float = 1.0,
    bad_pixels: str = "auto",
    settings: FitSettings | None = None,
    uncertainty: bool = False,
) -> Array | tuple[Array, Array]:
    """Remove the noise from a picture; its law is found from the picture.

    >>> clean = denoise(noisy)                      # (H, W) or (H, W, C) → same shape and dtype
    >>> clean = denoise(noisy, sigma=25)            # white noise of known σ, in the array's units
    >>> clean, error = denoise(noisy, uncertainty=True)

    `image` is uint8, uint16 or float, gray (H, W) or with 1 to 4 channels last. `sigma` is in the
    units of the array, as in scikit-image: 25 for uint8, 0.1 for floats in [0, 1]. `noise` forces a
    kind (gaussian, poisson, poisson-gaussian, speckle, mixed); `strength` is how much of the noise
    is removed, 0 to 1.5. Dead, hot and flipped pixels are found and filled unless `bad_pixels` is
    "off". `uncertainty` gives a second array as well, float32 (H, W): the standard
    error of each pixel in the units of `image`, NaN where it is not known. What is not finite counts as missing and is filled;
    of a masked array every pixel must be valid (`inpaint` fills the others). Raises `ValueError` for
    input that cannot be restored and `DivergedError` when the fit fails.
    """
    pixels, holes, back, span = _whole(_unmasked(image))
    scaled = None if sigma is None else 255.0 * sigma / span
    solution = _run(
        prepare_denoise(
            pixels,
            sigma=scaled,
            noise=noise,
            strength=strength,
            bad_pixels=bad_pixels,
            settings=settings,
            uncertainty=uncertainty,
        )
    )
    restored = solution.pixels
    same = restored == pixels  # floats outside [0, 1] make a round trip otherwise
    if holes is not None:
        same &= ~holes[..., None]
    result = back(restored)
    result = np.where(same.reshape(result.shape), np.ma.getdata(image), result)
    return (result, _errors(solution, span, holes)) if uncertainty else result


def inpaint(
    image: Array,
    missing: Array | None = None,
    *,
    sigma: float | None = None,
    noise: str = "auto",
    strength: float = 1.0,
    bad_pixels: str = "auto",
    clean: bool | None = None,
    settings: FitSettings | None = None,
) -> Array:
    """Fill the pixels of (H, W) or (H, W, C) where `missing` is true, or not zero.

    >>> whole = inpaint(scratched, mask)
    >>> whole = inpaint(np.ma.masked_equal(counts, -1))

    `missing` is (H, W), (H, W, 1) or (H, W, C), of booleans or numbers; a pixel is missing where
    one of its channels is. What a masked array masks is missing as well. What the missing pixels
    hold plays no part. What is not finite is filled as well, and so are bad pixels. Holes are
    filled from what is clean of noise, of which the other arguments mean the same as in `denoise`.
    Observed pixels come back bit for bit unless the answer is to be `clean` of it; None makes it so
    where `sigma` (in the array's units) says that they are noisy.
    """
    missing = _missing(image, missing)
    image = np.array(np.ma.getdata(image))
    if missing.shape == image.shape[:2] and missing.any() and not missing.all():
        # Fill values are often far outside the picture's range, which is taken from all values.
        image[missing] = image[~missing][0]
    pixels, holes, back, span = _opened(image)
    if holes is not None and holes.shape == missing.shape:  # other shapes are refused below
        missing = missing | holes
    scaled = None if sigma is None else 255.0 * sigma / span
    solution = _run(
        prepare_inpaint(
            pixels,
            missing,
            sigma=scaled,
            noise=noise,
            strength=strength,
            bad_pixels=bad_pixels,
            clean=clean,
            settings=settings,
        )
    )
    restored = back(solution.pixels)
    # Floats outside [0, 1] make a round trip otherwise.
    same = (solution.pixels == pixels).reshape(restored.shape)
    same[missing] = False
    return np.where(same, image, restored)


def superres(
    image: Array,
    scale: int,
    *,
    kernel: str = "bicubic",
    sigma: float | None = None,
    noise: str = "auto",
    strength: float = 1.0,
    bad_pixels: str = "auto",
    settings: FitSettings | None = None,
) -> Array:
    """Enlarge (H, W) or (H, W, C) by 2, 3, 4 or 8 to the picture that, reduced, is `image` again.

    >>> large = superres(small, 4)

    `kernel` is how the small picture was made: bicubic, lanczos or box, all antialiased. Of a noisy
    picture, or one with bad pixels, the clean one is enlarged; the other arguments mean the same as
    in `denoise`.
    """
    pixels, _, back, span = _whole(_unmasked(image))
    solution = _run(
        prepare_superres(
            pixels,
            scale,
            kernel=kernel,
            sigma=None if sigma is None else 255.0 * sigma / span,
            noise=noise,
            strength=strength,
            bad_pixels=bad_pixels,
            settings=settings,
        )
    )
    return back(solution.pixels)


def _unmasked(image: Array) -> Array:
    """Give the values of a masked array, all of which must be valid."""
    masked = np.ma.getmaskarray(image) if np.ma.isMaskedArray(image) else np.zeros(0, bool)
    if masked.any():
        raise ValueError(
            f"the masked array lacks {masked.sum()} of its {masked.size} values; fill them first, "
            "with inpaint(image) or image.filled(value)"
        )
    return np.asarray(np.ma.getdata(image))


def _missing(image: Array, missing: Array | None) -> Array:
    """Give the missing pixels, bool (H, W), of what was said and what a masked array says."""
    if missing is None and not np.ma.isMaskedArray(image):
        raise ValueError("say which pixels are missing, or give a masked array")
    said = []
    if np.ma.isMaskedArray(image):
        said.append(np.ma.getmaskarray(image))
    if missing is not None:
        missing = np.ma.filled(np.ma.asarray(missing), True)  # a masked mask says: not known
        if missing.dtype.kind not in "buif":
            raise ValueError(f"missing must hold booleans or numbers, not {missing.dtype}")
        if missing.dtype.kind == "f" and np.isnan(missing).any():
            raise ValueError("missing holds NaN; give np.isnan(...) if these are what is missing")
        said.append(missing != 0)
    flat = [mask.any(axis=2) if mask.ndim == 3 else mask for mask in said]
    if len({mask.shape for mask in flat}) > 1:
        raise ValueError(
            f"missing is of shape {flat[1].shape}, and the masked array {flat[0].shape}"
        )
    return np.asarray(np.logical_or.reduce(flat))


Opened = tuple[Array, Array | None, Callable[[Array], Array], float]


def _whole(image: Array) -> Opened:
    """Give what `_opened` gives, with the pixels filled that are missing."""
    pixels, holes, back, span = _opened(image)
    return (pixels if holes is None else fill_missing(pixels, holes)), holes, back, span


def _opened(image: Array) -> Opened:
    """Give float pixels (H, W, C), which are not finite, the way back to the input, and its span."""
    image = np.asarray(image)
    if image.ndim not in (2, 3):
        raise ValueError(f"image must be (H, W) or (H, W, C), not of shape {image.shape}")
    image, holes = filled_where_not_finite(image)
    unit, rule = to_unit(image)
    gray = image.ndim == 2

    def back(pixels: Array) -> Array:
        return from_unit(pixels[..., 0] if gray else pixels, rule)

    return (unit[..., None] if gray else unit), holes, back, rule.span


def _errors(solution: Solution, span: float, holes: Array | None = None) -> Array:
    """Give the map of the errors (H, W) in the units of the input, NaN where that had holes."""
    assert solution.error_map is not None
    error = solution.error_map.error * np.float32(span)
    return error if holes is None else np.where(holes, np.float32(np.nan), error)


def _run(restoration: Restoration) -> Solution:
    for _ in restoration:
        pass
    solution = restoration.solution
    if solution.outcome.failed:
        raise DivergedError(solution.outcome.value)
    return solution
