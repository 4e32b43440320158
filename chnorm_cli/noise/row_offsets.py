"""Offsets of rows, as the amplifiers of a sensor or the lamp of a scanner leave them: y = x + o(row).

A picture changes from row to row as well, but slowly, or in a part of its columns only. So the step
between two rows is the one that most columns agree on, and what these steps add up to is parted
into offsets, which are independent, and slopes, which last:

    d_r = o_{r+1} − o_r + s_r,   o ~ N(0, σ²),   s_{r+1} − s_r ~ N(0, SLOPE²)

Rows far apart that show the same even area say more of it. Steps over edges count less, by weights
of Student's t distribution (iteratively reweighted least squares).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy.linalg import solveh_banded
from torch import Tensor

UNIT = 1.0 / 255  # of the range: the lengths below are in it
BOX = 9  # pixels along a row, in averages of which steps are seen
WIDTH = 2.4  # robust spreads, beyond which a column says nothing of a step
LEAST_WIDTH = 2.0
FEW = 0.02  # of the columns must agree on a step
STEP, SLOPE = 1.5, 0.3  # how far the picture's steps are from slopes, and how fast these change
STEEPEST = 10.0  # standard deviation of a slope
HEAVY, FAR_HEAVY = 1.0, 2.0  # degrees of freedom of Student's t for steps
FAR = (8, 16, 32)  # rows between those that are compared once the offsets are nearly known
AVERAGED = (5, 7)  # rows and columns of the averages that are compared then
EVEN = 5.0  # by which these may differ and still show the same area
FAR_STEP, FAR_WEIGHT = 1.5, 0.15  # of the first of these; even areas differ more the farther apart
CERTAIN = 4.5  # times the level of the offsets: larger steps are edges of the picture
ROUNDS, SETTLING = 10, 5
FORGIVING = (1.0, 4.0, 12.0)  # times the spread of steps, at first


@dataclass(frozen=True)
class _Steps:
    """Steps (H − k,) between rows k apart, what each counts, and how far the picture's own go."""

    apart: int
    values: np.ndarray
    weights: np.ndarray
    spread: float
    heavy: float


def row_offsets(
    y: Tensor, speaks: Tensor, sigma: float, span: float, steeper: float = 1.0
) -> Tensor:
    """Find the offsets (H,) of the rows of (C, H, W), the same in all colours, of the level `sigma`.

    Where `speaks` (C, H, W), bool, is false, values say nothing. `span` is the range of the picture,
    and `steeper` how much larger its own steps are than those of a colour.
    """
    y = y / (UNIT * span)
    values, counts = _agreed_steps(y, speaks)
    near = _Steps(1, values / steeper, counts, STEP, HEAVY)
    level = sigma / (UNIT * span * steeper)
    found = _parted([near], level, y.shape[1])
    if y.shape[1] > 2 * FAR[0]:
        straight = y.mean(0) / steeper - torch.from_numpy(found).to(y)[:, None]
        found = _parted([near, *_far_steps(straight, speaks.all(0), found)], level, y.shape[1])
    return torch.from_numpy(found - found.mean()).to(y) * (UNIT * span * steeper)


