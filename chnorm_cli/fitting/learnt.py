"""What a `recorrupt` fit leaves behind: a network that can be asked anywhere, and sent elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from chnorm_cli.fitting.tiles import in_tiles
from chnorm_cli.recorruption.examples import Query

SYMMETRIES = 8  # four rotations, each plain and mirrored


def transformed(x: Tensor, symmetry: int) -> Tensor:
    """Apply one of the 8 symmetries of the square to (…, H, W)."""
    turned = torch.rot90(x, symmetry % 4, (-2, -1))
    return turned.flip(-1) if symmetry >= 4 else turned


def restored_orientation(x: Tensor, symmetry: int) -> Tensor:
    """Undo `transformed`."""
    plain = x.flip(-1) if symmetry >= 4 else x
    return torch.rot90(plain, -(symmetry % 4), (-2, -1))


@dataclass(frozen=True, eq=False)
class Learnt:
    """A network that corrects first guesses by `scale` G_θ(f), asked in tiles of `tile`² pixels.

    Its answer is the mean over so many `symmetries`. One that is not `trusted` has learnt nothing,
    and every guess stays as it is.
    """

    network: nn.Module
    scale: float
    tile: int
    symmetries: int
    trusted: bool = True

    @torch.no_grad()
    def ask(self, query: Query) -> Tensor:
        """Give the query's first guess (C, H, W) with what the network corrects in it."""
        if not self.trusted:
            return query.guess
        correction = in_tiles(self._correction, query.features, self.tile, query.wanted)
        return query.guess + self.scale * correction

    def _correction(self, features: Tensor) -> Tensor:
        """Average the network's answers over the symmetries."""
        answers = []
        for symmetry in range(0, SYMMETRIES, SYMMETRIES // self.symmetries):
            turned = transformed(features[None], symmetry)
            correction = self.network(turned.contiguous(memory_format=torch.channels_last))
            answers.append(restored_orientation(correction, symmetry)[0])
        return torch.stack(answers).mean(0)
