"""The look of the lab's pictures: few colours that everyone can tell apart, labels on every axis."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Corner = Literal["best", "upper left", "lower left", "lower right"]

# Okabe & Ito: told apart with any colour vision; markers and dashes repeat what colours say.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "D", "v", "^", "P", "x")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)), "-")
FLOOR = 1e-16  # gradients below it are drawn here: a logarithm needs more than zero


def colour(number: int) -> str:
    """Give the colour of the `number`-th curve."""
    return COLOURS[number % len(COLOURS)]


def save(draw: Callable[[Figure], None], path: Path, title: str, *, panels: int = 2) -> bytes:
    """Give the picture as bytes of the format that `path` ends in (.png, .svg or .pdf)."""
    from matplotlib.figure import Figure  # without pyplot: no display, no global state

    figure = Figure(figsize=(3.7 * panels, 3.4), layout="constrained")
    figure.suptitle(title.replace("$", r"\$"), fontsize=10)
    draw(figure)
    data = io.BytesIO()
    figure.savefig(data, format=path.suffix.lstrip(".").lower(), dpi=100)
    return data.getvalue()


def prepare(axes: Axes, *, title: str, xlabel: str, ylabel: str) -> None:
    """Label one panel."""
    axes.set_title(title, fontsize=9)
    axes.set_xlabel(xlabel, fontsize=8)
    axes.set_ylabel(ylabel, fontsize=8)
    axes.tick_params(labelsize=7, which="both")
    axes.grid(visible=True, alpha=0.2, linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)


def loglog(axes: Axes, *, title: str, ylabel: str, xlabel: str = "step") -> None:
    """Prepare a panel with two logarithmic axes."""
    prepare(axes, title=title, xlabel=xlabel, ylabel=ylabel)
    axes.set_xscale("log")
    axes.set_yscale("log", nonpositive="mask")


def label_lines(axes: Axes, *, loc: Corner = "best") -> None:
    """Say once what each colour is."""
    handles, labels = axes.get_legend_handles_labels()
    once = dict(zip(labels, handles, strict=True))
    axes.legend(list(once.values()), list(once), fontsize=7, loc=loc, framealpha=0.85)


def layer_curves(
    axes: Axes, layers: Mapping[str, Sequence[float]], *, title: str, ylabel: str = "‖∇W_l‖₂"
) -> None:
    """Draw one curve a layer, dark at the input and light at the output."""
    from matplotlib import colormaps

    loglog(axes, title=title, ylabel=ylabel)
    shades = colormaps["cividis"]
    names = list(layers)
    for number, (name, norms) in enumerate(layers.items()):
        shade = shades(0.95 * number / max(1, len(names) - 1))
        shown = number in (0, len(names) - 1)
        steps = thinned(len(norms))
        axes.plot(
            steps, [max(norms[step - 1], FLOOR) for step in steps], color=shade, linewidth=0.9,
            label=_position(name, number) if shown else None,
        )  # fmt: skip
    label_lines(axes)


def thinned(count: int, most: int = 250) -> list[int]:
    """Give at most `most` of the steps 1…count, evenly on a logarithmic axis, the last included."""
    if count <= most:
        return list(range(1, count + 1))
    ratio = count ** (1 / (most - 1))
    return sorted({round(ratio**k) for k in range(most)})


def _position(name: str, number: int) -> str:
    return f"layer {number + 1} (input)" if number == 0 else f"{name} layer"
