"""Many rows to one number a cell: medians over repetitions, means over pictures with their intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median, stdev

from benchmarks.measuring.rows import OURS, Row, Run

EFFORTS = ("fast", "normal", "best")
Measured = tuple[Run, Row]


@dataclass(frozen=True)
class Cell:
    """One method on one picture: medians of all its rows."""

    psnr: float | None
    ssim: float | None
    seconds: float | None  # by the clock
    cpu: float | None  # of all cores together
    newest: Row
    run: Run

    @property
    def all_cores(self) -> bool:
        """Whether no core was left to others while this was measured."""
        return bool(self.run["threads"] == self.run["cores"])

    @property
    def time(self) -> str:
        """The seconds as shown: ¹ where cores were left to others, so that they are too many."""
        return in_seconds(self.seconds or 0.0) + ("" if self.all_cores else "¹")

    @property
    def cpu_a_megapixel(self) -> float | None:
        """CPU-seconds a megapixel."""
        size = self.newest.megapixels
        return self.cpu / size if self.cpu is not None and size else None


@dataclass(frozen=True)
class Mean:
    """A mean over pictures, and the half width of its 95 % interval (Student's t)."""

    value: float
    interval: float | None
    count: int

    def __str__(self) -> str:
        """Two digits, signed."""
        return f"{self.value:+.2f}" + ("" if self.interval is None else f" ± {self.interval:.2f}")


class Summary:
    """The cells of one task, set and setting, methods by pictures."""

    def __init__(self, task: str, dataset: str, setting: str, measured: Iterable[Measured]) -> None:
        self.task, self.dataset, self.setting = task, dataset, setting
        found: dict[tuple[str, str], list[Measured]] = {}
        for run, row in measured:
            found.setdefault((row.name, row.picture), []).append((run, row))
        self.cells = {key: _cell(group) for key, group in found.items()}
        # Peers as they came, then ours by effort.
        self.methods = sorted(dict.fromkeys(method for method, _ in self.cells), key=_place)
        self.pictures = list(dict.fromkeys(picture for _, picture in self.cells))

    @property
    def count(self) -> int:
        """How many pictures have a truth, and so a PSNR."""
        return len({p for (_, p), cell in self.cells.items() if cell.psnr is not None})

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
        return mean(values) if values and self.is_whole(method) else None

    def is_whole(self, method: str) -> bool:
        """Tell whether a method was measured on all pictures of this setting."""
        return len(self.row(method)) == len(self.pictures)

    def spread(self, method: str) -> Mean | None:
        """Give the mean PSNR with its interval, None where a picture is not measured."""
        values = [cell.psnr for cell in self.row(method).values() if cell.psnr is not None]
        return mean_of(values) if values and self.is_whole(method) else None

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

    def best(self, *, ours: bool, but: Sequence[str] = ()) -> str | None:
        """Name the method of highest mean PSNR, of ours or of the peers."""
        means = {
            method: value
            for method in self.methods
            if method.startswith(OURS) == ours and method not in but
            if (value := self.mean(method)) is not None
        }
        return max(means, key=lambda method: means[method], default=None)


def mean_of(values: Sequence[float]) -> Mean:
    """Give the mean of some numbers, one a picture, with its interval."""
    if len(values) < 2:
        return Mean(mean(values), None, len(values))
    from scipy.stats import t

    quantile = float(t.ppf(0.975, len(values) - 1))
    return Mean(mean(values), quantile * stdev(values) / len(values) ** 0.5, len(values))


def in_seconds(seconds: float) -> str:
    return f"{seconds:.1f}" if seconds < 100 else f"{seconds:.0f}"


def current(measured: Sequence[Measured]) -> list[Measured]:
    """Leave out what older code of ours, or an older version of a peer, gave on the same cell."""
    newest = {row.cell: _code(run, row) for run, row in measured}  # the oldest come first
    return [(run, row) for run, row in measured if _code(run, row) == newest[row.cell]]


def summaries(measured: Iterable[Measured]) -> list[Summary]:
    """Group rows by task, set and setting."""
    found: dict[tuple[str, str, str], list[Measured]] = {}
    for run, row in measured:
        found.setdefault((row.task, row.dataset, row.setting), []).append((run, row))
    return [Summary(*key, group) for key, group in found.items()]


def by_setting(found: Sequence[Summary]) -> Mapping[tuple[str, str], Summary]:
    """Give the summary of each task and setting: of several sets, that of fewest pictures.

    The bars are for the small sets that are always at hand.
    """
    ordered = sorted(found, key=lambda summary: -len(summary.pictures))
    return {(summary.task, summary.setting): summary for summary in ordered}


def _code(run: Run, row: Row) -> str:
    return str(run["code"]) if row.is_ours else row.version


def _place(method: str) -> int:
    effort = method.rsplit(maxsplit=1)[-1]
    return 1 + EFFORTS.index(effort) if method.startswith(OURS) and effort in EFFORTS else 0


def _cell(measured: list[Measured]) -> Cell:
    def middle(what: str) -> float | None:
        values = [v for v in (getattr(row, what) for _, row in measured) if v is not None]
        return median(values) if values else None

    run, row = measured[-1]
    return Cell(middle("psnr"), middle("ssim"), middle("seconds"), middle("cpu"), row, run)
