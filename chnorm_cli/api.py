"""The three tasks on numpy arrays, in scikit-image's manner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chnorm_cli.fitting.settings import FitSettings
from chnorm_cli.images import from_unit, to_unit
from chnorm_cli.restoration import (
    Restoration,
    prepare_denoise,
    prepare_inpaint,
    prepare_superres,
)

Array = np.ndarray[Any, Any]


class DivergedError(ArithmeticError):
    """The fit diverged and there is no picture to give."""


def denoise(
    image: Array, *, sigma: float | None = None, settings: FitSettings | None = None
) -> Array:
    """Remove Gaussian noise from a picture.

    >>> clean = denoise(noisy)                      # (H, W) or (H, W, C) → same shape and dtype
    >>> clean = denoise(noisy, sigma=25)            # noise level known, on the 0–255 scale

    `image` is uint8, uint16 or float, gray (H, W) or with 1 to 4 channels last; floats are taken
    to lie in [0, 1] or are scaled to it and back. Of a masked array every pixel must be valid:
    `inpaint` fills the others. Raises `ValueError` for input that cannot be
    restored and `DivergedError` when the fit fails.
    """
    pixels, back = _opened(_unmasked(image))
    return back(_run(prepare_denoise(pixels, sigma=sigma, settings=settings)))


def inpaint(
    image: Array,
    missing: Array | None = None,
    *,
    sigma: float | None = None,
    settings: FitSettings | None = None,
) -> Array:
    """Fill the pixels of (H, W) or (H, W, C) where `missing` is true, or not zero.

    >>> whole = inpaint(scratched, mask)
    >>> whole = inpaint(np.ma.masked_equal(counts, -1))

    `missing` is (H, W), (H, W, 1) or (H, W, C), of booleans or numbers; a pixel is missing where
    one of its channels is. What a masked array masks is missing as well. What the missing pixels
    hold plays no part, not even as NaN. Observed pixels come back bit for bit, unless `sigma`
    (0–255 scale) says they are noisy.
    """
    missing = _missing(image, missing)
    image = np.array(np.ma.getdata(image))
    if missing.shape == image.shape[:2] and missing.any() and not missing.all():
        # Fill values are often far outside the picture's range, which is taken from all values.
        image[missing] = image[~missing][0]
    pixels, back = _opened(image)
    restored = back(_run(prepare_inpaint(pixels, missing, sigma=sigma, settings=settings)))
    if not sigma:
        restored[~missing] = image[~missing]  # floats outside [0, 1] make a round trip otherwise
    return restored


def superres(
    image: Array, scale: int, *, kernel: str = "bicubic", settings: FitSettings | None = None
) -> Array:
    """Enlarge (H, W) or (H, W, C) by 2, 3, 4 or 8 to the picture that, reduced, is `image` again.

    >>> large = superres(small, 4)

    `kernel` is how the small picture was made: bicubic, lanczos or box, all antialiased.
    """
    pixels, back = _opened(_unmasked(image))
    return back(_run(prepare_superres(pixels, scale, kernel=kernel, settings=settings)))


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


def _opened(image: Array) -> tuple[Array, Callable[[Array], Array]]:
    """Give float pixels (H, W, C) and the way back to the shape and dtype of the input."""
    image = np.asarray(image)
    if image.ndim not in (2, 3):
        raise ValueError(f"image must be (H, W) or (H, W, C), not of shape {image.shape}")
    unit, rule = to_unit(image)
    gray = image.ndim == 2

    def back(pixels: Array) -> Array:
        return from_unit(pixels[..., 0] if gray else pixels, rule)

    return (unit[..., None] if gray else unit), back


def _run(restoration: Restoration) -> Array:
    for _ in restoration:
        pass
    solution = restoration.solution
    if solution.outcome.failed:
        raise DivergedError(solution.outcome.value)
    return solution.pixels
