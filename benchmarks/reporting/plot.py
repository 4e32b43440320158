"""PSNR over seconds: where each method stands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.reporting.summary import EFFORTS, Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe & Ito's colours, told apart by every kind of colour vision; shapes tell them apart in gray.
OURS = "#D55E00"
PEERS = (
    ("#0072B2", "o"),
    ("#009E73", "s"),
    ("#CC79A7", "^"),
    ("#56B4E9", "v"),
    ("#E69F00", "D"),
    ("#000000", "P"),
)
PANELS = (("denoise", "σ=25"), ("inpaint", "50% missing"), ("superres", "×4"))


def plot(summaries: Sequence[Summary], path: Path) -> bool:
    """Draw a panel a task, and the curves of the prior fits; False where there is nothing to draw."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    panels = [found for task, start in PANELS if (found := _chosen(summaries, task, start))]
    fits = _chosen(summaries, "prior", "σ=25")
    count = len(panels) + (fits is not None)
    if not count:
        return False
    columns = min(2, count)
    lines = -(-count // columns)
    size = (4.6 * columns, 3.4 * lines)
    figure, grid = plt.subplots(lines, columns, figsize=size, dpi=100, squeeze=False)
    axes = list(grid.flat)
    for axis, summary in zip(axes, panels, strict=False):
        _points(axis, summary)
    if fits is not None:
        _curves(axes[count - 1], fits)
    for axis in axes[count:]:
        axis.remove()
    for axis in axes[:count]:
        axis.set(xscale="log", xlabel="seconds a picture", ylabel="PSNR, dB")
        axis.grid(alpha=0.25, linewidth=0.6)
        axis.spines[["top", "right"]].set_visible(False)
        axis.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
        axis.xaxis.set_minor_formatter(lambda x, _: "")
        axis.legend(fontsize=7, frameon=False)
    figure.tight_layout()
    figure.savefig(path, pil_kwargs={"optimize": True})
    plt.close(figure)
    return True


def _chosen(summaries: Sequence[Summary], task: str, start: str) -> Summary | None:
    """Give the summary of a setting, or else of a variant of it (a crop, gray)."""
    found = [s for s in summaries if s.task == task and s.setting.split(",")[0] == start]
    return min(found, key=lambda s: len(s.setting), default=None)


def _points(axis: Axes, summary: Summary) -> None:
    axis.set_title(
        f"{summary.task}, {summary.setting}: mean of {len(summary.pictures)} pictures", size=9
    )
    ours = [p for e in EFFORTS if (p := _point(summary, f"chnorm {e}"))]
    if ours:
        axis.plot(*zip(*ours, strict=True), "*-", color=OURS, markersize=10, label="chnorm")
    others = [m for m in summary.methods if not m.startswith("chnorm")]
    for method, (color, marker) in zip(others, PEERS, strict=False):
        if point := _point(summary, method):
            axis.plot(*point, marker, color=color, label=method)


def _point(summary: Summary, method: str) -> tuple[float, float] | None:
    seconds, psnr = summary.mean(method, "seconds"), summary.mean(method)
    return None if seconds is None or psnr is None else (seconds, psnr)


def _curves(axis: Axes, summary: Summary) -> None:
    picture = next((p for p in summary.pictures if "F16" in p), summary.pictures[0])
    axis.set_title(f"prior, {summary.setting}: {picture}", size=9)
    colors = (OURS, *(color for color, _ in PEERS))
    lowest = []
    for method, color in zip(summary.row_names(picture), colors, strict=False):
        cell = summary.cell(method, picture)
        assert cell is not None
        curve = cell.newest.detail["curve"]
        axis.plot(*zip(*curve, strict=True), color=color, linewidth=1.3, label=method)
        axis.plot(*curve[-1], "o", color=color, markersize=4)  # what it returned
        lowest.append(max(psnr for _, psnr in curve) - 6)
    axis.set_ylim(bottom=min(lowest))  # how a fit begins says nothing
