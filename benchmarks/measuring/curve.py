"""PSNR over seconds, where looking at the picture does not count as working on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

MOST_POINTS = 200  # kept in the results


class Curve:
    """Points (seconds, dB) of one run."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.looking = 0.0
        self.points: list[tuple[float, float]] = []

    @property
    def seconds(self) -> float:
        """Seconds worked."""
        return time.perf_counter() - self.started - self.looking

    def look(self, rate: Callable[[], float]) -> None:
        """Stop the clock and take a point."""
        began = time.perf_counter()
        at = began - self.started - self.looking
        self.points.append((at, rate()))
        self.looking += time.perf_counter() - began

    def summary(self) -> dict[str, Any]:
        """Give the best point ever reached and a thinned curve that keeps it."""
        if not self.points:
            return {}
        seconds, best = max(self.points, key=lambda point: point[1])
        every = -(-len(self.points) // MOST_POINTS)
        kept = [p for i, p in enumerate(self.points) if i % every == 0 or p[1] == best]
        return {"best": best, "best_seconds": seconds, "curve": kept}


def seconds_to(curve: Sequence[Sequence[float]], psnr: float) -> float | None:
    """Give the first time at which a curve is at `psnr`, or None."""
    return next((seconds for seconds, reached in curve if reached >= psnr), None)


def psnr_within(curve: Sequence[Sequence[float]], seconds: float) -> float | None:
    """Give the last value of a curve within `seconds`: what whoever stops there has."""
    values = [reached for at, reached in curve if at <= seconds]
    return values[-1] if values else None
