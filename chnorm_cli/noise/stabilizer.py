"""The transform after which noise is as strong at every brightness, and its unbiased inverse.

    t(y) = ∫ dy / √v(y),     x̂ = E⁻¹(ẑ)  with  E(x) = 𝔼[t(y) | x]

For shot and read noise t is the generalised Anscombe transform (2/a) √(a y + ⅜ a² + b). A denoiser
estimates 𝔼[t(y)], and t⁻¹ of that is too dark at few counts: E, tabulated for the law at hand, is
inverted instead (Mäkitalo & Foi, IEEE TIP 2013).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from chnorm_cli.noise.level import Level, interpolated

FINE = 4096  # points of the table of t, and of that of E
FEW = 40.0  # counts, up to which they are summed over one by one
NODES = 32  # of the Gauss–Hermite rule for what is Gaussian
LEAST = 1e-3  # of the range: noise is not taken to be weaker than this anywhere

Curve = NDArray[np.float64]


class Stabilizer:
    """t and its exact unbiased inverse for pictures (C, H, W) whose noise has this level.

    `low` and `high` are the darkest and the brightest true value; in the transformed picture they
    are 0 and 1, for the colour with the widest range, and the noise is `sigma`.
    """

    def __init__(self, level: Level, low: float, high: float) -> None:
        self.level = level
        colours = [_Colour(level, c, low, high) for c in range(len(level.read))]
        span = max(c.span for c in colours)
        self.sigma = 1.0 / span
        self._tables = [
            [torch.from_numpy(np.stack(table)).float() for table in c.tables(span)] for c in colours
        ]

    def forward(self, y: Tensor) -> Tensor:
        """Give z = t(y), (C, H, W)."""
        return self._through(0, y)

    def inverse(self, z: Tensor) -> Tensor:
        """Give the x (C, H, W) whose noisy pictures are z in the mean."""
        return self._through(1, z)

    def variance(self, means: Tensor) -> Tensor:
        """Give the variance of t(y), in units of σ², where its mean is `means` (C, …): 1 but at few counts."""
        return self._through(2, means)

    def _through(self, which: int, y: Tensor) -> Tensor:
        return torch.stack(
            [interpolated(y[c], *tables[which].to(y)) for c, tables in enumerate(self._tables)]
        )


class _Colour:
    """The curves t and E of one colour."""

    def __init__(self, level: Level, c: int, low: float, high: float) -> None:
        self.read, self.gain, self.speckle, black = (
            float(v[c]) for v in (level.read, level.gain, level.speckle, level.black)
        )
        self.free: Curve | None = None
        if level.free is not None:
            self.free = level.free[:, c].double().numpy()
            black = min(low, self.free[0, 0])
            self.read = self.free[1, 0]
        self.black = black
        gain = self.gain
        self.least = least = LEAST * (high - low)
        self.floor = max(self.read, least) if gain == 0 else self.read
        brightest = max(high - black, 8.0 * gain, least)
        # Denser in the dark, where the curve is steep; far enough for noise on the brightest.
        self.light: Curve = 2.0 * brightest * np.linspace(0.0, 1.0, FINE) ** 2
        slope = 1.0 / np.sqrt(self._effective(self.light))
        steps = np.diff(self.light) * (slope[1:] + slope[:-1]) / 2.0
        self.t: Curve = np.concatenate([[0.0], np.cumsum(steps)])
        self.slope = float(slope[0])  # below black t goes on straight
        self.low = float(self._t(np.array([low - black]))[0])
        self.span = float(self._t(np.array([high - black]))[0]) - self.low

    def tables(self, span: float) -> list[tuple[Curve, Curve]]:
        """Give (y, z), (z, x) and (z, variance), z in units in which `span` is 1."""
        below = 8.0 * self.floor + 1.0 / self.slope  # a straight piece: its end is enough
        light = np.concatenate([[-below], self.light])
        forward = (light + self.black, (self._t(light) - self.low) / span)
        dark = -np.linspace(4.0, 0.0, 33)[:-1] * self.read if self.read > 0 else np.array([])
        x = np.concatenate([dark, self.light[: int(0.75 * FINE)][::4]])
        means, squares = self._moments(x)
        variances = np.maximum(squares - means**2, LEAST)
        means = (means - self.low) / span
        rising = np.concatenate([[True], np.diff(np.maximum.accumulate(means)) > 1e-12])
        # A mean below that of no light is no light: x does not go on falling.
        z = np.concatenate([[means[rising][0] - 10.0], means[rising]])
        inverse = np.concatenate([[x[0]], x[rising]]) + self.black
        return [forward, (z, inverse), (z, np.concatenate([variances[:1], variances[rising]]))]

    def _effective(self, light: Curve) -> Curve:
        if self.free is not None:
            smooth: Curve = np.maximum(self._rest(light), self.least**2)
            return smooth
        shot = self.gain * light + 0.375 * self.gain**2
        values: Curve = self.floor**2 + shot + (self.speckle * light) ** 2
        return values

    def _rest(self, light: Curve) -> Curve:
        """Give the variance of what is not counts."""
        if self.free is not None:
            sigma: Curve = np.interp(light + self.black, *self.free)
            return sigma**2
        values: Curve = self.read**2 + (self.speckle * np.maximum(light, 0.0)) ** 2
        return values

    def _t(self, light: Curve) -> Curve:
        inside = np.interp(light, self.light, self.t)
        beyond = np.maximum(light - self.light[-1], 0.0) / np.sqrt(self._effective(self.light[-1:]))
        values: Curve = inside + beyond + np.minimum(light, 0.0) * self.slope
        return values

    def _moments(self, light: Curve) -> tuple[Curve, Curve]:
        """Give 𝔼[t(y)] and 𝔼[t(y)²] for true brightness `light`."""
        nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
        weights = weights / weights.sum()
        bright = np.maximum(light, 0.0)
        rest = self._rest(light)
        counts = bright / self.gain if self.gain > 0 else np.full_like(light, np.inf)
        few = counts <= FEW
        spread = np.sqrt(rest + self.gain * bright)
        values = self._t(light[:, None] + spread[:, None] * nodes)
        means, squares = values @ weights, values**2 @ weights
        k = np.arange(int(FEW + 10.0 * math.sqrt(FEW)) + 1)
        # t of every count, smeared by what is not Poisson.
        logs = np.cumsum(np.log(np.maximum(k, 1)))  # log k!
        for i in np.flatnonzero(few):
            rate = counts[i]
            chance = np.exp(k * math.log(rate) - rate - logs) if rate > 0 else (k == 0) * 1.0
            chance /= chance.sum()
            read = math.sqrt(rest[i]) * nodes if rest[i] > 0 else np.zeros(1)
            share = weights if rest[i] > 0 else np.ones(1)
            values = self._t((self.gain * k + min(light[i], 0.0))[:, None] + read)
            means[i], squares[i] = chance @ values @ share, chance @ values**2 @ share
        return means, squares
