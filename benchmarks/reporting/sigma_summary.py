"""Errors of the estimated noise level, by method and level."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

from benchmarks.measuring.rows import Row


def errors_by_level(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Give header and lines: mean |error| (and the worst, signed) over the pictures."""
    levels = sorted({row.detail["sigma"] for row in rows})
    body = []
    for method in dict.fromkeys(row.method for row in rows):
        line = [method]
        for level in levels:
            errors = [
                row.detail["error"]
                for row in rows
                if row.method == method and row.detail["sigma"] == level
            ]
            line.append(f"{mean(map(abs, errors)):.2f} ({max(errors, key=abs):+.2f})")
        body.append(line)
    return ["method", *(f"σ={level:g}" for level in levels)], body
