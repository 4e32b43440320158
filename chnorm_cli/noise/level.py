"""How strong noise is at each brightness: read noise, shot noise and speckle together."""

from __future__ import annotations

from dataclasses import dataclass

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
    """

    read: Tensor
    gain: Tensor
    speckle: Tensor
    black: Tensor

    @staticmethod
    def constant(sigma: float, channels: int) -> Level:
        """Give the level of noise that is the same at every brightness."""
        zero = torch.zeros(channels)
        return Level(torch.full((channels,), sigma), zero, zero, zero)

    @property
    def kind(self) -> Kind:
        """The name of such noise."""
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
        white = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=generator.device)
        return (x + shot + rest * white).to(place)

    def stronger(self, factor: float) -> Level:
        """Give the level of noise whose standard deviation is `factor` times as large."""
        return Level(self.read * factor, self.gain * factor**2, self.speckle * factor, self.black)

    def scaled(self, factor: float, offset: float) -> Level:
        """Give the level for the picture factor · x + offset."""
        return Level(
            self.read * factor, self.gain * factor, self.speckle, self.black * factor + offset
        )

    def _beside(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Give the numbers in the shape and place of x (C, …)."""
        shape = (-1, *[1] * (x.ndim - 1))
        read, gain, speckle, black = (
            v.to(x).view(shape) for v in (self.read, self.gain, self.speckle, self.black)
        )
        return read, gain, speckle, black
