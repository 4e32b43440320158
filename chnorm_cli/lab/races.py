"""Plain gradient descent of deep linear networks, simulated exactly, many at a time."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass

import torch
from torch import Tensor

from chnorm_cli.lab import theory

RATES = (0.03, 0.1, 0.3, 1.0, 3.0)  # times 1/d, the inverse of the curvature at a balanced optimum
GOAL = 0.1  # of ½‖y‖², the loss of doing nothing


@dataclass(frozen=True)
class Race:
    """Steps to the goal of every seed at one depth, at the best of the rates; ∞ where censored."""

    depth: int
    normalized: bool
    steps: Tensor  # (seeds,)
    worst_ratio: float  # largest ‖∇_{w_j}‖ / bound met on the way, by any filter; 0 without CN

    @property
    def median(self) -> float:
        """The median over seeds; ∞ where half of them are censored."""
        return float(self.steps.sort().values[(len(self.steps) - 1) // 2])


def run_race(
    depth: int, *, normalized: bool, n: int, seed: int, seeds: int, cap: int, device: str
) -> Generator[str, None, Race]:
    """Descend from `seeds` random networks at every rate until all are at the goal or at the cap."""
    x, filters, y = random_problem(depth, n, seeds, seed, unit=normalized)
    rates = torch.tensor(RATES, dtype=torch.float64) / depth
    # One row a pair (seed, rate); rows leave when they are done, so the last ones run fast.
    rows = torch.arange(seeds * len(RATES))
    x, filters, y = (t.repeat_interleave(len(RATES), 0).to(device) for t in (x, filters, y))
    rate = rates.repeat(seeds).to(device)
    weights = theory.parseval(n).to(device)
    goal = GOAL * 0.5 * ((y.abs() ** 2) * weights).sum(-1)
    taken = torch.full((seeds * len(RATES),), math.inf, dtype=torch.float64)
    worst = 0.0
    for step in range(cap + 1):
        loss, gradients = theory.frequency_gradients(x, filters, y, weights, normalized=normalized)
        if normalized and step % 50 == 0:
            worst = max(worst, share_of_bound(x, filters, y, weights, gradients))
        arrived = loss <= goal
        lost = ~loss.isfinite()
        if bool((arrived | lost).any()):
            taken[rows[arrived.cpu()]] = float(step)
            keep = ~(arrived | lost)
            # A seed that is there at one rate need not be followed at the others.
            there = taken.view(seeds, -1).isfinite().any(1)
            keep &= ~there[rows // len(RATES)].to(keep.device)
            rows = rows[keep.cpu()]
            x, filters, y, goal, rate = (t[keep] for t in (x, filters, y, goal, rate))
            gradients = gradients[keep]
        if not len(rows):
            break
        filters = filters - rate[:, None, None] * gradients
        if step % 200 == 0:
            word = "with" if normalized else "without"
            yield f"depth {depth} {word} normalization: step {step}, {len(rows)} still descending"
    return Race(depth, normalized, taken.view(seeds, -1).amin(1), worst)


def random_problem(
    depth: int, n: int, count: int, seed: int, *, unit: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Draw spectra of x (count, F), filters (count, depth, F) and y (count, F), as in the notebook.

    x, w ~ N(0, I/n), x and y centred; y has length 1 where `unit`, else entries N(0, 1/n).
    """
    random = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=random, dtype=torch.float64) / math.sqrt(n)

    x, filters, y = theory.centred(normal(count, n)), normal(count, depth, n), normal(count, n)
    y = theory.centred(y)
    if unit:
        y = y / y.norm(dim=-1, keepdim=True)
    return theory.spectrum(x), theory.spectrum(filters), theory.spectrum(y)


def share_of_bound(
    x: Tensor, filters: Tensor, y: Tensor, weights: Tensor, gradients: Tensor
) -> float:
    """Give the largest ‖∇_{w_j}‖ ‖Xw‖ / (‖X_j‖ ‖y‖) over all networks and filters j."""

    def long(spectra: Tensor) -> Tensor:
        norm: Tensor = (spectra.abs().square() * weights).sum(-1).sqrt()
        return norm

    others = theory.rest_products(filters) * x[..., None, :]
    z = others[..., 0, :] * filters[..., 0, :]
    bound = others.abs().amax(-1) * (long(y) / long(z))[..., None]
    return float((long(gradients) / bound).nan_to_num(0.0).max())
