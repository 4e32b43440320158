"""D: values that say nothing of the picture, as dead, hot and flipped pixels leave them.

What is called bad stands alone, and nothing like it is made by the picture: stars have the shape of
their optics, lights come in all strengths, letters and dots in strokes and patterns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from chnorm_cli.noise.dead_lines import dead_lines
from chnorm_cli.noise.impulses import impulses
from chnorm_cli.noise.palette import has_palette
from chnorm_cli.noise.silence import flat_areas
from chnorm_cli.noise.single_outliers import single_outliers

LEAST_SIDE = 16  # pixels; a smaller picture says too little of what is like it
MOST = 0.6  # of the pixels: what is left says too little
MOST_FLAT = 0.3  # of the picture: in drawings dots and lines are what they are
FEW_IMPULSES = 0.02  # of the pixels, up to which single outliers can be told beside them


@dataclass(frozen=True)
class BadPixels:
    """Which values (C, H, W), bool, are bad, and how many of the `rows` and `columns` as a whole."""

    values: Tensor
    rows: int = 0
    columns: int = 0

    @property
    def pixels(self) -> Tensor:
        """The pixels (H, W), bool, that are bad in some colour."""
        return self.values.any(0)

    @property
    def count(self) -> int:
        """How many pixels are bad."""
        return int(self.pixels.sum())

    def sentence(self) -> str:
        """Say how many there are, for people."""
        count, share = self.count, float(self.pixels.float().mean())
        many = f"{count:,} bad pixel{'s' if count != 1 else ''}"
        many += f" ({100 * share:.2g} %)" if share >= 0.0005 else ""
        lines = [
            f"{n} dead {word}{'s' if n != 1 else ''}"
            for n, word in ((self.rows, "row"), (self.columns, "column"))
            if n
        ]
        return many + (f", among them {' and '.join(lines)}" if lines else "")

    def as_dict(self) -> dict[str, Any]:
        """Give plain values for the JSON report."""
        return {
            "count": self.count,
            "share": float(f"{float(self.pixels.float().mean()):.6g}"),
            "dead_rows": self.rows,
            "dead_columns": self.columns,
        }


def find_bad_pixels(y: Tensor, missing: Tensor | None = None) -> BadPixels | None:
    """Find the bad values of a picture (C, H, W); None where there are none.

    What is `missing` (H, W), bool, was filled and is not looked at.
    """
    y = y.detach().float().cpu()
    if min(y.shape[1:]) < LEAST_SIDE or has_palette(y):
        return None
    lines, rows, columns = dead_lines(y)
    thrown = impulses(y)
    values = lines | thrown
    if float(thrown.any(0).float().mean()) <= FEW_IMPULSES:
        values = values | single_outliers(y, values)
    if missing is not None:
        values = values & ~missing.cpu()
    share = float(values.any(0).float().mean())
    if not 0 < share <= MOST or float(flat_areas(y).float().mean()) > MOST_FLAT:
        return None
    return BadPixels(values, rows, columns)


def bad_beside_banding(
    first: BadPixels | None, y: Tensor, straight: Tensor, missing: Tensor | None = None
) -> BadPixels | None:
    """Look again where banding has been taken out of y (C, H, W): it hid what was not found at `first`.

    What black and white cut off stays at these levels, at which bad values come.
    """
    low, high = (end((1, 2), keepdim=True) for end in (y.amin, y.amax))
    inside = torch.minimum(torch.maximum(straight, low), high)
    again = find_bad_pixels(torch.where((y == low) | (y == high), y, inside), missing)
    if first is None or again is None:
        return first or again
    return BadPixels(
        first.values | again.values,
        max(first.rows, again.rows),
        max(first.columns, again.columns),
    )
