"""All measured rows → RESULTS.md and a plot: `python -m benchmarks.report`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measuring.machine import place
from benchmarks.measuring.rows import OURS, RESULTS, Row, read_all
from benchmarks.reporting.bars import verdicts
from benchmarks.reporting.plot import plot
from benchmarks.reporting.sigma_summary import errors_by_level
from benchmarks.reporting.summary import Summary, summaries
from benchmarks.reporting.table import STEP_HEADER, grid, step_lines

Measured = tuple[dict[str, Any], Row]
TASKS = ("denoise", "noise", "jpeg", "inpaint", "superres", "prior", "sigma", "step")
WORDS = {True: "yes", False: "**no**"}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of JSON files")
    parser.add_argument("-o", "--output", type=Path, default=RESULTS.parent / "RESULTS.md")
    given = parser.parse_args()
    measured = read_all(given.results)
    if not measured:
        print(f"no results in {given.results}: run python -m benchmarks.run first", file=sys.stderr)
        return 1
    given.output.write_text("\n".join(_report(measured, given.output)) + "\n")
    print(given.output)
    return 0


def current(measured: Sequence[Measured]) -> list[Measured]:
    """Leave out what older code of ours gave where newer code was measured on the same cell.

    Where a cell was measured with all cores, rows with fewer of them are left out as well.
    """

    def cell(row: Row) -> tuple[str, ...]:
        return row.task, row.setting, row.picture, row.name

    newest = {cell(row): run["code"] for run, row in measured}  # the oldest come first
    fresh = [
        (run, row)
        for run, row in measured
        if not row.method.startswith(OURS) or run["code"] == newest[cell(row)]
    ]
    whole = {cell(row) for _, row in fresh if row.all_cores}
    return [(run, row) for run, row in fresh if row.all_cores or cell(row) not in whole]


def _report(measured: Sequence[Measured], output: Path) -> Iterator[str]:
    yield "# Results"
    yield ""
    yield "Written by `python -m benchmarks.report` from `benchmarks/results/*.json`; do not edit."
    yield "How each number is measured: [README.md](README.md). Times are wall-clock seconds, the"
    yield "first guess included; a cell that was measured several times shows the medians. Where only"
    yield "the picture counts, two runs shared the cores with one thread each: those times are marked ¹"
    yield "and too long."
    for number, machine in enumerate(dict.fromkeys(place(run) for run, _ in measured)):
        here = current([(run, row) for run, row in measured if place(run) == machine])
        rows = [row for _, row in here]
        yield ""
        yield f"## {machine}"
        yield ""
        yield from _about([run for run, _ in here], rows)
        found = summaries(rows)
        yield from _bars(found)
        picture = output.with_name(f"{output.stem.lower()}{number or ''}.png")
        if plot(found, picture):
            yield f"![PSNR over seconds]({picture.name})"
            yield ""
        for task in TASKS:
            chosen = [summary for summary in found if summary.task == task]
            chosen.sort(key=lambda summary: summary.setting)
            yield from _section(task, chosen, rows)


def _about(runs: Sequence[dict[str, Any]], rows: Sequence[Row]) -> Iterator[str]:
    versions = sorted({f"{k} {v}" for run in runs for k, v in run["versions"].items()})
    codes = list(dict.fromkeys(run["code"] for run in runs))
    dates = sorted(run["date"][:10] for run in runs)
    cores = runs[0]["cores"]
    busy = sum(row.load > 1.5 * cores for row in rows)
    yield f"- versions: {', '.join(versions)}"
    yield f"- measured {dates[0]} to {dates[-1]}, {len(rows)} rows"
    yield f"- digest of the code of ours, the newest last: {', '.join(codes)}"
    if busy:
        yield (
            f"- {busy} rows were measured while the load average was over {1.5 * cores:g}:"
            " their times are too long"
        )
    yield ""


def _bars(found: Sequence[Summary]) -> Iterator[str]:
    yield "| task | bar | measured | holds |"
    yield "| --- | --- | --- | --- |"
    judged = verdicts(found)
    for v in judged:
        if v.holds is not None:
            yield f"| {v.task} | {v.bar} | {v.measured} | {WORDS[v.holds]} |"
    yield ""
    missing = sum(v.holds is None for v in judged)
    if missing:
        yield f"{missing} more bars were not measured on this machine."
        yield ""


def _section(task: str, chosen: Sequence[Summary], rows: Sequence[Row]) -> Iterator[str]:
    if not chosen:
        return
    yield f"### {task}"
    yield ""
    if task == "step":
        lines = step_lines([cell.newest for s in chosen for cell in s.cells.values()])
        yield from _table(STEP_HEADER, lines)
        return
    for summary in chosen:
        if summary.setting.startswith("estimate"):
            yield f"**{summary.setting}**: mean |error| of σ over the pictures (worst)"
            yield ""
            here = [r for r in rows if (r.task, r.setting) == (task, summary.setting)]
            yield from _table(*errors_by_level(here))
        else:
            yield f"**{summary.setting}** (dB · seconds)"
            yield ""
            yield from _table(*grid(summary))
        if task == "prior":
            yield from _stops(summary)


def _stops(summary: Summary) -> Iterator[str]:
    header = ["run", "picture", "returned", "best ever", "after", "of", "ended by"]
    lines = []
    for (method, picture), cell in summary.cells.items():
        detail = cell.newest.detail
        lines.append(
            [
                method,
                picture,
                f"{cell.newest.psnr:.2f} dB",
                f"{detail['best']:.2f} dB",
                f"{detail['best_seconds']:.0f} s",
                f"{cell.newest.seconds:.0f} s",
                detail.get("outcome", "steps").replace("_", " "),
            ]
        )
    yield from _table(header, lines)


def _table(header: Sequence[str], body: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"| {' | '.join(['---'] * len(header))} |"
    for line in body:
        yield f"| {' | '.join(line)} |"
    yield ""


if __name__ == "__main__":
    sys.exit(main())
