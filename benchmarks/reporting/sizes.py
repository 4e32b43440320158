"""Cost against size, as `benchmarks.studies.sizes` has measured it: a table of each machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.measuring.rows import RESULTS

FOLDER = RESULTS / "sizes"
Size = dict[str, Any]  # a row of the study


def measured_sizes(folder: Path = FOLDER) -> list[Size]:
    """Give the rows of all machines, the smallest picture first."""
    rows = [row for path in sorted(folder.glob("*.json")) for row in json.loads(path.read_text())]
    return sorted(rows, key=lambda row: (row["machine"], row["effort"], row["megapixels"]))


def large_pictures(rows: list[Size], code: str) -> Iterator[str]:
    """Give the lines of RESULTS.md about them; rows of other code than `code` are marked."""
    if not rows:
        return
    yield "## Large pictures"
    yield ""
    yield "`chnorm denoise` of a tiled TIFF in colour with σ = 25, told nothing: the whole command, with reading and writing."
    yield ""
    yield "| machine | effort | megapixels | seconds | a megapixel | CPU-seconds a megapixel | memory, GB | PSNR |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for row in rows:
        count, mark = row["megapixels"], "" if row["code"] == code else "†"
        yield (
            f"| {row['machine']} | {row['effort']} | {count:g} | {row['seconds']:.0f}{mark} |"
            f" {row['seconds'] / count:.1f} | {row['cpu_seconds'] / count:.1f} |"
            f" {row['peak_gb']:.2f} | {row['psnr']:.2f} |"
        )
    yield ""
