"""Means of a few numbers, with Student's interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """mean ± half; half is infinite for a single number."""

    mean: float
    half: float

    @property
    def low(self) -> float:
        """The lower end."""
        return self.mean - self.half

    @property
    def high(self) -> float:
        """The upper end."""
        return self.mean + self.half

    def __str__(self) -> str:
        """Write 28.31 ± 0.12."""
        return (
            f"{self.mean:.2f} ± {self.half:.2f}" if math.isfinite(self.half) else f"{self.mean:.2f}"
        )

    @property
    def signed(self) -> str:
        """Write +0.31 ± 0.12, for differences."""
        return str(self) if self.mean < 0 else f"+{self}"


def mean_interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """Give the mean with Student's interval at `level`."""
    from scipy.stats import t

    count = len(values)
    mean = sum(values) / count
    if count < 2 or not math.isfinite(mean):
        return Interval(mean, math.inf)
    variance = sum((value - mean) ** 2 for value in values) / (count - 1)
    return Interval(mean, float(t.ppf(0.5 + level / 2, count - 1)) * math.sqrt(variance / count))
