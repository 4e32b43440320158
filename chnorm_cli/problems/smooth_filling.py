"""The smooth filling of missing pixels: the surface of least bending and stretching through the others."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

TOLERANCE = 1e-3  # of the first residual; smaller changes no picture by 0.01 dB
MOST_ITERATIONS = 500  # random holes take 20 to 100, wide ones some hundreds
# A hole much wider than 1/√τ pixels is filled like a membrane, which cannot overshoot; a narrower
# one like a plate. Measured (benchmarks/README.md): +1.6 dB in wide holes, 0.00 in narrow ones.
TENSION = 0.2


def smooth_filling(y: Tensor, known: Tensor, *, tension: float = TENSION) -> Tensor:
    """Fill y (C, H, W) where `known` (H, W), bool, is false, so that Δ²x = τ Δx there.

    That is the x of least ‖Δx‖² + τ ‖∇x‖² (borders replicated), a spline under tension τ (Franke,
    "Thin plate splines with tension", 1985); without tension it is the biharmonic filling. It is
    found by conjugate gradients from local means. At 512² and 80 % missing it takes 0.2 s where
    the sparse factorisation of scikit-image's `inpaint_biharmonic` takes 8 s.
    """

    def force(x: Tensor) -> Tensor:
        bending = _laplacian(x)
        return _laplacian(bending) - tension * bending

    missing = (~known).to(y.dtype)
    start = _local_means(y * known, known.to(y.dtype))
    residual = -missing * force(start)
    correction = torch.zeros_like(start)
    direction = residual
    energy = _energy(residual)
    enough = TOLERANCE**2 * energy
    for _ in range(MOST_ITERATIONS):
        if bool((energy <= enough).all()):
            break
        image = missing * force(direction)
        step = energy / _dot(direction, image).clamp_min(torch.finfo(y.dtype).tiny)
        correction = correction + step * direction
        residual = residual - step * image
        previous, energy = energy, _energy(residual)
        direction = residual + energy / previous.clamp_min(torch.finfo(y.dtype).tiny) * direction
    return start + correction


def _laplacian(x: Tensor) -> Tensor:
    p = F.pad(x[None], (1, 1, 1, 1), mode="replicate")[0]
    neighbours = p[:, :-2, 1:-1] + p[:, 2:, 1:-1] + p[:, 1:-1, :-2] + p[:, 1:-1, 2:]
    return neighbours - 4.0 * x


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum((-2, -1), keepdim=True)


def _energy(x: Tensor) -> Tensor:
    return _dot(x, x)


def _local_means(y: Tensor, weight: Tensor) -> Tensor:
    """Grow the observed pixels into the holes, ring by ring, by the mean of their neighbours."""
    weight = weight[None]
    box = torch.ones(1, 1, 3, 3, dtype=y.dtype, device=y.device)
    while not bool((weight > 0).all()):
        count = F.conv2d(weight, box, padding=1)
        mean = F.conv2d(y[:, None], box, padding=1)[:, 0] / count.clamp_min(1.0)
        y = torch.where(weight > 0, y, mean)
        weight = torch.where(weight > 0, weight, (count > 0).to(y.dtype))
    return y
