"""The picture of a law: level against brightness, how alike neighbours are, offsets, and bad pixels."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from chnorm_cli.commands.laws import Told, brightnesses, correlation
from chnorm_cli.noise.bad_pixels import BadPixels
from chnorm_cli.noise.banding import Banding
from chnorm_cli.scaling.own_numbers import numbers_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

THUMBNAIL = 512  # pixels along the longer side
MOST_DOTS = 20_000
# Okabe & Ito's vermilion, green and blue: told apart with any colour vision; markers repeat it.
COLOURS: dict[int, tuple[tuple[str, str, str], ...]] = {
    1: (("gray", "#000000", "o"),),
    3: (("red", "#D55E00", "s"), ("green", "#009E73", "D"), ("blue", "#0072B2", "o")),
}


def plot_law(one: Told, path: Path) -> bytes:
    """Return the picture as bytes of the format that `path` ends in, in the file's numbers."""
    from matplotlib.figure import Figure  # without pyplot: no display, no global state

    shared = correlation(one.law)
    offsets = one.banding is not None
    panels = 1 + (shared is not None) + offsets + (one.bad is not None)
    figure = Figure(figsize=(5.5 * panels, 4), layout="constrained")
    axes = list(figure.subplots(1, panels, squeeze=False)[0])
    figure.suptitle(f"{one.name}: {one.sentences[0]}".replace("$", r"\$"), fontsize=9, wrap=True)
    _level(axes.pop(0), one)
    if one.banding is not None:
        _offsets(axes.pop(0), one, one.banding)
    if one.bad is not None:
        _bad_pixels(axes.pop(0), one, one.bad)
    if shared is not None:
        reach = len(shared) // 2 + 0.5
        image = axes[0].imshow(
            shared.numpy(), cmap="RdBu", vmin=-1, vmax=1, extent=(-reach, reach, reach, -reach)
        )
        axes[0].set_title("correlation of neighbours", fontsize=9)
        axes[0].set_xlabel("pixels to the right")
        axes[0].set_ylabel("pixels down")
        figure.colorbar(image, ax=axes[0], shrink=0.8)
    data = io.BytesIO()
    figure.savefig(data, format=path.suffix.lstrip(".").lower(), dpi=150)
    return data.getvalue()


def _offsets(axes: Axes, one: Told, banding: Banding) -> None:
    """Draw the offset of each row and of each column, in the mean of the colours."""
    _, span = numbers_of(one.picture)
    for name, offsets, colour, style in (
        ("rows", banding.rows, "#0072B2", "-"),
        ("columns", banding.columns, "#D55E00", "--"),
    ):
        if offsets is not None:
            axes.plot(span * offsets.mean(0), style, color=colour, linewidth=0.8, label=name)
    axes.set_title("offsets, in the numbers of the file", fontsize=9)
    axes.set_xlabel("row or column, from the top or the left")
    axes.set_ylabel("offset")
    _plain(axes)


def _bad_pixels(axes: Axes, one: Told, bad: BadPixels) -> None:
    """Draw a thumbnail of the picture, and a dot where pixels are bad: each is seen at any size."""
    pixels = one.picture.visible_pixels().mean(2)
    height, width = pixels.shape
    step = -(-max(height, width) // THUMBNAIL)
    ends = (-0.5, width - 0.5, height - 0.5, -0.5)
    axes.imshow(pixels[::step, ::step], cmap="gray", alpha=0.5, extent=ends)
    rows, columns = bad.pixels.nonzero().T
    few = slice(None, None, -(-len(rows) // MOST_DOTS))
    axes.plot(columns[few], rows[few], "s", color="#D55E00", markersize=1.5)
    axes.set_title(bad.sentence(), fontsize=9, wrap=True)


def _plain(axes: Axes) -> None:
    axes.grid(visible=True, alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8)


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
    _plain(axes)
