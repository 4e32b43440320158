"""What a person sees at the end of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.box import SIMPLE
from rich.table import Table

from benchmarks.measuring.rows import Row, Run
from benchmarks.reporting.sigma_summary import errors_by_level
from benchmarks.reporting.summary import Cell, Summary, in_seconds, summaries

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
    """Give header and lines: a method a line, a picture a column, the mean and its interval last."""
    header = ["method", *summary.pictures, "mean ± 95 %", "SSIM"]
    body = []
    for method in summary.methods:
        cells = [_shown(summary.cell(method, picture)) for picture in summary.pictures]
        spread, similar = summary.spread(method), summary.mean(method, "ssim")
        mean = "" if spread is None else str(spread).lstrip("+")
        body.append([method, *cells, mean, "" if similar is None else f"{similar:.4f}"])
    return header, body


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
