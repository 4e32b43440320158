"""Measured rows: kept in a JSON file from the moment they are measured."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "results"
OURS = "chnorm"


@dataclass(frozen=True)
class Row:
    """One method on one picture.

    `seconds` holds everything from the corrupted array to the restored one. `load` is the
    machine's load average while it ran: more than its cores means that others were in the way.
    """

    task: str
    setting: str  # "σ=25", "50 % missing", "×4, crop 256"
    picture: str
    method: str
    effort: str = ""
    psnr: float | None = None  # dB
    ssim: float | None = None
    seconds: float | None = None
    steps: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""  # why there is no number
    load: float = field(default_factory=lambda: os.getloadavg()[0])
    all_cores: bool = True  # else only the picture counts, and its time is too long

    @property
    def name(self) -> str:
        """The method and its effort."""
        return f"{self.method} {self.effort}".strip()

    def __str__(self) -> str:
        """One line for people."""
        numbers = [f"{self.psnr:.2f} dB" if self.psnr is not None else self.note]
        numbers += [f"{self.seconds:.1f} s"] if self.seconds is not None else []
        shown = [
            f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
            for key, value in self.detail.items()
            if key not in LONG
        ]
        return " · ".join(
            filter(None, [self.task, self.setting, self.picture, self.name, *numbers, *shown])
        )


LONG = {"curve"}


class Results:
    """The rows of one run, in a file that may hold other runs before it."""

    def __init__(self, path: Path, run: Mapping[str, Any]) -> None:
        self.path = path
        self.before = _runs(path) if path.exists() else []
        self.run = run
        self.rows: list[Row] = []

    def append(self, row: Row) -> None:
        """Keep a row; the file is whole at every moment."""
        self.rows.append(row)
        runs = [*self.before, {**self.run, "rows": [_written(r) for r in self.rows]}]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps({"runs": runs}, indent=1, ensure_ascii=False) + "\n")
        partial.replace(self.path)


def default_path(task: str) -> Path:
    return RESULTS / f"{task}-{datetime.now(UTC):%Y%m%d-%H%M%S}.json"


def read_all(folder: Path) -> list[tuple[dict[str, Any], Row]]:
    """Give (run, row) of every result file, the oldest first."""
    runs = [run for path in sorted(folder.glob("*.json")) for run in _runs(path)]
    runs.sort(key=lambda run: run["date"])
    return [
        (run, Row(**row, all_cores=run["threads"] == run["cores"]))
        for run in runs
        for row in run["rows"]
    ]


def _runs(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text())["runs"]


def _written(row: Row) -> dict[str, Any]:
    values: dict[str, Any] = _rounded(asdict(row))
    del values["all_cores"]  # the run says how many threads it had
    return values


def _rounded(value: Any) -> Any:
    """Round to what is worth keeping: 1e-4 dB, 0.1 ms."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list | tuple) else value
