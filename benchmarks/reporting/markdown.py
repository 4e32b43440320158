"""RESULTS.md: a table a task, what it costs, and whether the bars hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from statistics import median

from benchmarks.measuring.contest import AS_IT_CAME
from benchmarks.measuring.machine import place
from benchmarks.measuring.rows import OURS
from benchmarks.reporting.bars import verdicts
from benchmarks.reporting.sigma_summary import errors_by_level
from benchmarks.reporting.summary import Measured, Summary, current, mean_of, summaries
from benchmarks.reporting.table import STEP_HEADER, step_lines

TITLES = {
    "denoise": "Denoising: white noise, and that of cameras",
    "noise": "Denoising: noise that follows the brightness, impulses, banding",
    "jpeg": "JPEG: artefacts, and noise before the compression",
    "inpaint": "Inpainting, on the missing pixels",
    "superres": "Super-resolution, on Y",
}


def page(measured: Sequence[Measured], plots: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Give the lines of RESULTS.md; `plots` are (title, path)."""
    measured = whole_pictures(current(measured))
    cpu = [(run, row) for run, row in measured if run["device"] == "cpu"]
    cuda = [(run, row) for run, row in measured if run["device"] != "cpu"]
    yield "# Results"
    yield ""
    yield "Written by `python -m benchmarks.report` from the rows in `results/`; do not edit. How each number is measured is in"
    yield "[README.md](README.md). Mean PSNR in dB over the pictures of a set. The last column is the best of ours less the best peer, with"
    yield "its 95 % interval over the pictures. Ours is told nothing; what the peers are told of the truth stands at their names, and"
    yield "against JPEG each has the strength, of five, that the truth chooses."
    yield ""
    yield from _ages(measured)
    for title, path in plots:
        yield f"![{title}]({path})"
        yield ""
    found = summaries(cpu)
    for task, title in TITLES.items():
        yield from _task(title, [s for s in found if s.task == task], _newest(cpu))
    yield from _cost(found)
    yield from _others(cpu, found)
    if cuda:
        yield from _gpu(cuda)
    yield from _bars(found)


def whole_pictures(measured: Sequence[Measured]) -> list[Measured]:
    """Leave out crops of what ours was measured on with whole pictures too."""
    whole = {(row.task, row.setting) for _, row in measured if row.is_ours}
    return [
        (run, row)
        for run, row in measured
        if "crop" not in row.setting or (row.task, row.setting.split(", crop")[0]) not in whole
    ]


def _ages(measured: Sequence[Measured]) -> Iterator[str]:
    digests: dict[str, tuple[str, int]] = {}
    for run, row in measured:
        if row.is_ours:
            _, count = digests.get(run["code"], ("", 0))
            digests[run["code"]] = (run["date"][:10], count + 1)
    parts = [f"{code} ({day}, {count} rows)" for code, (day, count) in digests.items()]
    versions = sorted({row.version for _, row in measured if row.version})
    yield f"- code of ours by its digest, the newest last, older marked †: {', '.join(parts) or 'none'}"
    yield f"- peers: {', '.join(versions)}"
    yield f"- measured on {', '.join(dict.fromkeys(place(run) for run, _ in measured))}"
    yield ""


def _newest(measured: Sequence[Measured]) -> str:
    codes = [run["code"] for run, row in measured if row.is_ours]
    return codes[-1] if codes else ""


def _task(title: str, found: Sequence[Summary], newest: str) -> Iterator[str]:
    found = sorted(found, key=_order)
    if not found:
        return
    # What many settings have first; a column that no mean fills is left out.
    means = [m for s in found for m in s.methods if s.mean(m) is not None]
    methods = sorted(dict.fromkeys(means), key=lambda m: (m.startswith(OURS), m != AS_IT_CAME))
    yield f"## {title}"
    yield ""
    names = [_column(m, found) for m in methods]
    yield f"| set, setting | n | {' | '.join(names)} | ours − best peer |"
    yield "| --- |" + " --- |" * (len(names) + 2)
    for summary in found:
        cells = [_mean(summary, method, newest) for method in methods]
        if any(cells):
            name = f"{summary.dataset}, {summary.setting}"
            shown = [name, str(summary.count), *cells, _margin(summary)]
            yield f"| {' | '.join(shown)} |"
    yield ""


def _order(summary: Summary) -> tuple[bool, bool, str, str]:
    """Whole pictures in colour first, then by set, then by setting with its numbers in order."""
    setting = summary.setting
    numbered = re.sub(r"\d+", lambda digits: digits[0].zfill(3), setting)
    return "crop" in setting, "gray" in setting, summary.dataset, numbered


def _column(method: str, found: Sequence[Summary]) -> str:
    told = {cell.newest.told for s in found for cell in s.row(method).values()} - {""}
    return method.removeprefix(f"{OURS} ") + (f" ({', '.join(sorted(told))})" if told else "")


