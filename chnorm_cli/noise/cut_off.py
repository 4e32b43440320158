"""Noise that black and white have cut off: the mean of what is left of it is not the true brightness.

    E(x) = 𝔼[min(max(x + σ n, low), high)],     x̂ = E⁻¹(ẑ)

A denoiser estimates 𝔼[y], which at black is 0.4 σ too bright (Foi, Signal Processing 2009).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from chnorm_cli.noise.level import interpolated
from chnorm_cli.noise.silence import Silence

FAR = 5.0  # σ from an end, where nothing is cut off any more
POINTS = 512  # of the table of E, between an end and there
AROUND = 5  # pixels, the side of the box whose mean says how much is to be expected to be cut off
# Times more or fewer values than so much noise would lose lie at the end: then it did something else.
UNLIKE = 2.0
FEW = 1e-3  # of the values of a colour


@dataclass(frozen=True)
class CutOff:
    """Where the values of each colour end (C,), ±∞ where they do not, and the noise there (C,)."""

    low: Tensor
    high: Tensor
    sigma: Tensor

    def mean(self, x: Tensor) -> Tensor:
        """Give what noisy values are in the mean, where x (C, …) is true."""
        shape = (-1, *[1] * (x.ndim - 1))
        low, high, sigma = (v.to(x).view(shape) for v in (self.low, self.high, self.sigma))
        return x + sigma * (_beyond((low - x) / sigma) - _beyond((x - high) / sigma))

    def undone(self, means: Tensor) -> Tensor:
        """Give the x (C, H, W) of which noisy values have these means; between the ends."""
        return torch.stack([self._undone(colour, c) for c, colour in enumerate(means)])

    def scaled(self, factor: float, offset: float) -> CutOff:
        """Give the same for the picture factor · y + offset."""
        low, high = (factor * end + offset for end in (self.low, self.high))
        return CutOff(low, high, factor * self.sigma)

    def _undone(self, means: Tensor, c: int) -> Tensor:
        one = CutOff(self.low[c : c + 1], self.high[c : c + 1], self.sigma[c : c + 1])
        low, high, far = float(one.low), float(one.high), FAR * float(one.sigma)
        if high - low < far:  # noise as wide as the picture: no table goes from end to end
            return means
        x = means
        if low > -torch.inf:
            points = torch.linspace(low, low + far, POINTS)
            values = one.mean(points[None])[0]
            inside = interpolated(x.clamp_min(float(values[0])), values.to(x), points.to(x))
            x = torch.where(x < values[-1], inside, x)
        if high < torch.inf:
            points = torch.linspace(high - far, high, POINTS)
            values = one.mean(points[None])[0]
            inside = interpolated(x.clamp_max(float(values[-1])), values.to(x), points.to(x))
            x = torch.where(x > values[0], inside, x)
        return x


def find_cut_off(y: Tensor, sigma: Tensor, silence: Silence) -> CutOff | None:
    """Find where noise of level `sigma` (C,) was cut off in y (C, H, W); None where it was not.

    What lies at an end must be about as much as such noise would lose there: what is black for
    another reason stays as it is.
    """
    if float(sigma.min()) <= 0 or min(y.shape[1:]) < AROUND:
        return None
    infinite = torch.full((len(y),), torch.inf)
    low, high = -infinite, infinite.clone()
    speaks = ~silence.flat
    for c, colour in enumerate(y):
        for ends, at, sign in ((low, colour.min(), 1.0), (high, colour.max(), -1.0)):
            here = silence.clipped[c] & (colour == at)
            seen = float(here[speaks].float().mean()) if bool(speaks.any()) else 0.0
            if seen < FEW:
                continue
            one = CutOff(*(v[c : c + 1].clone() for v in (low, high, sigma)))
            (one.low if sign > 0 else one.high)[0] = at
            around = F.avg_pool2d(colour[None], AROUND, 1, AROUND // 2, count_include_pad=False)
            distance = sign * (at - one.undone(around)[0]) / sigma[c]
            told = float(_share(distance)[speaks].mean())
            if seen / UNLIKE < told < seen * UNLIKE:
                ends[c] = at
    cut_off = CutOff(low, high, sigma)
    return cut_off if bool((low.isfinite() | high.isfinite()).any()) else None


def _share(u: Tensor) -> Tensor:
    """Give how much of a standard Gaussian lies below u."""
    share: Tensor = 0.5 * torch.erfc(-u / math.sqrt(2.0))
    return share


def _beyond(u: Tensor) -> Tensor:
    """Give 𝔼[max(u − n, 0)] for a standard Gaussian n: what is cut off at u in the mean."""
    u = u.clamp(-2 * FAR, 2 * FAR)
    return u * _share(u) + torch.exp(-u.square() / 2.0) / math.sqrt(2.0 * math.pi)
