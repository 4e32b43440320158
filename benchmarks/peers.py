"""The classical peers, with the settings that served them best on the pictures measured here.

Arrays are float32 (H, W, C) with nominal range [0, 1]; `sigma` is in the same units and the true
one, which ours is not told. Gray pictures may come back as (H, W).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from benchmarks.measuring.contest import NotInstalledError
from benchmarks.measuring.pictures import Pixels
from chnorm_cli.classical.first_guess import first_guess
from chnorm_cli.problems.operators import Downsample, resized


def bm3d(y: Pixels, sigma: float, threads: int) -> Pixels:
    """CBM3D (opponent colours) or gray BM3D, "normal profile", of its authors' package."""
    try:
        import bm3d as package
    except ImportError as error:
        raise NotInstalledError("bm3d is not installed") from error
    profile = package.BM3DProfile()
    profile.num_threads = threads
    if y.shape[2] == 3:
        return package.bm3d_rgb(y, sigma, profile)
    return package.bm3d(y[..., 0], sigma, profile)


def nlm(y: Pixels, sigma: float, threads: int) -> Pixels:
    """Non-local means: patch 5, distance 6, h = 0.6 σ.

    Over House, F16 and kodim12 crops at σ 15, 25, 50 it lost 0.1 to 2 dB with patch 7, distance
    11 or 13, or h = 0.8 σ.
    """
    from skimage.restoration import denoise_nl_means

    return denoise_nl_means(
        y,
        patch_size=5,
        patch_distance=6,
        h=0.6 * sigma,
        sigma=sigma,
        fast_mode=True,
        channel_axis=-1,
    )


def wavelet(y: Pixels, sigma: float, threads: int) -> Pixels:
    """BayesShrink, soft, db2, in YCbCr where there is colour (0.3 to 1.6 dB better than in RGB)."""
    from skimage.restoration import denoise_wavelet

    return denoise_wavelet(
        y,
        sigma=sigma,
        wavelet="db2",
        mode="soft",
        method="BayesShrink",
        convert2ycbcr=y.shape[2] == 3,
        rescale_sigma=True,
        channel_axis=-1,
    )


def tv(y: Pixels, sigma: float, threads: int) -> Pixels:
    """Total variation (Chambolle), weight σ: of 0.8, 1, 1.2 and 1.5 σ the best at σ = 50."""
    from skimage.restoration import denoise_tv_chambolle

    return denoise_tv_chambolle(y, weight=sigma, channel_axis=-1)


def biharmonic(y: Pixels, missing: np.ndarray) -> Pixels:
    """Biharmonic filling of the pixels where `missing` (H, W)."""
    from skimage.restoration import inpaint_biharmonic

    return inpaint_biharmonic(y, missing, channel_axis=-1)


def bicubic(y: Pixels, scale: int) -> Pixels:
    """Pillow's bicubic."""
    low = to_tensor(y)
    return to_pixels(resized(low, (low.shape[1] * scale, low.shape[2] * scale)))


def back_projection(y: Pixels, scale: int) -> Pixels:
    """Bicubic, then the nearest picture whose reduction is exactly y."""
    low = to_tensor(y)
    return to_pixels(first_guess(Downsample((low.shape[1], low.shape[2]), scale), low))


def to_tensor(pixels: Pixels) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(pixels)).movedim(-1, 0).contiguous()


def to_pixels(x: torch.Tensor) -> Pixels:
    return np.ascontiguousarray(x.detach().float().cpu().movedim(0, -1).numpy())


DENOISERS: dict[str, Callable[[Pixels, float, int], Pixels]] = {
    "bm3d": bm3d,
    "nlm": nlm,
    "wavelet": wavelet,
    "tv": tv,
}
FILLERS: dict[str, Callable[[Pixels, np.ndarray], Pixels]] = {"biharmonic": biharmonic}
ENLARGERS: dict[str, Callable[[Pixels, int], Pixels]] = {
    "bicubic": bicubic,
    "back-projection": back_projection,
}