def _mean(summary: Summary, method: str, newest: str) -> str:
    value = summary.mean(method)
    if value is None:
        return ""
    codes = {cell.run["code"] for cell in summary.row(method).values()}
    return f"{value:.2f}" + ("†" if method.startswith(OURS) and codes != {newest} else "")


def _margin(summary: Summary) -> str:
    best = summary.best(ours=True)
    peer = summary.best(ours=False, but=(AS_IT_CAME,))
    margins = summary.margins(best, peer) if best and peer else None
    return "" if margins is None else str(mean_of(list(margins.values())))


def _cost(found: Sequence[Summary]) -> Iterator[str]:
    costs: dict[tuple[str, str], list[float]] = {}
    for summary in found:
        for (method, _), cell in summary.cells.items():
            if summary.task in TITLES and (cost := cell.cpu_a_megapixel) is not None:
                costs.setdefault((summary.task, method), []).append(cost)
    methods = dict.fromkeys(m for _, m in costs if m != AS_IT_CAME)
    if not methods:
        return
    names = sorted(methods, key=lambda m: m.startswith(OURS))
    yield "## CPU-seconds a megapixel"
    yield ""
    yield f"| median over all settings | {' | '.join(m.removeprefix(f'{OURS} ') for m in names)} |"
    yield "| --- |" + " --- |" * len(names)
    for task in TITLES:
        cells = [median(costs[task, m]) if (task, m) in costs else None for m in names]
        if any(cell is not None for cell in cells):
            yield f"| {task} | {' | '.join('' if c is None else _digits(c) for c in cells)} |"
    yield ""


def _digits(value: float) -> str:
    return f"{value:.2g}" if value < 10 else f"{value:.0f}"


def _others(measured: Sequence[Measured], found: Sequence[Summary]) -> Iterator[str]:
    estimates = [row for _, row in measured if row.setting.startswith("estimate")]
    if estimates:
        yield "## The level of white noise: mean |error| over all pictures (worst)"
        yield ""
        yield from _table(*errors_by_level(estimates))
    prior = [s for s in found if s.task == "prior"]
    if prior:
        yield "## `--fit prior`"
        yield ""
        header = ["set, setting, picture", "run", "returned", "best ever", "after", "of"]
        yield from _table(header, [line for s in prior for line in _fits(s)])
    steps = [row for _, row in measured if row.task == "step"]
    if steps:
        yield "## A step of the fit"
        yield ""
        yield from _table(STEP_HEADER, step_lines(steps))


def _fits(summary: Summary) -> Iterator[list[str]]:
    for (method, picture), cell in summary.cells.items():
        detail = cell.newest.detail
        yield [
            f"{summary.dataset}, {summary.setting}, {picture}",
            method,
            f"{cell.newest.psnr:.2f} dB",
            f"{detail['best']:.2f} dB",
            f"{detail['best_seconds']:.0f} s",
            f"{cell.newest.seconds:.0f} s",
        ]


def _gpu(measured: Sequence[Measured]) -> Iterator[str]:
    yield "## On a GPU, seconds by the clock"
    yield ""
    lines = []
    for machine in dict.fromkeys(place(run) for run, _ in measured):
        here = [(run, row) for run, row in measured if place(run) == machine]
        for summary in summaries(here):
            for method in (m for m in summary.methods if m.startswith(OURS)):
                psnr, seconds = summary.mean(method), summary.mean(method, "seconds")
                if psnr is not None and seconds is not None:
                    about = f"{summary.task}, {summary.dataset}, {summary.setting}"
                    lines.append([machine, about, method, f"{psnr:.2f} dB", f"{seconds:.1f} s"])
    yield from _table(["machine", "setting", "method", "mean PSNR", "mean seconds"], lines)


def _bars(found: Sequence[Summary]) -> Iterator[str]:
    judged = verdicts(found)
    yield "## The bars that the project set itself"
    yield ""
    yield "`python -m benchmarks.report --bars` says each of them, with what was measured."
    yield ""
    lines = []
    for task in dict.fromkeys(v.task for v in judged):
        here = [v for v in judged if v.task == task]
        known = [v for v in here if v.holds is not None]
        missed = "; ".join(f"{v.bar}: {v.measured}" for v in known if not v.holds)
        hold = sum(bool(v.holds) for v in known)
        lines.append([task, f"{hold} of {len(known)}", str(len(here) - len(known)), missed])
    yield from _table(["task", "hold", "to be measured", "do not hold"], lines)


def bars(measured: Sequence[Measured]) -> Iterator[str]:
    """Give a line a bar."""
    cpu = [(run, row) for run, row in current(measured) if run["device"] == "cpu"]
    words = {True: "holds", False: "DOES NOT HOLD", None: ""}
    for v in verdicts(summaries(cpu)):
        yield f"{v.task}: {v.bar} · {v.measured}{' · ' * (v.holds is not None)}{words[v.holds]}"


def _table(header: Sequence[str], body: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"| {' | '.join(['---'] * len(header))} |"
    for line in body:
        yield f"| {' | '.join(line)} |"
    yield ""
