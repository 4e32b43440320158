"""The three tasks on numpy arrays, in scikit-image's manner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chnorm_cli.fitting.settings import FitSettings
from chnorm_cli.fitting.solution import DivergedError
from chnorm_cli.images import filled_where_not_finite, from_unit, to_unit
from chnorm_cli.restoration import (
    Restoration,
    fill_missing,
    prepare_denoise,
    prepare_inpaint,
    prepare_superres,
)

Array = np.ndarray[Any, Any]


def denoise(
    image: Array,
    *,
    sigma: float | None = None,
    noise: str = "auto",
    strength: float = 1.0,
    settings: FitSettings | None = None,
) -> Array:
    """Remove the noise from a picture; its law is found from the picture.

    >>> clean = denoise(noisy)                      # (H, W) or (H, W, C) → same shape and dtype
    >>> clean = denoise(noisy, sigma=25)            # white noise of known σ, in the array's units

    `image` is uint8, uint16 or float, gray (H, W) or with 1 to 4 channels last. `sigma` is in the
    units of the array, as in scikit-image: 25 for uint8, 0.1 for floats in [0, 1]. `noise` forces a
    kind (gaussian, poisson, poisson-gaussian, speckle, mixed); `strength` is how much of the noise
    is removed, 0 to 1.5. What is not finite counts as missing and is filled. Raises `ValueError` for
    input that cannot be restored and `DivergedError` when the fit fails.
    """
    pixels, holes, back, span = _whole(image)
    scaled = None if sigma is None else 255.0 * sigma / span
    restoration = prepare_denoise(
        pixels, sigma=scaled, noise=noise, strength=strength, settings=settings
    )
    restored = _run(restoration)
    same = restored == pixels  # floats outside [0, 1] make a round trip otherwise
    if holes is not None:
        same &= ~holes[..., None]
    result = back(restored)
    return np.where(same.reshape(result.shape), np.asarray(image), result)


def inpaint(
    image: Array,
    missing: Array,
    *,
    sigma: float | None = None,
    settings: FitSettings | None = None,
) -> Array:
    """Fill the pixels of (H, W) or (H, W, C) where `missing` (H, W) is true.

    >>> whole = inpaint(scratched, mask)

    Observed pixels come back bit for bit, unless `sigma` (in the array's units) says they are noisy.
    What is not finite is filled as well.
    """
    image, missing = np.asarray(image), np.asarray(missing, dtype=bool)
    pixels, holes, back, span = _opened(image)
    if holes is not None and holes.shape == missing.shape:  # other shapes are refused below
        missing = missing | holes
    scaled = None if sigma is None else 255.0 * sigma / span
    restored = back(_run(prepare_inpaint(pixels, missing, sigma=scaled, settings=settings)))
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
    pixels, _, back, _ = _whole(image)
    return back(_run(prepare_superres(pixels, scale, kernel=kernel, settings=settings)))


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


def _run(restoration: Restoration) -> Array:
    for _ in restoration:
        pass
    solution = restoration.solution
    if solution.outcome.failed:
        raise DivergedError(solution.outcome.value)
    return solution.pixels
