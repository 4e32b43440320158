"""What a person sees at the end of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import mean

from rich.box import SIMPLE
from rich.table import Table

from benchmarks.measuring.rows import Row, Run
from benchmarks.reporting.sigma_summary import errors_by_level
from benchmarks.reporting.summary import Cell, Summary, in_seconds, summaries

MOST_COLUMNS = 6  # pictures, each a column, that a terminal has room for
STEP_HEADER = ["what", "ours", "plain PyTorch", "ours ÷ plain"]


def tables(run: Run, rows: Sequence[Row]) -> Iterator[Table]:
    found = summaries([(run, row) for row in rows])
    steps = [summary for summary in found if summary.task == "step"]
    for summary in found:
        if summary.setting.startswith("estimate"):
            title = (
                f"{summary.task}, {summary.dataset}, {summary.setting}: mean absolute error (worst)"
            )
            header, body = errors_by_level(
                [r for r in rows if (r.dataset, r.setting) == (summary.dataset, summary.setting)]
            )
        elif summary.task == "step":
            if summary is not steps[-1]:
                continue
            title = "step"
            header, body = STEP_HEADER, step_lines([r for r in rows if r.task == "step"])
        else:
            title = (
                f"{summary.task}, {summary.dataset}, {summary.setting}: PSNR in dB · CPU-seconds"
            )
            header, body = grid(summary)
        table = Table(title=title, title_justify="left", box=SIMPLE)
        for i, name in enumerate(header):
            widest = max(len(line[i]) for line in body)
            justify = "right" if i else "left"
            table.add_column(name, justify=justify, min_width=widest, overflow="fold")
        for line in body:
            table.add_row(*line)
        yield table


def grid(summary: Summary) -> tuple[list[str], list[list[str]]]:
    """Give header and lines: a method a line, a picture a column, the mean and its interval last.

    Of many pictures there are the lowest PSNR and the mean of the CPU-seconds instead of columns.
    """
    many = len(summary.pictures) > MOST_COLUMNS
    columns = [f"lowest of {summary.count}", "CPU-s"] if many else summary.pictures
    header = ["method", *columns, "mean ± 95 %", "SSIM"]
    body = []
    for method in summary.methods:
        found = [summary.cell(method, picture) for picture in summary.pictures]
        cells = _of_many(found) if many else [_shown(cell) for cell in found]
        spread, similar = summary.spread(method), summary.mean(method, "ssim")
        average = "" if spread is None else str(spread).lstrip("+")
        body.append([method, *cells, average, "" if similar is None else f"{similar:.4f}"])
    return header, body


def _of_many(cells: Sequence[Cell | None]) -> list[str]:
    values = [cell.psnr for cell in cells if cell is not None and cell.psnr is not None]
    seconds = [cell.cpu for cell in cells if cell is not None and cell.cpu is not None]
    lowest = f"{min(values):.2f}" if values else ""
    return [lowest, in_seconds(mean(seconds)) if seconds else ""]


def step_lines(rows: Sequence[Row]) -> list[list[str]]:
    """Give a line a measured step, or for the help."""
    lines = []
    for row in rows:
        assert row.seconds is not None
        what = row.setting if row.picture == "-" else f"{row.picture}, {row.setting}"
        if "ratio" not in row.detail:
            lines.append([what, f"{row.seconds:.2f} s", "", ""])
            continue
        theirs = f"{1000 * row.detail['plain_seconds']:.1f} ms"
        lines.append([what, f"{1000 * row.seconds:.1f} ms", theirs, f"{row.detail['ratio']:.2f}"])
    return lines


def _shown(cell: Cell | None) -> str:
    parts = [] if cell is None or cell.psnr is None else [f"{cell.psnr:.2f}"]
    parts += [] if cell is None or cell.cpu is None else [in_seconds(cell.cpu)]
    return " · ".join(parts)
