"""The picture of a law: level against brightness, and how alike neighbours are."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from chnorm_cli.commands.laws import Told, brightnesses, correlation
from chnorm_cli.scaling.own_numbers import numbers_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe & Ito's vermilion, green and blue: told apart with any colour vision; markers repeat it.
COLOURS: dict[int, tuple[tuple[str, str, str], ...]] = {
    1: (("gray", "#000000", "o"),),
    3: (("red", "#D55E00", "s"), ("green", "#009E73", "D"), ("blue", "#0072B2", "o")),
}


def plot_law(one: Told, path: Path) -> bytes:
    """Return the picture as bytes of the format that `path` ends in, in the file's numbers."""
    from matplotlib.figure import Figure  # without pyplot: no display, no global state

    shared = correlation(one.law)
    panels = 1 if shared is None else 2
    figure = Figure(figsize=(5.5 * panels, 4), layout="constrained")
    axes = figure.subplots(1, panels, squeeze=False)[0]
    figure.suptitle(f"{one.name}: {one.sentences[0]}".replace("$", r"\$"), fontsize=9, wrap=True)
    _level(axes[0], one)
    if shared is not None:
        reach = len(shared) // 2 + 0.5
        image = axes[1].imshow(
            shared.numpy(), cmap="RdBu", vmin=-1, vmax=1, extent=(-reach, reach, reach, -reach)
        )
        axes[1].set_title("correlation of neighbours", fontsize=9)
        axes[1].set_xlabel("pixels to the right")
        axes[1].set_ylabel("pixels down")
        figure.colorbar(image, ax=axes[1], shrink=0.8)
    data = io.BytesIO()
    figure.savefig(data, format=path.suffix.lstrip(".").lower(), dpi=150)
    return data.getvalue()


def _level(axes: Axes, one: Told) -> None:
    """Draw the fitted curve and the measured points of each colour."""
    offset, span = numbers_of(one.picture)
    law, points = one.law, one.points
    channels = one.picture.pixels.shape[2]
    x = brightnesses(law, channels)
    curve = span * law.level.variance(x).clamp_min(0.0).sqrt()
    # Second differences see only what neighbours do not share.
    measured = "measured" if law.noise.kernel is None else "measured, what neighbours do not share"
    for c, (name, colour, marker) in enumerate(COLOURS[channels]):
        axes.plot(x[c] * span + offset, curve[c], color=colour, linewidth=1.2, label=name)
        if points is not None:
            sigma = span * torch.sqrt(points.variance[c].clamp_min(0.0))
            axes.plot(
                points.brightness[c] * span + offset, sigma, marker, color=colour, markersize=4,
                alpha=0.7, label=measured if c == channels - 1 else None,
            )  # fmt: skip
    axes.set_ylim(bottom=0)
    axes.set_title("level of the noise, in the numbers of the file", fontsize=9)
    axes.set_xlabel("brightness")
    axes.set_ylabel("standard deviation σ")
    axes.grid(visible=True, alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8)
