"""Taking the artefacts out of a JPEG: similar patches correct each other within the file's cells.

Plug and play (Venkatakrishnan et al. 2013) with two steps in turn: the non-local filter, and the
projection onto the cells. What was measured is in benchmarks/README.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from chnorm_cli.classical.nonlocal_filter import nonlocal_filter, opponent_basis
from chnorm_cli.classical.passes import FIRST, SECOND, THIRD
from chnorm_cli.noise.gaussian import Noise
from chnorm_cli.problems.compression import Colours, Compression
from chnorm_cli.problems.jpeg import Jpeg

MOVED = 4  # pixels, half a block: there the same compression errs anew
CHROMA = 1.5  # times the error of compressing again, which misses the detail that is lost already
UNLIKE = 3.0  # times stronger or weaker, at most, chroma is filtered than luma
LEAST = 0.02 / 255  # of an error; less is rounding
# Of the error, in each iteration; and of each cell, how much the picture is let into.
STRENGTHS = (1.4, 1.2, 1.2, 1.2, 1.2, 1.2, 1.2)
CELL = 0.7


@dataclass(frozen=True)
class CompressionErrors:
    """How far a JPEG is from its picture: root mean square in each plane (C,), units of the picture."""

    planes: Tensor
    colours: Colours

    @property
    def luma(self) -> float:
        """The error of the first plane."""
        return float(self.planes[0])

    def evened(self) -> Tensor:
        """Give the colours (C, C) in which the error is that of luma in each, ready to be filtered."""
        weights = (self.planes[0] / self.planes).clamp(1.0 / UNLIKE, UNLIKE)
        channels = len(self.planes)
        planes = self.colours.matrix(channels).float().to(weights)
        # The filter looks at opponent colours: these are the planes then.
        basis = opponent_basis(channels).to(weights)
        return basis.mT @ torch.diag(weights) @ planes


def compression_errors(y: Tensor, compression: Compression) -> CompressionErrors:
    """Estimate the error in y (C, H, W) by compressing it once more, with the blocks elsewhere.

    In luma it comes out 0.95 to 1.25 of the true one (nine photographs, qualities 10 to 80).
    """
    again = compression.moved(MOVED, MOVED).forward(y)
    matrix = compression.colours.matrix(len(y)).to(y)
    error = torch.einsum("ij,jhw->ihw", matrix, again - y)
    planes = error.flatten(1).square().mean(1).sqrt().clamp_min(LEAST)
    planes[1:] *= CHROMA
    return CompressionErrors(planes, compression.colours)


def without_artefacts(
    y: Tensor,
    jpeg: Jpeg,
    errors: CompressionErrors,
    *,
    say: Callable[[str], None] = lambda _: None,
    go_on: Callable[[], bool] = lambda: True,
) -> Tensor:
    """Give y (C, H, W) without the artefacts of its compression, in the cells of `jpeg`.

    `go_on` says whether there is time for one more iteration.
    """
    there = errors.evened()
    back = torch.linalg.inv(there)
    x = y
    for number, strength in enumerate(STRENGTHS):
        if number and not go_on():
            break
        say(f"similar patches, then the cells: {number + 1} of {len(STRENGTHS)}")
        z = torch.einsum("ij,jhw->ihw", there, x)
        noise = Noise(strength * errors.luma)
        if number == 0:
            z = nonlocal_filter(z, noise, (FIRST, SECOND, THIRD))
        else:
            z = nonlocal_filter(z, noise, (SECOND, THIRD), pilot=z)
        x = jpeg.project(torch.einsum("ij,jhw->ihw", back, z), CELL)
    return x
