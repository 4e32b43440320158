"""The first guesses A⁺y that a network starts from."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from chnorm_cli.problems.names import FirstGuess
from chnorm_cli.problems.nonlocal_ridge import Pass, filter_once, opponent_basis
from chnorm_cli.problems.operators import Mask

FILLING = Pass(neighbours=32, joint=False, radius=12)


def fill_guess(
    guess: FirstGuess, strengths: tuple[float, ...]
) -> Callable[[Tensor, Tensor], Tensor]:
    """Give a filling of the pixels where `known` (H, W) is false, of y (C, H, W).

    `strengths` (0–255 scale) are those of the plug-and-play iterations, one each; they fall while
    the picture settles.
    """

    def biharmonic(y: Tensor, known: Tensor) -> Tensor:
        return Mask(known.to(y.dtype)).first_guess(y * known)

    def plug_and_play(y: Tensor, known: Tensor) -> Tensor:
        x = biharmonic(y, known)
        basis = opponent_basis(y.shape[0]).to(y)
        for strength in strengths:
            z = torch.einsum("ij,jhw->ihw", basis, x)
            smooth = filter_once(z, strength / 255.0, FILLING, z)
            x = torch.where(known, y, torch.einsum("ji,jhw->ihw", basis, smooth))
        return x

    match guess:
        case FirstGuess.NONE:
            return lambda y, known: torch.where(
                known, y, (y * known).sum((-2, -1), keepdim=True) / known.sum()
            )
        case FirstGuess.CLASSICAL:
            return biharmonic
        case FirstGuess.NONLOCAL | FirstGuess.AUTO:
            return plug_and_play
