"""Measured rows: kept in a file from the moment they are measured, one file a task and machine.

A row gives way to a newer one of the same cell (picture, setting, method, effort) as soon as that is
of other code, so that the files hold what stands; git keeps what was.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from benchmarks.measuring.contest import Result
    from benchmarks.measuring.scores import Score

RESULTS = Path(__file__).parents[1] / "results"
OURS = "chnorm"
Run = dict[str, Any]  # what `describe_run` says, and its rows


class Subject(NamedTuple):
    """What is restored: a picture of a set, and what was done to it."""

    task: str
    dataset: str  # "Kodak24"
    setting: str  # "σ=25", "50% missing", "×4, crop 256"
    picture: str


@dataclass(frozen=True)
class Row:
    """One method on one picture.

    `seconds` holds everything from the corrupted array to the restored one, by the clock; `cpu` the
    same of all cores together, which hardly depends on how busy the machine was. `load` is the
    machine's load average while it ran: more than its cores means that others were in the way.
    """

    task: str
    dataset: str
    setting: str
    picture: str
    method: str
    effort: str = ""
    psnr: float | None = None  # dB
    ssim: float | None = None
    seconds: float | None = None
    cpu: float | None = None
    megapixels: float | None = None  # of the answer
    steps: int | None = None
    version: str = ""  # of a peer; ours is known by the digest of its run
    told: str = ""  # what a peer knows that ours does not
    detail: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""  # why there is no number
    load: float = field(default_factory=lambda: os.getloadavg()[0])

    @property
    def name(self) -> str:
        """The method and its effort."""
        return f"{self.method} {self.effort}".strip()

    @property
    def cell(self) -> tuple[str, ...]:
        """What a newer row has in common with this one."""
        return self.task, self.dataset, self.setting, self.picture, self.name

    @property
    def is_ours(self) -> bool:
        """Whether our code made it, in whatever form."""
        return self.method.startswith(OURS)

    def noting(self, note: str) -> Row:
        """Give this row without a number, and why."""
        return replace(self, note=note)

    def measured(self, result: Result, score: Score) -> Row:
        """Give this row with what a method gave."""
        return replace(
            self,
            psnr=score.psnr,
            ssim=score.ssim,
            seconds=result.seconds,
            cpu=result.cpu,
            steps=result.steps,
            detail=dict(result.detail),
            load=os.getloadavg()[0],
        )

    def __str__(self) -> str:
        """One line for people."""
        numbers = [f"{self.psnr:.2f} dB" if self.psnr is not None else self.note]
        numbers += [f"{self.seconds:.1f} s"] if self.seconds is not None else []
        shown = [
            f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
            for key, value in self.detail.items()
            if key not in LONG
        ]
        about = [self.task, self.dataset, self.setting, self.picture, self.name]
        return " · ".join(filter(None, [*about, *numbers, *shown]))


LONG = {"curve"}
DEFAULTS = {f.name: f.default for f in fields(Row)}


class Results:
    """The rows of one run, in a file that holds other runs before it."""

    def __init__(self, path: Path, run: Mapping[str, Any]) -> None:
        self.path = path
        self.run = {**run, "rows": []}
        self.rows: list[Row] = []

    def append(self, row: Row) -> None:
        """Keep a row; the file is whole at every moment, and read anew as others may write to it."""
        self.rows.append(row)
        before = [] if not self.path.exists() else read(self.path)
        others = [run for run in before if _begun(run) != _begun(self.run)]
        for run in others:
            run["rows"] = [old for old in run["rows"] if not _outdated(old, run, row, self.run)]
        self.run["rows"] = self.rows
        write(self.path, [*(run for run in others if run["rows"]), self.run])


def result_file(task: str, place: str, folder: Path = RESULTS) -> Path:
    """Give the file of a task and a machine."""
    words = re.sub(r"\(R\)|\(TM\)|Processor|@.*?GHz", "", place)
    return folder / f"{task}.{'-'.join(re.findall(r'[a-z0-9]+', words.lower()))}.json"


def read_all(folder: Path = RESULTS) -> list[tuple[Run, Row]]:
    """Give (run, row) of every result file, the oldest first."""
    runs = [run for path in sorted(folder.glob("*.json")) for run in read(path)]
    runs.sort(key=lambda run: run["date"])
    return [(run, row) for run in runs for row in run["rows"]]


def read(path: Path) -> list[Run]:
    """Give the runs of a file, with their rows."""
    runs: list[Run] = json.loads(path.read_text())["runs"]
    return [{**run, "rows": [Row(**row) for row in run["rows"]]} for run in runs]


def write(path: Path, runs: list[Run]) -> None:
    """Write runs with one row a line, so that differences can be read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text("".join(_lines(runs)))
    partial.replace(path)


def drop_older(code: str, folder: Path = RESULTS) -> int:
    """Take out rows of ours that are of other code than `code`, and peers that then stand alone."""
    measured = read_all(folder)
    subjects = {row.cell[:4] for run, row in measured if row.is_ours and run["code"] == code}
    dropped = 0
    for path in sorted(folder.glob("*.json")):
        runs = read(path)
        for run in runs:
            rows = [row for row in run["rows"] if row.cell[:4] in subjects]
            if run["code"] != code:
                rows = [row for row in rows if not row.is_ours]
            dropped += len(run["rows"]) - len(rows)
            run["rows"] = rows
        write(path, [run for run in runs if run["rows"]])
    return dropped


def _lines(runs: list[Run]) -> Iterator[str]:
    yield '{"runs": [\n'
    for number, run in enumerate(runs):
        about = {key: value for key, value in run.items() if key != "rows"}
        yield json.dumps(about, ensure_ascii=False)[:-1] + ', "rows": [\n'
        yield ",\n".join(json.dumps(_written(r), ensure_ascii=False) for r in run["rows"])
        yield "\n]}" + (",\n" if number + 1 < len(runs) else "\n")
    yield "]}\n"


def _begun(run: Mapping[str, Any]) -> tuple[str, str]:
    return run["date"], run["command"]


def _outdated(old: Row, old_run: Run, row: Row, run: Mapping[str, Any]) -> bool:
    """Tell whether a row is of the same cell and of other code than a new one."""
    if old.cell != row.cell:
        return False
    return old_run["code"] != run["code"] if row.is_ours else old.version != row.version


def _written(row: Row) -> dict[str, Any]:
    values: dict[str, Any] = _rounded(asdict(row))
    return {k: v for k, v in values.items() if v != DEFAULTS[k] and v != {}}


def _rounded(value: Any) -> Any:
    """Round to what is worth keeping: 1e-4 dB, 0.1 ms."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list | tuple) else value
