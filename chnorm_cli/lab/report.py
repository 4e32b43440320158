"""What an experiment says: measurements, and claims beside what was measured."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

Cell = str | int | float


@dataclass(frozen=True)
class Claim:
    """One claim, what was measured of it, and whether it holds; None where neither can be said."""

    claim: str
    expected: str
    measured: str
    holds: bool | None


@dataclass(frozen=True)
class Table:
    """Columns and rows."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]

    def csv(self) -> bytes:
        """Give the table as CSV."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows(self.rows)
        return text.getvalue().encode()


@dataclass(frozen=True)
class Report:
    """A title, a table of measurements, claims, and sentences a reader should know.

    `curves` is what `--csv` writes: one long table of everything that was measured.
    """

    title: str
    measurements: Table
    claims: Sequence[Claim]
    curves: Table
    notes: Sequence[str] = field(default_factory=tuple)


def short(value: float) -> str:
    """Write a number for a narrow column: 0.0477, 3.7e-04, 12.3."""
    if value == 0 or 1e-2 <= abs(value) < 1e4:
        return f"{value:.3g}"
    return f"{value:.1e}"


def covers(measured: Sequence[float], recorded: float, factor: float = 3.0) -> bool:
    """Say whether one recorded run is within a factor of the range of ours, one a seed."""
    return min(measured) / factor <= recorded <= factor * max(measured)


def within(measured: float, recorded: float, factor: float = 3.0) -> bool:
    """Say whether two positive numbers are within a factor of each other."""
    return recorded / factor <= measured <= recorded * factor
