"""PSNR over seconds, where looking at the picture does not count as working on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.measuring.clock import Clock

MOST_POINTS = 200  # kept in the results


class Curve:
    """Points (seconds, dB) of one run."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.looking = (0.0, 0.0)
        self.points: list[tuple[float, float]] = []

    @property
    def seconds(self) -> float:
        """Seconds worked."""
        return self.clock.read()[0] - self.looking[0]

    @property
    def cpu(self) -> float:
        """CPU-seconds worked."""
        return self.clock.read()[1] - self.looking[1]

    def look(self, rate: Callable[[], float]) -> None:
        """Stop the clock and take a point."""
        at, looking = self.seconds, Clock()
        self.points.append((at, rate()))
        seconds, cpu = looking.read()
        self.looking = (self.looking[0] + seconds, self.looking[1] + cpu)

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
