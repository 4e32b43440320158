"""The steps of a fit, kept for `--history history.csv` and `--plot curves.png`."""

from __future__ import annotations

import csv
import importlib.util
import io
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from chnorm_cli.fitting.solution import Step
from chnorm_cli.scaling.failures import usage

# Okabe & Ito's blue and vermilion: told apart with any colour vision.
LOSS_COLOUR = "#0072B2"
GRADIENT_COLOUR = "#D55E00"


def history_table(steps: Sequence[Step]) -> bytes:
    """Return the steps as CSV, one column per layer of the network."""
    layers = list(dict.fromkeys(name for step in steps for name in step.layer_grad_norms))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    fixed = ["step", "stage", "seconds", "loss", "gradient_norm", "monitor"]
    table.writerow(fixed + [f"gradient_norm:{name}" for name in layers])
    for step in steps:
        monitor = "" if step.monitor is None else repr(step.monitor)
        facts = [step.index, step.stage, f"{step.seconds:.3f}", step.loss, step.grad_norm, monitor]
        table.writerow(facts + [step.layer_grad_norms.get(name, "") for name in layers])
    return text.getvalue().encode()


def require_matplotlib() -> None:
    """Raise before the fit when there is nothing to plot with."""
    if importlib.util.find_spec("matplotlib") is None:
        raise usage("--plot needs matplotlib: pip install 'chnorm[lab]'")


def plot_formats() -> frozenset[str]:
    """The endings that `--plot` can write."""
    return frozenset((".png", ".svg", ".pdf"))


def plot_curves(steps: Sequence[Step], path: Path, *, title: str) -> bytes:
    """Return a picture of the loss and the gradient norm over the steps, on logarithmic scales."""
    from matplotlib.figure import Figure  # without pyplot: no display, no global state

    figure = Figure(figsize=(7, 5), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    index = [step.index for step in steps]
    upper.plot(index, [step.loss for step in steps], color=LOSS_COLOUR, linewidth=1.2)
    lower.plot(index, [step.grad_norm for step in steps], color=GRADIENT_COLOUR, linewidth=1.2)
    for axes, label in ((upper, "loss (mean squared error)"), (lower, "gradient norm ‖∇W‖₂")):
        axes.set_yscale("log", nonpositive="mask")
        axes.set_ylabel(label)
        axes.grid(visible=True, alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    for before, step in pairwise(steps):
        if before.stage != step.stage:  # another objective: the curves jump here
            for axes in (upper, lower):
                axes.axvline(step.index, color="0.6", linewidth=0.8, linestyle=":")
            upper.annotate(
                step.stage, (step.index, 1), xycoords=("data", "axes fraction"), fontsize=8,
                xytext=(3, -10), textcoords="offset points", color="0.4",
            )  # fmt: skip
    upper.set_title(title.replace("$", r"\$"))
    lower.set_xlabel("step")
    data = io.BytesIO()
    figure.savefig(data, format=path.suffix.lstrip("."), dpi=150)
    return data.getvalue()
