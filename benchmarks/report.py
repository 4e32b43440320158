"""Rows → RESULTS.md, the tables of README and docs/, the plots: `python -m benchmarks.report`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.measuring.machine import code_digest
from benchmarks.measuring.pictures import CHECKOUT
from benchmarks.measuring.rows import RESULTS, drop_older, read_all
from benchmarks.reporting.headline import PAGES, replaced, table
from benchmarks.reporting.markdown import bars, page, whole_pictures
from benchmarks.reporting.plots import PLOTS, draw
from benchmarks.reporting.sizes import large_pictures, measured_sizes
from benchmarks.reporting.summary import current, summaries

PAGE = RESULTS.parent / "RESULTS.md"
FOLDER = RESULTS.parent / "plots"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if out of date")
    parser.add_argument("--no-plots", action="store_true", help="leave the plots as they are")
    parser.add_argument("--bars", action="store_true", help="say each bar, and write nothing")
    parser.add_argument("--drop-old", action="store_true", help="forget rows of older code first")
    given = parser.parse_args(arguments)
    if given.drop_old:
        print(f"{drop_older(code_digest())} rows dropped; git keeps them")
    if given.bars:
        print(*bars(read_all()), sep="\n")
        return 0
    if not (given.check or given.no_plots):
        draw(summaries(whole_pictures(current(read_all()))), measured_sizes(), FOLDER)
    pages = made()
    old = [path for path, text in pages.items() if path.read_text() != text]
    if given.check:
        for path in old:
            print(f"{path.name} is out of date: run python -m benchmarks.report", file=sys.stderr)
        return 1 if old else 0
    for path, text in pages.items():
        path.write_text(text)
    print(*(path.relative_to(CHECKOUT) for path in pages))
    print(_age())
    return 0


def made() -> dict[Path, str]:
    """Give each page that the rows make, as it has to be."""
    rows = read_all()
    drawn = [(title, f"plots/{name}.png") for name, title in PLOTS.items() if _exists(name)]
    sizes = large_pictures(measured_sizes(), code_digest())
    lines = "\n".join([*page(rows, drawn), *sizes]).rstrip() + "\n"
    cpu = [(run, row) for run, row in current(rows) if run["device"] == "cpu"]
    found = summaries(cpu)
    tables = {CHECKOUT / name: list(table(found, asked)) for name, asked in PAGES.items()}
    return {PAGE: lines} | {p: replaced(p.read_text(), t) for p, t in tables.items()}


def _age() -> str:
    """Say how much of what ours is shown with was measured with the code as it is."""
    digest = code_digest()
    ours = [run["code"] == digest for run, row in current(read_all()) if row.is_ours]
    return f"{sum(ours)} of {len(ours)} rows of ours are of the code as it is ({digest})"


def _exists(name: str) -> bool:
    return (FOLDER / f"{name}.png").exists()


if __name__ == "__main__":
    sys.exit(main())
