"""Curves drawn with letters, for the loss and the gradient norm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

EIGHTHS = " ▁▂▃▄▅▆▇█"
ASCII_EIGHTHS = " .:-=+*#@"
LIMIT = 1024  # points that are kept; far more than any terminal has columns
LEAST_SPAN = math.log(3)  # a flat curve stays flat instead of magnifying its noise


class Trace:
    """A growing series on a logarithmic scale that keeps at most `LIMIT` points.

    When it is full, neighbours are merged, so that the whole run stays visible.
    """

    def __init__(self) -> None:
        self._points: list[float] = []
        self._pending: list[float] = []
        self._share = 1  # values per point

    def add(self, value: float) -> None:
        """Take one more value; those without a logarithm are left out."""
        if not (math.isfinite(value) and value > 0):
            return
        self._pending.append(math.log(value))
        if len(self._pending) < self._share:
            return
        self._points.append(sum(self._pending) / len(self._pending))
        self._pending.clear()
        if len(self._points) >= LIMIT:
            pairs = zip(self._points[::2], self._points[1::2], strict=True)
            self._points = [(left + right) / 2 for left, right in pairs]
            self._share *= 2

    def draw(self, width: int, rows: int = 1, *, ascii_only: bool = False) -> list[str]:
        """Return `rows` lines, top first, of at most `width` columns."""
        columns = resample(self._points, width)
        if not columns:
            return [""] * rows
        low, high = min(columns), max(columns)
        span = max(high - low, LEAST_SPAN)
        levels = [1 + round((value - low) / span * (8 * rows - 1)) for value in columns]
        letters = ASCII_EIGHTHS if ascii_only else EIGHTHS
        return [
            "".join(letters[max(0, min(8, level - 8 * row))] for level in levels)
            for row in reversed(range(rows))
        ]


def resample(values: Sequence[float], width: int) -> list[float]:
    """Return at most `width` values: the means of equal shares."""
    count = len(values)
    if count <= width:
        return list(values)
    edges = [count * column // width for column in range(width + 1)]
    return [sum(values[start:end]) / (end - start) for start, end in pairwise(edges)]


def bar(share: float, width: int, *, ascii_only: bool = False) -> tuple[str, str]:
    """Return the done and the open part of a progress bar."""
    done = round(max(0.0, min(1.0, share)) * width)
    line = "-" if ascii_only else "━"
    return ("=" if ascii_only else line) * done, line * (width - done)


def clock(seconds: float | None) -> str:
    """Return 0:42, 12:03 or 1:02:03; a dash for what is not known."""
    if seconds is None or not math.isfinite(seconds):
        return "-"
    whole = max(0, round(seconds))
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def number(value: float) -> str:
    """Return a small number at a constant width of nine columns, e.g. 0.0031200 or 1.23e-05."""
    if not math.isfinite(value):
        return f"{value:>9}"
    return f"{value:9.6f}" if 1e-4 <= abs(value) < 10 else f"{value:9.2e}"
