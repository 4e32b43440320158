"""The cheap classical answer A⁺y to y = A x, for each operator."""

from __future__ import annotations

import torch
from torch import Tensor

from chnorm_cli.classical.smooth_filling import smooth_filling
from chnorm_cli.problems.operators import Downsample, Mask, Operator, resized


def first_guess(operator: Operator, y: Tensor) -> Tensor:
    """Give a cheap x that explains y (C, h, w).

    Missing pixels are filled smoothly, within the observed range; a small picture is interpolated
    with Pillow's bicubic and back-projected; anything else is taken as it is.
    """
    match operator:
        case Mask():
            return _filled(operator, y)
        case Downsample():
            return operator.project(resized(y, operator.input_size), y)
        case _:
            return y


def _filled(mask: Mask, y: Tensor) -> Tensor:
    known = mask.known > 0
    if bool(known.all()):
        return y
    if not bool(known.any()):
        return torch.full_like(y, 0.5)
    guess = smooth_filling(y, known)
    low, high = y[..., known].min(), y[..., known].max()
    return mask.project(guess.clamp(low, high), y)
