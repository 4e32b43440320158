"""What tells offsets of rows from what a picture shows in rows.

Offsets are the same in all columns and independent of each other: between rows, steps have a
correlation of −½ at a lag of one row, and none at others. Horizons and shelves are few, blinds
and bricks come again, grain of wood and waves are not the same from side to side.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

STRIPS = 8  # of columns, in which the same steps must be seen
NARROWEST = 8  # columns
OUTLIER = 4.0  # robust spreads, beyond which a step is cut to that
SEEN = 0.5  # of the columns of a strip must say something, or it does not count; and of the strips
MOST_COLUMNS = 2048  # of a picture that are looked at
LAGS = 64  # rows


@dataclass(frozen=True)
class RowEvidence:
    """How much the steps between rows are like those of offsets.

    `sigma` is the level of the offsets in units of the picture, `alternating` the correlation of
    steps at a lag of one (−½), `repeating` the largest at other lags (0), `common` the share of the
    steps that all strips of columns see (1), `even` the smallest and the largest share of that in a
    strip (1, 1), and `spread` the median size of steps in units of their root mean square (0.67).
    """

    sigma: float
    alternating: float
    repeating: float
    common: float
    even: tuple[float, float]
    spread: float


def row_evidence(colour: Tensor, speaks: Tensor) -> RowEvidence | None:
    """Look at the steps between the rows of (H, W), where `speaks` (H, W), bool; None: too few do."""
    width = colour.shape[1]
    strips = min(STRIPS, width // (2 * NARROWEST))
    if strips < 2:
        return None
    inner = max(1, width // (strips * (MOST_COLUMNS // STRIPS)))
    halves = _steps(colour, speaks, strips, inner)
    if halves is None:
        return None
    whole = halves.mean(0)  # (S, H − 1)
    limit = OUTLIER * 1.4826 * whole.abs().median()
    if not float(limit) > 0:
        return None
    halves, whole = halves.clamp(-limit, limit), whole.clamp(-limit, limit)
    rows = whole.shape[1]
    lags = min(LAGS, rows // 4)
    shared = torch.tensor([_across(whole, whole, lag) for lag in range(lags + 1)])
    if not float(shared[0]) > 0:
        return None
    own = (halves[0] * halves[1]).mean()
    total = whole.sum(0, keepdim=True)
    others = (total - whole) / (len(whole) - 1)
    share = (whole * others).mean(1) / others.square().mean(1).clamp_min(1e-30)
    mean = whole.mean(0)
    return RowEvidence(
        max(0.0, float(-shared[1])) ** 0.5,
        float(shared[1] / shared[0]),
        float((shared[2:] / shared[0]).abs().max()) if lags > 1 else 0.0,
        float(shared[0] / own.clamp_min(1e-30)),
        (float(share.min()), float(share.max())),
        float(mean.abs().median() / mean.square().mean().sqrt().clamp_min(1e-30)),
    )


def _steps(colour: Tensor, speaks: Tensor, strips: int, every: int) -> Tensor | None:
    """Give the median steps (2, S, H − 1) between rows in strips, in every other column each."""
    side = colour.shape[1] // strips // (2 * every) * (2 * every)
    both = (speaks[1:] & speaks[:-1])[:, : strips * side]
    step = (colour[1:] - colour[:-1])[:, : strips * side]
    seen = both.view(len(both), strips, side).float().mean((0, 2)) >= SEEN
    if float(seen.float().mean()) < SEEN or int(seen.sum()) < 2:
        return None
    step = torch.where(both, step, torch.nan)
    step = step.reshape(len(step), strips, side // (2 * every), every, 2)[..., 0, :]
    halves = step.nanmedian(2).values.movedim(2, 0).mT[:, seen]  # (2, S, H − 1)
    return halves.nan_to_num()


def _across(steps: Tensor, others: Tensor, lag: int) -> Tensor:
    """Give the mean product of steps (S, R) in different strips, a number of rows apart."""
    first, second = steps[:, : steps.shape[1] - lag], others[:, lag:]
    products = first.sum(0) * second.sum(0) - (first * second).sum(0)
    count = len(steps) * (len(steps) - 1)
    return products.mean() / count
