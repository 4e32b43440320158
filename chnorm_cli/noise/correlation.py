"""Noise that neighbouring pixels share, as demosaicing, scanning, resizing and JPEG make it.

It is looked for in the smoothest blocks of each brightness: a camera's noise differs between dark and
light, and the smoothest blocks of the whole picture would be those of one brightness.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from chnorm_cli.noise.reach import BLOCK, REACH, SEEN, reaching_covariance, seen_covariance, slopes

MOST_BLOCKS = 20_000
FEWEST_BLOCKS = 150  # of fewer the smoothest are texture: a bird of 72² pixels read as σ = 34
CLASSES = 6  # of brightness
LOW, HIGH = 0.05, 0.2  # of a class's blocks, by roughness, between which they are taken for smooth
LAGS = 6  # pixels over which noise is drawn correlated
# Kurtosis of all pixels in blocks of one power. Noise of cameras: 3.1 to 3.85. Lines, pixel art and
# gradients of few levels: 1.0 to 2.5; text: 6 to 15.
LEAST_KURTOSIS, MOST_KURTOSIS = 2.75, 4.3
LEAST = 0.85 / 255  # weaker structure than this may be the picture's own
FADED = 0.08  # correlation at three pixels: noise has forgotten by then what texture has not
INDEPENDENT = (
    0.3  # correlation of next neighbours, up to which white noise and a little texture reach
)
# Texture in the light is the same in all colours, and strong; a camera's noise is not. How many times
# as alike as uneven neighbours must be, and what that grows to where the level does, from and to.
AGREE, ALIKE, ALIKE_AGREEING = 0.85, 2.5, 3.0
COLOURED, STRONG_COLOURED = 5.0, (8.0 / 255, 16.0 / 255)
GRAY_FROM, GRAY, STRONG_GRAY = 0.7, 10.0, (5.5 / 255, 10.0 / 255)
ROUGH, MOST_ROUGH = 1.6, 2  # times the typical level, and how many classes may be as rough as that
UNEVEN = 1.2  # ratio, from which on what a class has more than typically is taken for texture
TRUSTED = 2.0  # times the typical level: so much noise may differ between dark and light
# Of noise that reaches far the filter keeps some. It is best when told more than σ: by so much where the
# correlation at three pixels is SLOW or more, as on five cameras' pictures, and by less where it is less.
MORE, SLOW = 0.15, 0.25


class Smooth(NamedTuple):
    """The smoothest blocks of each class of brightness, without slopes."""

    blocks: list[Tensor]  # (C, n, BLOCK, BLOCK) each
    levels: Tensor  # (classes,): root mean square of the noise in them, all colours
    ratios: Tensor  # (classes,): of the roughness at HIGH to that at LOW


def correlated_noise(y: Tensor) -> tuple[float, Tensor] | None:
    """Find noise in (C, H, W) that neighbours share: σ in units of y and its kernel (C, C, k, k).

    None where the smoothest blocks do not look like such noise: where they differ too much from
    each other, where it is independent from pixel to pixel, or where it reaches as far as texture.
    Convolving white noise of variance 1 with the kernel gives this noise at an average variance of 1.
    """
    smooth = smooth_blocks(y.detach().float().cpu())
    if smooth is None:
        return None
    # Where the smoothest blocks of a brightness differ much, some of them hold texture.
    even = smooth.ratios.argsort()[: (len(smooth.ratios) + 1) // 2].tolist()
    typical = float(smooth.levels[even].median())
    blocks = torch.cat([smooth.blocks[i] / smooth.levels[i] for i in even], 1)
    seen = seen_covariance(blocks)
    correlation = seen / seen[SEEN, SEEN]
    near, far = along_axes(correlation, 1), along_axes(correlation, 3)
    rough = int((smooth.levels > ROUGH * typical).sum()) > MOST_ROUGH
    if typical < LEAST or rough or far > FADED or near < INDEPENDENT:
        return None
    if not LEAST_KURTOSIS < kurtosis(blocks) < MOST_KURTOSIS:
        return None
    covariance = reaching_covariance(seen)
    variance = float(covariance[REACH, REACH])
    colours = covariances(blocks, blocks)
    mixing = torch.linalg.cholesky(colours / colours.diagonal().mean() + 1e-4 * torch.eye(len(y)))
    kernel = mixing[..., None, None] * root(covariance / variance)
    share, even_ratio = smoothest_of_noise(kernel)
    excess = float(smooth.ratios.median()) / even_ratio - 1.0
    if near < needed(agreement(blocks), typical) * excess:
        return None
    trusted = torch.where(smooth.ratios > UNEVEN, typical, TRUSTED * typical)
    level = float(smooth.levels.minimum(trusted).square().mean().sqrt())
    more = 1.0 + MORE * min(1.0, along_axes(covariance, 3) / variance / SLOW)
    return more * level * variance**0.5 / share, kernel


def along_axes(covariance: Tensor, lag: int) -> float:
    """Give the mean covariance by lag (2·n + 1, …) so many pixels to the right and down."""
    middle = len(covariance) // 2
    return float(covariance[middle, middle + lag] + covariance[middle + lag, middle]) / 2.0


def needed(agreement: float, level: float) -> float:
    """Say how alike neighbours must be to pass for noise, as a multiple of how uneven it is."""
    least = ALIKE_AGREEING if agreement > AGREE else ALIKE
    gray = agreement > GRAY_FROM
    most, (weak, strong) = (GRAY, STRONG_GRAY) if gray else (COLOURED, STRONG_COLOURED)
    return least + (most - least) * min(1.0, max(0.0, (level - weak) / (strong - weak)))


def kurtosis(blocks: Tensor) -> float:
    """Give the kurtosis of the values of blocks (C, N, B, B) without a mean, all brought to one power."""
    power = blocks.square().mean((-2, -1)).clamp_min(1e-12)
    return float((blocks.pow(4).mean((-2, -1)) / power.square()).mean())


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


def smooth_blocks(y: Tensor) -> Smooth | None:
    """Give the smoothest blocks of each brightness of (C, H, W); None where there are too few."""
    channels, height, width = y.shape
    if min(height, width) < 4 * BLOCK:
        return None
    stride = max(BLOCK // 2, round((height * width / MOST_BLOCKS) ** 0.5))
    clipped = ((y <= y.min()) | (y >= y.max())).float()[:, None]
    whole = (F.avg_pool2d(clipped, BLOCK, stride).amax(0).flatten()) <= 0.01
    blocks = F.unfold(y[:, None], BLOCK, stride=stride).mT[:, whole]  # (C, N, B²)
    if blocks.shape[1] < FEWEST_BLOCKS:
        return None
    brightness = blocks.mean((0, 2))
    basis = slopes()
    blocks = blocks - (blocks @ basis) @ basis.mT
    power = blocks.square().sum((0, 2)) / (channels * (BLOCK**2 - basis.shape[1]))
    chosen, levels, ratios = [], [], []
    for members in brightness.argsort().tensor_split(CLASSES):
        low, high = torch.quantile(power[members], torch.tensor([LOW, HIGH])).tolist()
        if low <= 0:
            return None
        smoothest = members[(power[members] >= low) & (power[members] <= high)]
        chosen.append(blocks[:, smoothest].view(channels, -1, BLOCK, BLOCK))
        levels.append(power[smoothest].mean().sqrt())
        ratios.append((high / low) ** 0.5)
    return Smooth(chosen, torch.stack(levels), torch.tensor(ratios))


def root(correlation: Tensor) -> Tensor:
    """Give the symmetric kernel (2·LAGS + 1, …) of unit energy whose autocorrelation is this one."""
    size = 4 * REACH
    beside = size - len(correlation)
    cyclic = torch.fft.ifftshift(F.pad(correlation, (beside // 2 + 1, beside // 2) * 2))
    spectrum = torch.fft.rfft2(cyclic).real.clamp_min(0.0)
    kernel = torch.fft.fftshift(torch.fft.irfft2(spectrum.sqrt(), s=(size, size)))
    cut = slice(size // 2 - LAGS, size // 2 + LAGS + 1)
    kernel = kernel[cut, cut]
    unit: Tensor = kernel / kernel.norm()
    return unit


def smoothest_of_noise(kernel: Tensor) -> tuple[float, float]:
    """Say of nothing but noise of a kernel (C, C, k, k) how much weaker it is in the smoothest blocks
    than in all, and how uneven these are, both as ratios of levels.
    """
    side = 16 * BLOCK + kernel.shape[-1] - 1
    white = torch.randn(len(kernel), side, side, generator=torch.Generator().manual_seed(0))
    basis = slopes()
    blocks = F.unfold(F.conv2d(white, kernel)[:, None], BLOCK, stride=BLOCK // 2).mT
    power = (blocks - (blocks @ basis) @ basis.mT).square().mean((0, 2))
    low, high = torch.quantile(power, torch.tensor([LOW, HIGH]))
    smoothest = power[(power >= low) & (power <= high)]
    return float((smoothest.mean() / power.mean()).sqrt()), float((high / low).sqrt())
