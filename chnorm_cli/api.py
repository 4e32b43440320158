"""The three tasks on numpy arrays, in scikit-image's manner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chnorm_cli.fitting.settings import FitSettings
from chnorm_cli.images import filled_where_not_finite, from_unit, to_unit
from chnorm_cli.restoration import (
    Restoration,
    fill_missing,
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
    to lie in [0, 1] or are scaled to it and back. What is not finite counts as missing and is
    filled. Raises `ValueError` for input that cannot be restored and `DivergedError` when the fit
    fails.
    """
    pixels, back = _whole(image)
    return back(_run(prepare_denoise(pixels, sigma=sigma, settings=settings)))


def inpaint(
    image: Array,
    missing: Array,
    *,
    sigma: float | None = None,
    settings: FitSettings | None = None,
) -> Array:
    """Fill the pixels of (H, W) or (H, W, C) where `missing` (H, W) is true.

    >>> whole = inpaint(scratched, mask)

    Observed pixels come back bit for bit, unless `sigma` (0–255 scale) says they are noisy. What is
    not finite is filled as well.
    """
    image, missing = np.asarray(image), np.asarray(missing, dtype=bool)
    pixels, holes, back = _opened(image)
    if holes is not None and holes.shape == missing.shape:  # other shapes are refused below
        missing = missing | holes
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
    pixels, back = _whole(image)
    return back(_run(prepare_superres(pixels, scale, kernel=kernel, settings=settings)))


def _whole(image: Array) -> tuple[Array, Callable[[Array], Array]]:
    """Give what `_opened` gives, with the pixels filled that are missing."""
    pixels, holes, back = _opened(image)
    return (pixels if holes is None else fill_missing(pixels, holes)), back


def _opened(image: Array) -> tuple[Array, Array | None, Callable[[Array], Array]]:
    """Give float pixels (H, W, C), which are not finite, and the way back to the input's kind."""
    image = np.asarray(image)
    if image.ndim not in (2, 3):
        raise ValueError(f"image must be (H, W) or (H, W, C), not of shape {image.shape}")
    image, holes = filled_where_not_finite(image)
    unit, rule = to_unit(image)
    gray = image.ndim == 2

    def back(pixels: Array) -> Array:
        return from_unit(pixels[..., 0] if gray else pixels, rule)

    return (unit[..., None] if gray else unit), holes, back


def _run(restoration: Restoration) -> Array:
    for _ in restoration:
        pass
    solution = restoration.solution
    if solution.outcome.failed:
        raise DivergedError(solution.outcome.value)
    return solution.pixels
