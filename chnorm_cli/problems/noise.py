"""How strong the noise in a picture is, found from the picture alone."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

BLOCK = 32  # pixels; large enough to measure noise in, small enough to find smooth ones
QUANTILE = 0.05  # the smoothest blocks: in them the texture is weakest
CLEAN_SIGMA = 1.0 / 255  # below this there is nothing to remove that 8 bits could show


def add_noise(x: Tensor, sigma: float, generator: torch.Generator) -> Tensor:
    """Give x + σ e with e ~ N(0, I), independent in every pixel and channel, not clipped."""
    noise = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=generator.device)
    return x + sigma * noise.to(x.device)


def estimate_sigma(y: Tensor) -> float:
    """Estimate the standard deviation of independent Gaussian noise in (C, H, W), in units of y.

    The second difference along both axes removes the picture where it is smooth. Its root mean
    square is taken block by block, and the smoothest blocks count: scikit-image's wavelet
    estimate, a median over the whole picture, takes texture for noise (5.6 where a clean
    Peppers has about 4). Dividing by the same statistic of pure noise calibrates it exactly.
    Blocks with many clipped pixels are left out, because there the noise is cut off.
    """
    c, height, width = y.shape
    if min(height, width) < 3:
        return 0.0
    reference = torch.randn(c, height, width, generator=torch.Generator().manual_seed(0))
    clipped = (y <= y.min()) | (y >= y.max())
    return _smoothest(y.float().cpu(), clipped.cpu()) / _smoothest(reference, None)


def _smoothest(y: Tensor, clipped: Tensor | None) -> float:
    difference = torch.tensor([1.0, -2.0, 1.0])
    kernel = torch.outer(difference, difference)[None, None] / 6.0  # unit gain for white noise
    detail = F.conv2d(y[:, None], kernel)
    block = min(BLOCK, *detail.shape[-2:])
    stride = max(1, block // 2)
    power = F.avg_pool2d(detail.square(), block, stride).flatten()
    if clipped is not None:
        share = F.avg_pool2d(clipped[:, None, 1:-1, 1:-1].float(), block, stride).flatten()
        # Strong noise clips a little everywhere; then the least clipped fifth of the blocks counts
        # (Astronaut in 8 bits at σ = 50: 48.0, and 32.6 if all blocks counted).
        power = power[share <= max(0.01, float(torch.quantile(share, 0.2)))]
    return float(torch.quantile(power[:: max(1, len(power) // 10_000_000)], QUANTILE).sqrt())
