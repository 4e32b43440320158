"""The plots: quality against cost, quality against how bad it was, cost against size.

Okabe & Ito's colours are told apart by every kind of colour vision; shapes and names tell them apart
without colour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measuring.contest import AS_IT_CAME
from benchmarks.measuring.rows import OURS
from benchmarks.reporting.headline import NAMES
from benchmarks.reporting.sizes import Size
from benchmarks.reporting.summary import EFFORTS, Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PLOTS = {
    "cost": "Quality against CPU-seconds, a panel a task",
    "levels": "Quality against how bad the picture was",
    "megapixels": "CPU-seconds and memory against megapixels",
}
VERMILION, BLUE, GREEN, PURPLE, SKY, ORANGE, BLACK = (
    "#D55E00",
    "#0072B2",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#E69F00",
    "#000000",
)
LOOKS = ((BLUE, "o"), (GREEN, "s"), (PURPLE, "^"), (SKY, "v"), (ORANGE, "D"), (BLACK, "P"))
LEAST_GAIN = -1.0  # dB; how much worse the worst make a picture tells no more
# Each peer looks the same in every panel; further ones take what is left.
ORDER = ("bm3d", "nlm", "tv", "wavelet", "median", "bm3d-anscombe")
STAND_INS = {"biharmonic": "bm3d", "patchmatch": "nlm", "back-projection": "bm3d", "bicubic": "nlm"}
PANELS = (
    ("denoise", "σ=25", "white noise, σ = 25"),
    ("noise", "Poisson, peak 5", "photon counts, peak 5"),
    ("noise", "impulses 5%", "5 % black or white"),
    ("jpeg", "quality 30", "JPEG of quality 30"),
    ("inpaint", "50% missing", "half of the pixels missing"),
    ("superres", "×4", "enlarged ×4, on Y"),
)
LADDERS = (
    ("denoise", "white noise", "σ of 255", {"σ=15": 15, "σ=25": 25, "σ=50": 50}),
    (
        "noise",
        "photon counts",
        "most counts in a pixel",
        {"Poisson, peak 2": 2, "Poisson, peak 5": 5, "Poisson, peak 30": 30},
    ),
    ("jpeg", "JPEG", "quality", {f"quality {q}": q for q in (10, 20, 30, 50, 80, 95)}),
)


def draw(found: Sequence[Summary], sizes: Sequence[Size], folder: Path) -> list[Path]:
    """Draw what there are numbers for, and say which files were written."""
    import matplotlib as mpl

    mpl.use("Agg")
    figures = {"cost": _costs(found), "levels": _levels(found), "megapixels": _sizes(sizes)}
    folder.mkdir(exist_ok=True)
    written = []
    for name, figure in figures.items():
        if figure is not None:
            written.append(folder / f"{name}.png")
            figure.savefig(written[-1], dpi=110, pil_kwargs={"optimize": True})
    return written


def _costs(found: Sequence[Summary]) -> Figure | None:
    chosen = [
        (summary, title)
        for task, setting, title in PANELS
        if (summary := _chosen(found, task, setting)) and _point(summary, _ours(summary))
    ]
    if not chosen:
        return None
    figure, axes = _panels(len(chosen), 3)
    for axis, (summary, title) in zip(axes, chosen, strict=True):
        _points(axis, summary)
        axis.set_title(f"{title}\n{_about(summary)}", size=9)
        axis.set(xscale="log", xlabel="CPU-seconds a megapixel", ylabel="PSNR, dB")
        axis.margins(x=0.25, y=0.15)
        axis.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
    return figure


def _points(axis: Axes, summary: Summary) -> None:
    places = {m: point for m in summary.methods if (point := _point(summary, m))}
    theirs = [m for m in places if m != AS_IT_CAME and not m.startswith(OURS)]
    heights = [height for _, height in places.values()]
    near = 0.08 * (max(heights) - min(heights))
    below: list[tuple[float, float]] = []  # whose names are there
    for method in sorted(theirs, key=lambda m: places[m]):
        cost, height = point = places[method]
        color, marker = _look(method)
        axis.plot(*point, marker, color=color, markersize=6)
        beside = any(cost < 10 * c and abs(height - h) < near for c, h in below)
        _name(axis, point, NAMES.get(method, method), above=beside)
        if not beside:
            below.append(point)
    ours = [name for effort in EFFORTS if (name := f"{OURS} {effort}") in places]
    if ours:
        points = [places[name] for name in ours]
        axis.plot(*zip(*points, strict=True), "*-", color=VERMILION, markersize=11)
        for name, point in zip(ours, points, strict=True):
            _name(axis, point, name, color=VERMILION, above=True)


def _about(summary: Summary) -> str:
    crop = summary.setting.partition(", crop")
    return f"{summary.dataset}, {summary.count} pictures" + (
        f"{crop[1]}{crop[2]}²" if crop[1] else ""
    )


def _name(
    axis: Axes, point: tuple[float, float], name: str, *, color: str = BLACK, above: bool = False
) -> None:
    """Write a name above ours and mostly below the others, which are often just below ours."""
    axis.annotate(
        name,
        point,
        xytext=(0, 7 if above else -7),
        textcoords="offset points",
        ha="center",
        va="bottom" if above else "top",
        size=7.5,
        color=color,
    )


def _levels(found: Sequence[Summary]) -> Figure | None:
    ladders = []
    for task, title, words, steps in LADDERS:
        here = ladder_of(found, task, steps)
        if len(here) > 1:
            ladders.append((title, words, here))
    if not ladders:
        return None
    figure, axes = _panels(len(ladders), 3)
    for axis, (title, words, here) in zip(axes, ladders, strict=True):
        _lines(axis, here)
        some = next(iter(here.values()))
        axis.set_title(f"{title}\n{_about(some)}", size=9)
        axis.set(xlabel=words, ylabel="gain over the picture as it came, dB")
        axis.set_ylim(bottom=max(axis.get_ylim()[0], LEAST_GAIN))
        axis.legend(fontsize=7, frameon=False)
    return figure


def ladder_of(found: Sequence[Summary], task: str, steps: Mapping[str, int]) -> dict[int, Summary]:
    """Give the summaries of one set, of that which has the most steps and then the most pictures."""
    sets: dict[str, dict[int, Summary]] = {}
    for summary in found:
        wanted = summary.task == task and summary.setting in steps
        if wanted and summary.mean(AS_IT_CAME) is not None:
            sets.setdefault(summary.dataset, {})[steps[summary.setting]] = summary
    return max(sets.values(), key=lambda s: (len(s), next(iter(s.values())).count), default={})


def _lines(axis: Axes, here: Mapping[int, Summary]) -> None:
    methods = dict.fromkeys(m for s in here.values() for m in s.methods if m != AS_IT_CAME)
    for method in methods:
        points = [
            (x, value - came)
            for x, summary in sorted(here.items())
            if (value := summary.mean(method)) is not None
            and (came := summary.mean(AS_IT_CAME)) is not None
        ]
        if len(points) < 2 or max(gain for _, gain in points) < LEAST_GAIN:
            continue
        color, marker = (VERMILION, "*") if method.startswith(OURS) else _look(method)
        style = {"chnorm fast": "--", "chnorm normal": "-"}.get(method, "-")
        label = NAMES.get(method, method)
        axis.plot(
            *zip(*points, strict=True), marker + style, color=color, label=label, linewidth=1.3
        )


def _sizes(rows: Sequence[Size]) -> Figure | None:
    if not rows:
        return None
    figure, axes = _panels(2, 2)
    quantities = (
        (lambda row: row["cpu_seconds"] / row["megapixels"], "CPU-seconds a megapixel"),
        (lambda row: row["peak_gb"], "peak of memory, GB"),
    )
    machines = sorted({row["machine"] for row in rows})
    for axis, (quantity, words) in zip(axes, quantities, strict=True):
        for effort, color in (("fast", VERMILION), ("normal", BLUE)):
            for machine, style in zip(machines, ("o-", "s--", "^:"), strict=False):
                points = [
                    (row["megapixels"], quantity(row))
                    for row in rows
                    if (row["effort"], row["machine"]) == (effort, machine)
                ]
                if points:
                    label = effort if len(machines) == 1 else f"{effort}, {machine}"
                    axis.plot(
                        *zip(*points, strict=True), style, color=color, label=label, linewidth=1.3
                    )
        axis.set(xscale="log", xlabel="megapixels in colour", ylabel=words, ylim=(0, None))
        axis.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
        axis.legend(fontsize=8, frameon=False)
    return figure


def _panels(count: int, columns: int) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    columns = min(count, columns)
    lines = -(-count // columns)
    figure = Figure(figsize=(3.6 * columns, 3.2 * lines), layout="constrained")
    axes = list(figure.subplots(lines, columns, squeeze=False).flat)
    for axis in axes[count:]:
        axis.remove()
    for axis in axes[:count]:
        axis.grid(alpha=0.25, linewidth=0.6)
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes[:count]


def _look(method: str) -> tuple[str, str]:
    name = STAND_INS.get(method, method)
    return LOOKS[ORDER.index(name)] if name in ORDER else (BLACK, "x")


def _chosen(found: Sequence[Summary], task: str, setting: str) -> Summary | None:
    """Give the summary of a setting, of several sets that of most pictures, whole ones first."""
    here = [s for s in found if s.task == task and s.setting.split(", crop")[0] == setting]
    here = [s for s in here if _ours(s)]
    return max(here, key=lambda s: ("crop" not in s.setting, len(s.pictures)), default=None)


def _ours(summary: Summary) -> str:
    names = [f"{OURS} {effort}" for effort in EFFORTS]
    return next((name for name in names if summary.mean(name) is not None), "")


def _point(summary: Summary, method: str) -> tuple[float, float] | None:
    cost, psnr = summary.mean(method, "cpu_a_megapixel"), summary.mean(method)
    return None if cost is None or psnr is None else (cost, psnr)
