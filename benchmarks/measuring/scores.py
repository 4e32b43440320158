"""PSNR and SSIM, written out here so that the yardstick does not depend on what it measures."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

LUMA = np.array([65.481, 128.553, 24.966])  # ITU-R BT.601, as MATLAB's rgb2ycbcr
SSIM_WINDOW = 11


@dataclass(frozen=True)
class Score:
    """PSNR in dB and SSIM; None where there is no truth or a window does not fit."""

    psnr: float | None = None
    ssim: float | None = None


Scorer = Callable[[np.ndarray], Score]


def psnr(x: np.ndarray, truth: np.ndarray, where: np.ndarray | None = None) -> float:
    """Give 10 log₁₀(1 / mean squared error), unclipped; `where` (H, W) chooses pixels."""
    if x.shape != truth.shape:  # numpy would broadcast, and be wrong in silence
        raise ValueError(f"a picture of shape {x.shape} cannot be scored against {truth.shape}")
    squares = (x.astype(np.float64) - truth) ** 2
    error = float(np.mean(squares if where is None else squares[where]))
    return -10 * math.log10(error) if error > 0 else math.inf


def ssim(x: np.ndarray, truth: np.ndarray, where: np.ndarray | None = None) -> float | None:
    """Give SSIM with the Gaussian window of Wang et al. (2004), around the pixels `where` (H, W)."""
    if min(x.shape[:2]) < SSIM_WINDOW:
        return None
    from skimage.metrics import structural_similarity

    value, values = structural_similarity(
        x.astype(np.float64),
        truth.astype(np.float64),
        data_range=1.0,
        channel_axis=-1,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    return float(value if where is None else np.mean(values[where]))


def whole(truth: np.ndarray) -> Scorer:
    return lambda x: Score(psnr(x, truth), ssim(x, truth))


def within(truth: np.ndarray, where: np.ndarray) -> Scorer:
    """Score the pixels in `where` only."""
    return lambda x: Score(psnr(x, truth, where), ssim(x, truth, where))


def luminance(truth: np.ndarray, border: int) -> Scorer:
    """Score Y after clipping to [0, 1], without `border` pixels: how super-resolution is reported."""

    def score(x: np.ndarray) -> Score:
        y, true_y = luma(x.clip(0, 1), border), luma(truth, border)
        return Score(psnr(y, true_y), ssim(y, true_y))

    return score


def luma(x: np.ndarray, border: int) -> np.ndarray:
    """Give Y in [16/255, 235/255] of (H, W, 3); a gray picture is its own Y."""
    inner = x[border : x.shape[0] - border, border : x.shape[1] - border].astype(np.float64)
    return inner if x.shape[2] == 1 else ((inner @ LUMA + 16) / 255)[..., None]
