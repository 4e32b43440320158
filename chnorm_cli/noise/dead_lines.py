"""Dead rows and columns of a sensor: lines of one value across a picture that goes on beside them."""

from __future__ import annotations

import torch
from torch import Tensor

MARGIN = 2  # lines at the border, where scanners and converters leave some
THICKEST = 2  # lines side by side
STEADY = 0.95  # of a line at one value: single pixels may be bad in another way
LEVEL = 1.0 / 255  # of the range
VARIED = 4.0  # levels, by which the lines beside vary at least
APART = 4.0  # times as far from the lines beside as these are from each other


def dead_lines(y: Tensor) -> tuple[Tensor, int, int]:
    """Find dead rows and columns of (C, H, W): their values (C, H, W), bool, and the number of each."""
    rows, columns = _dead_rows(y), _dead_rows(y.mT)
    values = rows[..., None] | columns[:, None, :]
    return values.expand_as(y), int(rows.any(0).sum()), int(columns.any(0).sum())


def _dead_rows(y: Tensor) -> Tensor:
    """Say which rows (C, H), bool, are dead."""
    # A row of one value has it in nearly all places, so in one of three.
    thirds = y[..., [y.shape[-1] // 4, y.shape[-1] // 2, 3 * y.shape[-1] // 4]].median(-1).values
    still = (y == thirds[..., None]).float().mean(-1) > STEADY
    dead = torch.zeros_like(still)
    height, level = y.shape[1], LEVEL * float(y.max() - y.min())
    for c, row in still.nonzero().tolist():
        first = last = row
        while last + 1 < height and bool(still[c, last + 1]):
            last += 1
        while first > 0 and bool(still[c, first - 1]):
            first -= 1
        if first < MARGIN or last >= height - MARGIN or last - first >= THICKEST:
            continue
        before, after = y[c, first - MARGIN : first], y[c, last + 1 : last + 1 + MARGIN]
        varied = min(float(before.std(-1).min()), float(after.std(-1).min())) > VARIED * level
        between = (before[-1] + after[0]) / 2.0
        apart = float((y[c, row] - between).abs().median())
        usual = float((before[-1] - after[0]).abs().median())
        dead[c, row] = varied and apart > APART * (usual + level)
    return dead
