"""What is left of a picture when all that is smooth is taken away."""

from __future__ import annotations

import torch
from torch import Tensor


def second_difference(y: Tensor, spacing: int = 1) -> Tensor:
    """Give the second difference of (C, H, W) along both axes, (C, H − 2 spacing, W − 2 spacing).

    White noise keeps its variance in it; planes and ridges along an axis vanish. Noise that next
    neighbours share keeps more of its own the wider the `spacing`, in pixels.
    """
    # Twice along one axis: a tenth of the time of a convolution with the kernel of both.
    return _along(_along(y.mT, spacing).mT, spacing) / 6.0


def _along(y: Tensor, spacing: int) -> Tensor:
    """Give the second difference along the last axis."""
    middle = y[..., spacing:-spacing]
    return torch.add(y[..., 2 * spacing :] + y[..., : -2 * spacing], middle, alpha=-2.0)
