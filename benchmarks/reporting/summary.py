"""Many rows to one number a cell: medians over repetitions, means over pictures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import mean, median

from benchmarks.measuring.rows import OURS, Row

EFFORTS = ("fast", "normal", "best")


@dataclass(frozen=True)
class Cell:
    """One method on one picture: medians of all its rows."""

    psnr: float | None
    ssim: float | None
    seconds: float | None
    count: int
    newest: Row

    @property
    def all_cores(self) -> bool:
        """Whether no core was left to others while this was measured."""
        return self.newest.all_cores

    @property
    def time(self) -> str:
        """The seconds as shown: ¹ where cores were left to others, so that they are too many."""
        return in_seconds(self.seconds or 0.0, self.all_cores)


class Summary:
    """The cells of one task and setting, methods by pictures."""

    def __init__(self, task: str, setting: str, rows: Iterable[Row]) -> None:
        self.task = task
        self.setting = setting
        found: dict[tuple[str, str], list[Row]] = {}
        for row in rows:
            found.setdefault((row.name, row.picture), []).append(row)
        self.cells = {key: _cell(group) for key, group in found.items()}
        # Peers as they came, then ours by effort.
        self.methods = sorted(dict.fromkeys(method for method, _ in self.cells), key=_place)
        self.pictures = list(dict.fromkeys(picture for _, picture in self.cells))

    def cell(self, method: str, picture: str) -> Cell | None:
        """Give a cell, or None where nothing was measured."""
        return self.cells.get((method, picture))

    def row(self, method: str) -> dict[str, Cell]:
        """Give the cells of a method by picture."""
        return {p: self.cells[method, p] for p in self.pictures if (method, p) in self.cells}

    def row_names(self, picture: str) -> list[str]:
        """Give the methods that were measured on a picture."""
        return [method for method in self.methods if (method, picture) in self.cells]

    def mean(self, method: str, what: str = "psnr") -> float | None:
        """Give the mean over all pictures, None where one of them is not measured."""
        values = [getattr(cell, what) for cell in self.row(method).values()]
        values = [value for value in values if value is not None]
        complete = len(self.row(method)) == len(self.pictures)
        return mean(values) if values and complete else None

    def margins(self, method: str, other: str, what: str = "psnr") -> dict[str, float] | None:
        """Give method − other by picture, None where one lacks a number that the other has."""
        ours, theirs = (
            {
                p: value
                for p, cell in self.row(m).items()
                if (value := getattr(cell, what)) is not None
            }
            for m in (method, other)
        )
        if ours.keys() != theirs.keys():
            return None
        return {p: ours[p] - theirs[p] for p in ours} or None


def in_seconds(seconds: float, all_cores: bool = True) -> str:
    return (f"{seconds:.1f}" if seconds < 100 else f"{seconds:.0f}") + ("" if all_cores else "¹")


def summaries(rows: Iterable[Row]) -> list[Summary]:
    """Group rows by task and setting."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row.task, row.setting), []).append(row)
    return [Summary(task, setting, group) for (task, setting), group in found.items()]


def _place(method: str) -> int:
    effort = method.rsplit(maxsplit=1)[-1]
    return 1 + EFFORTS.index(effort) if method.startswith(OURS) and effort in EFFORTS else 0


def _cell(rows: list[Row]) -> Cell:
    def middle(what: str) -> float | None:
        values = [v for v in (getattr(row, what) for row in rows) if v is not None]
        return median(values) if values else None

    return Cell(middle("psnr"), middle("ssim"), middle("seconds"), len(rows), rows[-1])
