"""How wrong an answer is, from its errors at places like these where the truth is known.

Places are alike that are as deep in a hole and around which the picture varies as much. In each
class of depths the squares of known errors are averaged over tenths of their pixels, ordered by
how much the picture varies, and told for others by interpolation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

BOX = 7  # pixels, the side of the box in which a picture varies
DEPTHS = (1, 2, 3, 5, 8)  # where classes of depths begin; from the last on nothing is known
LEAST = 120  # pixels with known errors, for a class to say anything
BINS = 10
LEAST_VARIANCE = 1e-7  # of a picture in [0, 1]: rounding


@dataclass(frozen=True)
class Trial:
    """An answer beside the truth: squared errors, how the answer varies, and depths, each (H, W).

    `where` (H, W), bool, says which pixels count.
    """

    squares: Tensor
    variance: Tensor
    depth: Tensor
    where: Tensor


class Alike:
    """What trials say of the errors of other answers."""

    def __init__(self, trials: Sequence[Trial]) -> None:
        squares, variance, depth = (
            torch.cat([getattr(t, name)[t.where] for t in trials])
            for name in ("squares", "variance", "depth")
        )
        self.curves: dict[int, tuple[Tensor, Tensor]] = {}
        for first, beyond in pairwise(DEPTHS):
            here = (depth >= first) & (depth < beyond)
            if int(here.sum()) >= LEAST:
                self.curves[first] = _curve(variance[here], squares[here])

    def squares(self, variance: Tensor, depth: Tensor) -> Tensor:
        """Give the expected squared error (H, W) for places like these: 0 at depth 0, NaN if not known."""
        told = torch.full_like(variance, torch.nan)
        told[depth == 0] = 0.0
        for first, beyond in pairwise(DEPTHS):
            here = (depth >= first) & (depth < beyond)
            if first in self.curves:
                told[here] = _interpolated(variance[here], *self.curves[first])
        return told


def variance_around(x: Tensor) -> Tensor:
    """Give the variance (H, W) of x (C, H, W) around each pixel, the mean over the colours."""
    mean, square = (
        F.avg_pool2d(v[None], BOX, 1, BOX // 2, count_include_pad=False)[0] for v in (x, x.square())
    )
    return (square - mean.square()).mean(0).clamp_min(LEAST_VARIANCE)


def depth_in(known: Tensor) -> Tensor:
    """Give how many pixels it is to the nearest that is `known` (H, W), bool, the shortest way, diagonals too."""
    reached = known[None, None].float()
    depth = torch.zeros(known.shape, dtype=torch.int64, device=known.device)
    for _ in range(DEPTHS[-1]):
        depth += reached[0, 0] == 0
        reached = F.max_pool2d(reached, 3, 1, 1)
    return depth


def _curve(variance: Tensor, squares: Tensor) -> tuple[Tensor, Tensor]:
    """Give logarithms of the mean variance and the mean square in each bin, ascending in the first."""
    order = variance.argsort()
    bins = max(1, min(BINS, len(order) // LEAST))
    parts = order.tensor_split(bins)
    points = torch.stack([variance[part].mean() for part in parts]).log()
    values = torch.stack([squares[part].mean() for part in parts]).clamp_min(1e-12).log()
    return points, values


def _interpolated(variance: Tensor, points: Tensor, values: Tensor) -> Tensor:
    """Interpolate in logarithms, and stay at the last value beyond the ends."""
    if len(points) == 1:
        return values.exp().expand(variance.shape)
    x = variance.log().clamp(points[0], points[-1])
    at = torch.searchsorted(points, x.contiguous()).clamp(1, len(points) - 1)
    share = (x - points[at - 1]) / (points[at] - points[at - 1]).clamp_min(1e-9)
    return torch.lerp(values[at - 1], values[at], share).exp()
