"""How far noise reaches: its covariance by lag, from what small blocks without slopes show of it.

Taking the slope and the curvature out of a block takes slow noise with them, and its pixels then seem
less alike than they are: noise blurred by 2.5 pixels loses a fifth of its σ. What a covariance looks
like in such blocks is known, so a covariance is looked for that would look as the measured one does,
among the sums of products of Gaussians, which are all possible ones (their spectra are positive).
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch
from scipy.optimize import nnls
from torch import Tensor

BLOCK = 16  # pixels along a side of the blocks in which noise is looked at
SEEN = 6  # pixels, up to which lags are compared
REACH = 12  # pixels, up to which a covariance is given
WIDTHS = (
    0.0,
    0.6,
    0.85,
    1.2,
    1.7,
    2.4,
    4.0,
)  # pixels: standard deviations along an axis; 0 is white
RIDGE = 0.01  # keeps single terms from growing against each other


def slopes() -> Tensor:
    """Give an orthonormal basis (BLOCK², 6) of the surfaces that are taken out of a block."""
    ramp = torch.linspace(-1.0, 1.0, BLOCK)
    rows, columns = torch.meshgrid(ramp, ramp, indexing="ij")
    one = torch.ones_like(rows)
    surfaces = torch.stack([one, rows, columns, rows * columns, rows**2, columns**2])
    basis: Tensor = torch.linalg.qr(surfaces.flatten(1).mT)[0]
    return basis


def seen_covariance(blocks: Tensor) -> Tensor:
    """Give the mean covariance (2·SEEN + 1, …) by lag of blocks (C, N, BLOCK, BLOCK)."""
    size = 2 * BLOCK
    power = torch.fft.rfft2(blocks, s=(size, size)).abs().square().mean((0, 1))
    sums = torch.fft.fftshift(torch.fft.irfft2(power, s=(size, size)))
    lags = torch.arange(-SEEN, SEEN + 1)
    pairs = (BLOCK - lags.abs()).to(blocks)  # that are summed at each lag
    middle = slice(BLOCK - SEEN, BLOCK + SEEN + 1)
    covariance: Tensor = sums[middle, middle] / pairs / pairs[:, None]
    return covariance


def reaching_covariance(seen: Tensor) -> Tensor:
    """Give the covariance (2·REACH + 1, …) by lag of noise that blocks without slopes show as `seen`."""
    models, looks = _models()
    scale = float(seen[SEEN, SEEN])
    told = np.concatenate([seen.double().flatten().numpy() / scale, np.zeros(len(looks))])
    penalty = math.sqrt(RIDGE) * np.eye(len(looks))
    weights, _ = nnls(np.concatenate([looks.flatten(1).numpy().T, penalty]), told)
    return scale * torch.einsum("i,ijk->jk", torch.from_numpy(weights), models).float()


@cache
def _models() -> tuple[Tensor, Tensor]:
    """Give covariances (m, 2·REACH + 1, …) of variance 1, and how blocks show them (m, 2·SEEN + 1, …)."""
    lags = torch.arange(-BLOCK + 1.0, BLOCK, dtype=torch.float64)
    # A Gaussian of standard deviation w blurs white noise into one whose covariance is √2 as wide.
    lines = torch.stack(
        [torch.exp(-(lags**2) / (4.0 * w**2)) if w else (lags == 0).double() for w in WIDTHS]
    )
    at = torch.arange(BLOCK)
    alike = lines[:, (at[:, None] - at) + BLOCK - 1]  # (w, BLOCK, BLOCK), of pixels of a row
    basis = slopes().double()
    without = torch.eye(BLOCK**2, dtype=torch.float64) - basis @ basis.mT
    middle = slice(BLOCK - 1 - REACH, BLOCK + REACH)
    models, looks = [], []
    for down, line_down in zip(alike, lines, strict=True):
        for right, line_right in zip(alike, lines, strict=True):
            models.append(line_down[middle, None] * line_right[middle])
            looks.append(_by_lag(without @ torch.kron(down, right) @ without))
    return torch.stack(models), torch.stack(looks)


def _by_lag(covariance: Tensor) -> Tensor:
    """Average a covariance (BLOCK², BLOCK²) of a block's pixels over pairs of the same lag."""
    rows, columns = (i.flatten() for i in torch.meshgrid(*[torch.arange(BLOCK)] * 2, indexing="ij"))
    down, right = rows - rows[:, None], columns - columns[:, None]
    near = (down.abs() <= SEEN) & (right.abs() <= SEEN)
    at = ((down + SEEN) * (2 * SEEN + 1) + right + SEEN)[near]
    sums = covariance.new_zeros((2 * SEEN + 1) ** 2).index_add_(0, at, covariance[near])
    pairs = torch.bincount(at, minlength=len(sums))
    return (sums / pairs).view(2 * SEEN + 1, -1)
