"""How near a picture is to the truth: PSNR and SSIM."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chnorm_cli.commands.reliability import (
    Reliability,
    in_picture_units,
    reliability,
    show_reliability,
)
from chnorm_cli.images import Picture
from chnorm_cli.scaling.failures import Failure, usage

LUMA = np.array([65.481, 128.553, 24.966]) / 255  # ITU-R BT.601, as MATLAB's rgb2ycbcr
BLACK = 16 / 255
SSIM_WINDOW = 11


def compare(
    picture: Picture,
    truth: Picture,
    *,
    border: int = 0,
    where: NDArray[np.bool_] | None = None,
) -> dict[str, float | None]:
    """Return PSNR (dB) and SSIM of all channels, and of Y for colour pictures.

    None stands for what does not exist: the PSNR of equal pictures, the SSIM of tiny ones or of
    scattered pixels. Raises `Failure` when the two do not fit together.
    """
    if picture.pixels.shape != truth.pixels.shape:
        raise Failure(
            f"{picture.name} is {_shape(picture)} and {truth.name} is {_shape(truth)}; "
            "only pictures of one size and kind can be compared"
        )
    height, width = truth.shape
    if 2 * border >= min(height, width):
        raise usage(f"--border {border}: nothing is left of {width}×{height} pixels")
    inner = np.s_[border : height - border, border : width - border]
    left, right = in_truth_units(picture, truth)
    left, right = left[inner], right[inner]
    chosen = None if where is None else where[inner]
    scores = {"psnr": psnr(left, right, chosen), "ssim": ssim(left, right, chosen)}
    if left.shape[2] == 3 and not picture.extra:
        left, right = luma(left), luma(right)
        scores |= {"psnr_y": psnr(left, right, chosen), "ssim_y": ssim(left, right, chosen)}
    return scores


def judged(
    error_map: Picture,
    picture: Picture,
    truth: Picture,
    *,
    border: int = 0,
    where: NDArray[np.bool_] | None = None,
) -> Reliability:
    """Compare what a map of errors says of a picture with the truth, as `compare` compares these."""
    error = in_picture_units(error_map, picture, truth)
    left, right = in_truth_units(picture, truth)
    height, width = truth.shape
    inner = np.s_[border : height - border, border : width - border]
    return reliability((left - right)[inner], error[inner], None if where is None else where[inner])


def in_truth_units(
    picture: Picture, truth: Picture
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both in [0, 1] of the truth: float files may have been scaled each by its own rule."""
    low, span = picture.value_range
    true_low, true_span = truth.value_range
    values = picture.pixels.astype(np.float64) * span + low
    return (values - true_low) / true_span, truth.pixels.astype(np.float64)


def luma(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Y of (H, W, 3) as (H, W, 1)."""
    return np.asarray((pixels @ LUMA + BLACK)[..., None])


def psnr(
    left: NDArray[np.float64], right: NDArray[np.float64], where: NDArray[np.bool_] | None = None
) -> float | None:
    """Return 10 log₁₀(1 / mean squared error), None for equal pictures."""
    squares = (left - right) ** 2
    error = float(np.mean(squares if where is None else squares[where]))
    return -10 * math.log10(error) if error > 0 else None


def ssim(
    left: NDArray[np.float64], right: NDArray[np.float64], where: NDArray[np.bool_] | None = None
) -> float | None:
    """Return the structural similarity, None where its window does not fit."""
    if where is not None or min(left.shape[:2]) < SSIM_WINDOW:
        return None
    from skimage.metrics import structural_similarity

    value = structural_similarity(  # type: ignore[no-untyped-call]
        left,
        right,
        data_range=1.0,
        channel_axis=-1,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    return float(value)


def show_scores(scores: Mapping[str, Any]) -> None:
    """Print the scores on standard output: they are the result of the command."""
    names = (("", "psnr", "ssim"), ("Y", "psnr_y", "ssim_y"))
    for label, decibel, similarity in names:
        if decibel not in scores:
            continue
        value, alike = scores[decibel], scores[similarity]
        shown = "equal" if value is None else f"{value:.2f} dB"
        print(f"PSNR{label:>2}  {shown:<10}  SSIM{label:>2}  ", end="")
        print("-" if alike is None else f"{alike:.4f}")
    if "uncertainty" in scores:
        show_reliability(scores["uncertainty"])


def _shape(picture: Picture) -> str:
    kind = "RGB" if picture.pixels.shape[2] == 3 else "gray"
    return f"{picture.shape[1]}×{picture.shape[0]} {kind}"
