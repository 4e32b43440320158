"""What the pixels around one say of it, as it holds near by.

The colours of a pixel are predicted from the 5×5 pixels around it, itself left out, by the linear
combination that predicts best in a window around it (least squares with a ridge; Li & Orchard, "New
edge-directed interpolation", IEEE TIP 2001, for a lattice). It follows edges and texture, needs no
search, and is the conditional mean where the picture is Gaussian with the covariance of the window.
Measured on four photographs with 5 % of the pixels missing: 34.9 dB in these, where the smooth filling
has 32.4 and a network that learns from the picture 34.2, in a thirtieth of its time.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from chnorm_cli.classical.first_guess import first_guess
from chnorm_cli.classical.threads import side_by_side
from chnorm_cli.problems.operators import Mask

REACH = 2  # pixels around one that predict it
BLOCK = 8  # pixels along the side of a block, which has one combination
AROUND = 9  # pixels around a block that the combination is learnt from
NEARNESS = 6.0  # standard deviation, in pixels, of the weights of these around the block's middle
RIDGE = 3.0 / 255  # of the range: noise that the predictors are taken to have
PASSES = 2  # the second predicts from what the first has filled
BLOCKS = 48  # at once


class Prediction(NamedTuple):
    """The predicted picture (C, H, W), and the covariance of its errors in each block (…, …, C, C)."""

    values: Tensor
    covariances: Tensor

    def covariance_at(self, rows: Tensor, columns: Tensor) -> Tensor:
        """Give the covariance (N, C, C) of the errors of pixels."""
        return self.covariances[rows // BLOCK, columns // BLOCK]


def predicted(x: Tensor, good: Tensor, wanted: Tensor) -> Prediction:
    """Predict the pixels of x (C, H, W) that are `wanted`, (H, W), bool; others stay.

    What a block's combination is to predict are pixels that are `good` (H, W), bool. Errors are those
    on these, whose number is finite: they are somewhat too small.
    """
    height, width = wanted.shape
    padded = F.pad(
        wanted[None, None].float(), (0, -width % BLOCK, 0, -height % BLOCK)
    )  # whole blocks
    blocks = F.max_pool2d(padded, BLOCK)[0, 0] > 0
    channels = len(x)
    values = x.clone()
    covariances = x.new_zeros((*blocks.shape, channels, channels))
    learner = _Learner(x, good, wanted)
    parts = torch.split(blocks.nonzero(), BLOCKS)
    for at, pixels, guesses, errors in side_by_side(learner.predict, parts, x.device):
        values[:, pixels[:, 0], pixels[:, 1]] = guesses.mT
        covariances[at[:, 0], at[:, 1]] = errors
    return Prediction(values, covariances)


def local_filling(
    y: Tensor, known: Tensor, start: Tensor | None = None, *, passes: int = PASSES
) -> Tensor:
    """Fill y (C, H, W) where `known` (H, W), bool, is false, from the pixels around each hole.

    `start` is y with its holes filled in another way; None: smoothly.
    """
    x = first_guess(Mask(known.to(y.dtype)), y * known) if start is None else start
    low, high = y[:, known].min(), y[:, known].max()
    for _ in range(passes):
        values = predicted(x, known, ~known).values
        x = torch.where(known, y, values.clamp(low, high))
    return x


class _Learner:
    """The combination of each block of x (C, H, W), and what it predicts."""

    def __init__(self, x: Tensor, good: Tensor, wanted: Tensor) -> None:
        self.wanted, self.good = wanted, good
        self.channels, self.height, self.width = x.shape
        side = 2 * REACH + 1
        padded = F.pad(x[None], (REACH,) * 4, mode="replicate")[0]
        # (H, W, C, side, side), a view: read where it is asked for
        self.patches = padded.unfold(1, side, 1).unfold(2, side, 1).permute(1, 2, 0, 3, 4)
        steps = torch.arange(-REACH, REACH + 1, device=x.device, dtype=x.dtype)
        weights = torch.exp(-(steps[:, None].square() + steps.square()) / 2.0).flatten()
        weights[len(weights) // 2] = 0.0
        self.mean = weights / weights.sum()
        numbers = torch.arange(self.channels * side**2, device=x.device)
        middle = numbers % side**2 == side**2 // 2
        self.middle, self.rest = numbers[middle], numbers[~middle]
        span = float(x.max() - x.min())
        self.ridge = max((RIDGE * span) ** 2, torch.finfo(x.dtype).tiny ** 0.5)

    def predict(self, blocks: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Give `blocks` (B, 2), their wanted pixels (N, 2), these' colours (N, C), and the covariance
        of the errors of each block (B, C, C).
        """
        gram = self._gram(blocks)
        inputs = gram[:, self.rest][:, :, self.rest]
        cross = gram[:, self.rest][:, :, self.middle]
        own = gram[:, self.middle][:, :, self.middle]
        ridged = inputs.clone()
        ridged.diagonal(dim1=-2, dim2=-1).add_(self.ridge)
        factor, _ = torch.linalg.cholesky_ex(ridged)
        weights = torch.cholesky_solve(cross, factor)  # (B, n, C)
        both = cross.mT @ weights
        errors = own - both - both.mT + weights.mT @ inputs @ weights
        block, pixels = self._wanted_in(blocks)
        differences, base = self._differences(pixels[:, 0], pixels[:, 1])
        guesses = base + torch.einsum("ni,nic->nc", differences[:, self.rest], weights[block])
        return blocks, pixels, guesses, errors

    def _gram(self, blocks: Tensor) -> Tensor:
        """Give the mean products (B, n, n) of the values of patches around each block."""
        rows, near_rows = self._window(blocks[:, 0], self.height)
        columns, near_columns = self._window(blocks[:, 1], self.width)
        at = (rows[:, :, None], columns[:, None, :])
        weight = near_rows[:, :, None] * near_columns[:, None, :] * self.good[at]
        total = weight.sum((1, 2)).clamp_min(torch.finfo(weight.dtype).tiny ** 0.5)
        differences, _ = self._differences(*at)
        weighted = (differences * weight.sqrt()[..., None]).flatten(1, 2)
        return weighted.mT @ weighted / total[:, None, None]

    def _window(self, blocks: Tensor, length: int) -> tuple[Tensor, Tensor]:
        """Give the places (B, m) along one axis that blocks learn from, and how near they are."""
        first, side = blocks * BLOCK, min(BLOCK + 2 * AROUND, length)
        start = (first - AROUND).clamp(0, length - side)
        places = start[:, None] + torch.arange(side, device=blocks.device)
        off = places - (first[:, None] + (BLOCK - 1) / 2)
        return places, torch.exp(-off.square() / (2.0 * NEARNESS**2))

    def _differences(self, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        """Give the patches (…, n) there without the mean of each colour around their middle, and
        these means (…, C): what is predicted does not depend on the brightness.
        """
        patches = self.patches[rows, columns].flatten(-2)
        base = patches @ self.mean
        return (patches - base[..., None]).flatten(-2), base

    def _wanted_in(self, blocks: Tensor) -> tuple[Tensor, Tensor]:
        """Give the wanted pixels (N, 2) of blocks, and which block each is of."""
        steps = torch.arange(BLOCK, device=blocks.device)
        rows, columns = (
            (BLOCK * blocks[:, axis, None] + steps)
            .view(len(blocks), *((-1, 1), (1, -1))[axis])
            .expand(-1, BLOCK, BLOCK)
            for axis in (0, 1)
        )
        inside = (rows < self.height) & (columns < self.width)
        inside &= self.wanted[rows.clamp_max(self.height - 1), columns.clamp_max(self.width - 1)]
        which = inside.nonzero()
        return which[:, 0], torch.stack([rows[inside], columns[inside]], 1)
