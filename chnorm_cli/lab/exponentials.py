"""How fast a number of steps grows with depth: fits with intervals, aware of censored runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

RESAMPLES = 1000


@dataclass(frozen=True)
class Growth:
    """steps ≈ start · factor^depth, with a 95 % interval of the factor (bootstrap over seeds)."""

    start: float
    factor: float
    low: float
    high: float
    exponential_r2: float
    power_r2: float  # of steps ≈ a · depth^b, the rival explanation

    def at(self, depth: int) -> float:
        """Give the fitted number of steps."""
        return self.start * self.factor**depth

    @property
    def interval(self) -> str:
        """The interval as text."""
        return f"[{self.low:.2f}, {self.high:.2f}]"


def fit_growth(depths: Sequence[int], steps: Tensor, *, seed: int) -> Growth:
    """Fit a line to log median(steps) against depth; `steps` is (depths, seeds), ∞ where censored.

    The median needs no value for a censored run as long as fewer than half are censored; depths
    where more are do not enter. NaN stands for what fewer than two depths cannot tell.
    """
    d = torch.tensor(depths, dtype=torch.float64)
    slope, offset, fit = _line(d, _log_median(steps))
    _, _, power = _line(d.log(), _log_median(steps))
    random = torch.Generator().manual_seed(seed)
    seeds = steps.shape[1]
    slopes = []
    for _ in range(RESAMPLES):
        chosen = torch.randint(seeds, (seeds,), generator=random)
        slopes.append(_line(d, _log_median(steps[:, chosen]))[0])
    spread = torch.tensor(slopes, dtype=torch.float64)
    low, high = (math.exp(float(spread.nanquantile(q))) for q in (0.025, 0.975))
    return Growth(math.exp(offset), math.exp(slope), low, high, fit, power)


def _log_median(steps: Tensor) -> Tensor:
    """Median over seeds; a race that is over before it began counts as one step."""
    middle = steps.sort(-1).values[..., (steps.shape[-1] - 1) // 2]
    return middle.clamp_min(1.0).log()


def _line(x: Tensor, y: Tensor) -> tuple[float, float, float]:
    """Give slope, offset and R² of the least-squares line through the finite points."""
    kept = y.isfinite()
    x, y = x[kept], y[kept]
    if len(x) < 2:
        return math.nan, math.nan, math.nan
    slope = ((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum()
    offset = y.mean() - slope * x.mean()
    left = (y - offset - slope * x).square().sum()
    total = (y - y.mean()).square().sum()
    return float(slope), float(offset), float(1 - left / total) if total > 0 else math.nan
