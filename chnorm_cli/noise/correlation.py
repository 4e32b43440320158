"""Noise that neighbouring pixels share, as demosaicing, scanning, resizing and JPEG make it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

BLOCK = 16  # pixels along a side of the blocks in which noise is looked at
MOST_BLOCKS = 20_000
FEWEST_BLOCKS = 150  # of fewer the smoothest are texture: a bird of 72² pixels read as σ = 34
LAGS = 6  # pixels over which noise is taken to be correlated
LEAST = 2.0 / 255  # weaker structure than this may be the picture's own
FADED = 0.1  # correlation at three pixels: noise has forgotten by then what texture has not
AGREE = 0.92  # correlation of the colours' shared part from which on it may be texture in the light


def correlated_noise(y: Tensor) -> tuple[float, Tensor] | None:
    """Find noise in (C, H, W) that neighbours share: σ in units of y and its kernel (C, C, k, k).

    None where the smoothest blocks do not look like such noise: where they differ too much from
    each other, where it is independent from pixel to pixel, or where it reaches as far as texture.
    Convolving white noise of variance 1 with the kernel gives this noise at an average variance of 1.
    """
    residuals = smooth_blocks(y.detach().float().cpu())
    if residuals is None:
        return None
    blocks, low, level = residuals  # (C, N, B, B)
    correlation = autocorrelation(blocks)
    near, far = (float(correlation[0, k] + correlation[k, 0]) / 2.0 for k in (1, 3))
    if level < LEAST or near < needed(level / low, agreement(blocks)) or far > FADED:
        return None
    covariance = covariances(blocks, blocks)
    mean = covariance.diagonal().mean()
    mixing = torch.linalg.cholesky(covariance / mean + 1e-4 * torch.eye(len(y)))
    # Slopes are removed with the slowest noise, and neighbours that share their noise average less of
    # it away: this much more suits five cameras and blurred noise of four widths (benchmarks/README.md).
    sigma = (1.0 + 1.1 * near**2) * level
    return sigma, mixing[..., None, None] * square_root(correlation)


def needed(ratio: float, agreement: float) -> float:
    """Say how alike neighbours must be to pass for noise, the more the less even it is (`ratio`).

    Texture in the light is the same in all colours; a camera's noise is not. Where colours cannot
    tell, the blocks must be nearly all the same.
    """
    if agreement > AGREE:
        return max(0.3, 3.0 * (ratio - 1.0))
    return ratio - 0.9


def covariances(first: Tensor, second: Tensor) -> Tensor:
    """Give the (C, C) covariance of the colours of two sets of pixels (C, …) without a mean."""
    return first.flatten(1) @ second.flatten(1).mT / first[0].numel()


def agreement(blocks: Tensor) -> float:
    """Give the mean correlation of colours in what next neighbours (C, N, B, B) share; 1 if gray."""
    channels = len(blocks)
    if channels == 1:
        return 1.0
    across = covariances(blocks[..., 1:], blocks[..., :-1])
    down = covariances(blocks[..., 1:, :], blocks[..., :-1, :])
    shared = across + across.mT + down + down.mT
    scale = shared.diagonal().clamp_min(1e-12).sqrt()
    correlations = shared / scale / scale[:, None]
    return float((correlations.sum() - channels) / (channels * (channels - 1)))


def smooth_blocks(y: Tensor) -> tuple[Tensor, float, float] | None:
    """Give the smoothest blocks (C, N, B, B) without slope and curvature, and how rough they are.

    The roughness is that of the 5 % and of the 20 % quantile, between which the blocks are taken.
    """
    channels, height, width = y.shape
    if min(height, width) < 4 * BLOCK:
        return None
    stride = max(BLOCK // 2, round((height * width / MOST_BLOCKS) ** 0.5))
    clipped = ((y <= y.min()) | (y >= y.max())).float()[:, None]
    whole = (F.avg_pool2d(clipped, BLOCK, stride).amax(0).flatten()) <= 0.01
    blocks = F.unfold(y[:, None], BLOCK, stride=stride).mT[:, whole]  # (C, N, B²)
    ramp = torch.linspace(-1.0, 1.0, BLOCK)
    rows, columns = torch.meshgrid(ramp, ramp, indexing="ij")
    one = torch.ones_like(rows)
    surfaces = torch.stack([one, rows, columns, rows * columns, rows**2, columns**2])
    basis, _ = torch.linalg.qr(surfaces.flatten(1).mT)
    blocks = blocks - (blocks @ basis) @ basis.mT
    roughness = (blocks.square().sum((0, 2)) / (channels * (BLOCK**2 - len(surfaces)))).sqrt()
    if len(roughness) < FEWEST_BLOCKS:
        return None
    low, level = torch.quantile(roughness, torch.tensor([0.05, 0.2])).tolist()
    if low <= 0:
        return None
    chosen = (roughness >= low) & (roughness <= level)
    return blocks[:, chosen].unflatten(-1, (BLOCK, BLOCK)), low, level


def autocorrelation(blocks: Tensor) -> Tensor:
    """Give the mean autocorrelation (2B, 2B) of blocks (C, N, B, B), cyclic, 1 at lag (0, 0)."""
    size = 2 * BLOCK
    power = torch.fft.rfft2(blocks, s=(size, size)).abs().square().mean((0, 1))
    sums = torch.fft.irfft2(power, s=(size, size))
    lags = torch.fft.fftfreq(size, 1.0 / size).abs()
    pairs = (BLOCK - lags).clamp_min(1.0)  # that are summed at each lag
    mean = sums / pairs / pairs[:, None]
    correlation: Tensor = mean / mean[0, 0]
    return correlation


def square_root(correlation: Tensor) -> Tensor:
    """Give the symmetric kernel (k, k) of unit energy whose autocorrelation (2B, 2B) is this one."""
    size = len(correlation)
    lags = torch.fft.fftfreq(size, 1.0 / size).abs()
    fade = 0.5 + 0.5 * torch.cos(torch.pi * ((lags - 2.0) / (LAGS - 1)).clamp(0.0, 1.0))
    spectrum = torch.fft.rfft2(correlation * fade * fade[:, None]).real.clamp_min(0.0)
    kernel = torch.fft.fftshift(torch.fft.irfft2(spectrum.sqrt(), s=(size, size)))
    middle, reach = size // 2, LAGS
    cut = slice(middle - reach, middle + reach + 1)
    kernel = kernel[cut, cut]
    unit: Tensor = kernel / kernel.norm()
    return unit