def _agreed_steps(y: Tensor, speaks: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Give the step (H − 1,) between rows that most columns agree on, and whether any do."""
    box = min(BOX, y.shape[2])
    both = (speaks[:, 1:] & speaks[:, :-1]).to(y)
    step = torch.where(both > 0, y[:, 1:] - y[:, :-1], 0.0)
    share = F.avg_pool1d(both, box, 1)
    step = F.avg_pool1d(step, box, 1) / share.clamp_min(1e-6)
    ok = share > 0.9
    middle = torch.where(ok, step, torch.nan).nanmedian(2, keepdim=True).values.nan_to_num()
    off = torch.where(ok, (step - middle).abs(), torch.nan).flatten(1).nanmedian(1).values
    width = (WIDTH * 1.4826 * off.nan_to_num()).clamp_min(LEAST_WIDTH)[:, None, None]
    agreed, count = _mode(step, ok, middle, width)
    known = torch.where(count > FEW, count, 0.0)
    value = (agreed * known).sum(0) / known.sum(0).clamp_min(1e-6)
    return _array(value), _array((known.sum(0) > 0).to(y))


def _far_steps(x: Tensor, speaks: Tensor, found: np.ndarray) -> list[_Steps]:
    """Measure steps between far rows of (H, W), whose offsets `found` are nearly right, in even areas."""
    weight = speaks.to(x)[None, None]
    kernel, pad = AVERAGED, (AVERAGED[0] // 2, AVERAGED[1] // 2)
    share = F.avg_pool2d(weight, kernel, 1, pad, count_include_pad=False)[0, 0]
    even = F.avg_pool2d(x[None, None] * weight, kernel, 1, pad, count_include_pad=False)[0, 0]
    even = even / share.clamp_min(1e-6)
    steps = []
    for apart in (k for k in FAR if k < len(x) - 1):
        ok = (share[apart:] > 0.5) & (share[:-apart] > 0.5)
        step = torch.where(ok, even[apart:] - even[:-apart], 0.0)
        zero = torch.zeros(1, len(step), 1)
        agreed, count = _mode(step[None], ok[None], zero, torch.full_like(zero, EVEN))
        values = _array(agreed[0]) + found[apart:] - found[:-apart]
        steps.append(
            _Steps(
                apart, values, FAR_WEIGHT * _array(count[0]), FAR_STEP * apart / FAR[0], FAR_HEAVY
            )
        )
    return steps


def _mode(step: Tensor, ok: Tensor, start: Tensor, width: Tensor) -> tuple[Tensor, Tensor]:
    """Give the value (C, R) near `start` that most of `step` (C, R, W) lie around, and their share."""
    middle = start
    for _ in range(ROUNDS):
        weight = (1.0 - ((step - middle) / width).square()).clamp_min(0.0).square() * ok
        middle = (weight * step).sum(2, keepdim=True) / weight.sum(2, keepdim=True).clamp_min(1e-6)
    return middle[..., 0], weight.mean(2)


def _parted(steps: Sequence[_Steps], sigma: float, height: int) -> np.ndarray:
    """Part steps into offsets (H,) of the level `sigma` and slopes: the likeliest of several ends.

    Weights that begin by forgiving more part edges from offsets elsewhere.
    """
    ends = [_reweighted(steps, sigma, height, forgiving) for forgiving in FORGIVING]
    return min(ends, key=lambda end: end[1])[0]


def _reweighted(
    steps: Sequence[_Steps], sigma: float, height: int, forgiving: float
) -> tuple[np.ndarray, float]:
    """Give offsets (H,) and twice the negative logarithm of their probability, but for a constant.

    The unknowns are o_0, s_0, o_1, s_1, …, so that their normal equations are a narrow band.
    """
    # Steps that no offsets make are edges from the start.
    most = CERTAIN * sigma
    weights = [
        s.weights / ((forgiving * s.spread) ** 2 + np.maximum(np.abs(s.values) - most, 0.0) ** 2)
        for s in steps
    ]
    unlikely, offsets = 0.0, np.zeros(height)
    for part in np.linspace(1.0, 0.0, ROUNDS).tolist() + [0.0] * SETTLING:
        offsets, slopes = _solved(steps, weights, sigma, height)
        unlikely = float((offsets**2).sum()) / sigma**2
        unlikely += float((np.diff(slopes) ** 2).sum()) / SLOPE**2
        weights = []
        for s in steps:
            rest = s.values - (offsets[s.apart :] - offsets[: -s.apart])
            if s.apart == 1:
                rest = rest - slopes
            scale = s.heavy * s.spread**2
            unlikely += float((s.weights * (s.heavy + 1) * np.log1p(rest**2 / scale)).sum())
            scale *= forgiving ** (2.0 * part)
            weights.append(s.weights * (s.heavy + 1.0) / (scale + rest**2))
    return offsets, unlikely


def _solved(
    steps: Sequence[_Steps], weights: Sequence[np.ndarray], sigma: float, height: int
) -> tuple[np.ndarray, np.ndarray]:
    """Give offsets (H,) and slopes (H − 1,) for steps of such weights."""
    band, right = _normal_equations(steps, weights, sigma, height)
    unknowns = solveh_banded(band, right, lower=True)
    return unknowns[::2], unknowns[1::2][:-1]


def _normal_equations(
    steps: Sequence[_Steps], weights: Sequence[np.ndarray], sigma: float, height: int
) -> tuple[np.ndarray, np.ndarray]:
    """Give the lower band (2k + 1, 2H) of the normal matrix, row i its i-th diagonal, and the right side."""
    band = np.zeros((2 * max(s.apart for s in steps) + 1 + 1, 2 * height))
    right = np.zeros(2 * height)
    band[0, ::2] = 1.0 / sigma**2
    band[0, 1::2] = 1.0 / STEEPEST**2
    change = 1.0 / SLOPE**2
    band[0, 1:-3:2] += change  # the last slope has no step
    band[0, 3:-1:2] += change
    band[2, 1:-3:2] -= change
    for s, weight in zip(steps, weights, strict=True):
        first, last = slice(0, 2 * len(weight), 2), slice(2 * s.apart, None, 2)
        band[0, first] += weight
        band[0, last] += weight
        band[2 * s.apart, first] -= weight
        right[first] -= weight * s.values
        right[last] += weight * s.values
        if s.apart == 1:  # d = o' − o + s
            slope = slice(1, 2 * len(weight), 2)
            band[0, slope] += weight
            band[1, first] -= weight  # o_r with s_r
            band[1, slope] += weight  # s_r with o_{r+1}
            right[slope] += weight * s.values
    return band, right


def _array(x: Tensor) -> np.ndarray:
    return x.double().numpy()
