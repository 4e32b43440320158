"""How strong noise is at each brightness: read noise, shot noise and speckle together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from chnorm_cli.noise.names import Kind


@dataclass(frozen=True)
class Level:
    """The variance of the noise of colour c at brightness x, with X = max(x − black, 0):

        v_c(x) = read_c² + gain_c X + speckle_c² X²

    `read` is in units of the picture, `gain` in units a photon, `speckle` a share of the brightness
    and `black` the brightness of no light; each is a tensor (C,). Read noise alone is white Gaussian
    noise, gain alone the Poisson noise of counts (Foi et al., IEEE TIP 2008).

    Noise that has been through a tone curve follows no such law: then `free` (2, C, K) holds K
    brightnesses of each colour, ascending, and σ there; the other numbers are 0.
    """

    read: Tensor
    gain: Tensor
    speckle: Tensor
    black: Tensor
    free: Tensor | None = None

    @staticmethod
    def constant(sigma: float, channels: int) -> Level:
        """Give the level of noise that is the same at every brightness."""
        zero = torch.zeros(channels)
        return Level(torch.full((channels,), sigma), zero, zero, zero)

    @staticmethod
    def of_curve(brightness: Tensor, sigma: Tensor) -> Level:
        """Give the level of noise of standard deviation `sigma` at `brightness`, both (C, K)."""
        zero = torch.zeros(len(sigma))
        return Level(zero, zero, zero, zero, torch.stack([brightness, sigma]))

    @property
    def kind(self) -> Kind:
        """The name of such noise."""
        if self.free is not None:
            return Kind.FREE
        shot, read = bool((self.gain > 0).any()), bool((self.read > 0).any())
        if bool((self.speckle > 0).any()):
            return Kind.MIXED if shot else Kind.SPECKLE
        if shot:
            return Kind.POISSON_GAUSSIAN if read else Kind.POISSON
        return Kind.GAUSSIAN

    @property
    def is_constant(self) -> bool:
        """Whether the noise is the same at every brightness and in all colours."""
        return self.kind is Kind.GAUSSIAN and bool((self.read == self.read[0]).all())

    def variance(self, x: Tensor) -> Tensor:
        """Give the variance of the noise at true brightness x (C, …)."""
        if self.free is not None:
            return self._curve(x).square()
        read, gain, speckle, black = self._beside(x)
        light = (x - black).clamp_min(0.0)
        return read.square() + gain * light + (speckle * light).square()

    def added_to(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Give x (C, H, W) with fresh noise, on x's device; counts are drawn as counts."""
        place, x = x.device, x.to(generator.device)
        read, _, speckle, black = self._beside(x)
        light = (x - black).clamp_min(0.0)
        shot = torch.zeros_like(x)
        for c, unit in enumerate(self.gain.tolist()):
            if unit > 0:
                counts = torch.poisson(light[c] / unit, generator=generator)
                shot[c] = unit * counts - light[c]
        rest = (read.square() + (speckle * light).square()).sqrt()
        if self.free is not None:
            rest = self._curve(x)
        white = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=generator.device)
        return (x + shot + rest * white).to(place)

    def scaled(self, factor: float, offset: float) -> Level:
        """Give the level for the picture factor · x + offset."""
        free = self.free
        if free is not None:
            free = torch.stack([free[0] * factor + offset, free[1] * factor])
        return Level(
            self.read * factor, self.gain * factor, self.speckle, self.black * factor + offset, free
        )

    def stronger(self, factor: float) -> Level:
        """Give the level of noise that is this many times as strong at every brightness."""
        free = self.free
        if free is not None:
            free = torch.stack([free[0], free[1] * factor])
        return replace(
            self,
            read=self.read * factor,
            gain=self.gain * factor**2,
            speckle=self.speckle * factor,
            free=free,
        )

    def _curve(self, x: Tensor) -> Tensor:
        """Give σ at x (C, …) from `free`, beyond its ends as there."""
        assert self.free is not None
        brightness, sigma = self.free.to(x)
        return torch.stack(
            [
                interpolated(x[c].clamp(b[0], b[-1]), b, s)
                for c, (b, s) in enumerate(zip(brightness, sigma, strict=True))
            ]
        )

    def _beside(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Give the numbers in the shape and place of x (C, …)."""
        shape = (-1, *[1] * (x.ndim - 1))
        read, gain, speckle, black = (
            v.to(x).view(shape) for v in (self.read, self.gain, self.speckle, self.black)
        )
        return read, gain, speckle, black


def interpolated(x: Tensor, points: Tensor, values: Tensor) -> Tensor:
    """Interpolate linearly between (points, values), ascending, and go on straight beyond them."""
    at = torch.searchsorted(points, x.contiguous()).clamp(1, len(points) - 1)
    left, right = points[at - 1], points[at]
    share = (x - left) / (right - left)
    return torch.lerp(values[at - 1], values[at], share)
