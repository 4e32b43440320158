"""The noise in a picture: how to draw it, and how strong it is, found from the picture alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from chnorm_cli.noise.differences import second_difference
from chnorm_cli.noise.silence import Silence, find_silence

BLOCK = 32  # pixels; large enough to measure noise in, small enough to find smooth ones
QUANTILE = 0.05  # the smoothest blocks: in them the texture is weakest
CLEAN_SIGMA = 1.0 / 255  # below this there is nothing to remove that 8 bits could show
REFERENCE = 1024  # pixels along a side of the pure noise that calibrates
THIN = 6  # pixels; the power of smaller blocks says too little


@dataclass(frozen=True)
class Noise:
    """Gaussian noise of standard deviation `sigma`, in units of the picture, of mean 0.

    It is independent in every pixel and channel, or what `kernel` (C, C, k, k), k odd, makes of
    such noise, where neighbouring pixels and colours share it.
    """

    sigma: float
    kernel: Tensor | None = None

    def added_to(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Give (C, H, W) with fresh noise, not clipped; `generator` says where it is drawn."""
        return x + self.sigma * self._unit(x, generator).to(x.device)

    def in_colours(self, basis: Tensor) -> Noise:
        """Give this noise as it is after the orthonormal change of colours `basis` (C, C)."""
        if self.kernel is None:
            return self
        return replace(
            self, kernel=torch.einsum("ij,jkuv->ikuv", basis.to(self.kernel), self.kernel)
        )

    def covariance(self, channels: int, side: int) -> Tensor:
        """Give the covariance (C·n, C·n) of the n = side² pixels of a patch, colour by colour."""
        n = side**2
        if self.kernel is None:
            return self.sigma**2 * torch.eye(channels * n)
        # What two pixels share depends on the way from one to the other only.
        shared = F.conv2d(self.kernel, self.kernel, padding=side - 1)  # (C, C, 2·side − 1, …)
        middle = shared.shape[-1] // 2
        rows, columns = (
            i.flatten() for i in torch.meshgrid(*[torch.arange(side)] * 2, indexing="ij")
        )
        down, right = rows - rows[:, None] + middle, columns - columns[:, None] + middle
        return self.sigma**2 * shared[:, :, down, right].transpose(1, 2).reshape(channels * n, -1)

    @property
    def varies(self) -> bool:
        """Whether the variance is another than σ² somewhere, as `relative_variance` says."""
        return False

    def relative_variance(self, means: Tensor) -> Tensor:
        """Give the variance (…, C) in units of σ² around `means` (…, C)."""
        return torch.ones_like(means)

    def _unit(self, x: Tensor, generator: torch.Generator) -> Tensor:
        channels, height, width = x.shape
        margin = 0 if self.kernel is None else self.kernel.shape[-1] - 1
        shape = (channels, height + margin, width + margin)
        white = torch.randn(shape, generator=generator, dtype=x.dtype, device=generator.device)
        if self.kernel is None:
            return white
        return F.conv2d(white[None], self.kernel.to(white))[0]


def estimate_sigma(y: Tensor, silence: Silence | None = None) -> float:
    """Estimate the standard deviation of independent Gaussian noise in (C, H, W), in units of y.

    The second difference along both axes removes the picture where it is smooth. Its root mean
    square is taken block by block, and the smoothest blocks count: scikit-image's wavelet
    estimate, a median over the whole picture, takes texture for noise (5.6 where a clean
    Peppers has about 4). Dividing by the same statistic of pure noise calibrates it exactly.
    Blocks with many clipped pixels or flat areas are left out, because there the noise is cut off.
    In a picture less than THIN pixels high or wide the difference is along the longer side.
    """
    _, height, width = y.shape
    if max(height, width) < 3:
        return 0.0
    y = y.float().cpu()
    # More noise than this says the same of noise.
    shape = (y.shape[0], *(min(side, REFERENCE) for side in y.shape[1:]))
    reference = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    if min(height, width) < THIN:
        return _along(y) / _along(reference)
    return _smoothest(y, silence or find_silence(y)) / _smoothest(reference, None)


def _along(y: Tensor) -> float:
    """Give the median size of second differences along the longer side of (C, H, W)."""
    line = y if y.shape[-1] >= y.shape[-2] else y.mT
    return float((line[..., 2:] - 2.0 * line[..., 1:-1] + line[..., :-2]).abs().median())


def _smoothest(y: Tensor, silence: Silence | None) -> float:
    detail = second_difference(y)[:, None]
    block = min(BLOCK, *detail.shape[-2:])
    stride = max(1, block // 2)
    power = F.avg_pool2d(detail.square(), block, stride).flatten()
    if silence is not None:
        silent = torch.stack([silence.flat.expand_as(silence.clipped), silence.clipped])
        flat, clipped = (
            F.avg_pool2d(s[:, None, 1:-1, 1:-1].float(), block, stride).flatten() for s in silent
        )
        speaks = flat <= 0.01
        if not bool(speaks.any()):
            return 0.0
        power, share = power[speaks], clipped[speaks]
        # Strong noise clips a little everywhere; then the least clipped fifth of the blocks counts
        # (Astronaut in 8 bits at σ = 50: 48.0, and 32.6 if all blocks counted).
        power = power[share <= max(0.01, float(torch.quantile(share, 0.2)))]
    return float(torch.quantile(power[:: max(1, len(power) // 10_000_000)], QUANTILE).sqrt())
