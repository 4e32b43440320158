"""Taking the artefacts out of a JPEG: similar patches correct each other within the file's cells.

Plug and play (Venkatakrishnan et al. 2013) with two steps in turn: the non-local filter, and the
projection onto the cells. What was measured is in docs/design-notes.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from chnorm_cli.classical.nonlocal_filter import nonlocal_filter, opponent_basis
from chnorm_cli.classical.passes import DETAIL, FIRST, SECOND, SIMILAR, THIRD
from chnorm_cli.noise.gaussian import Noise
from chnorm_cli.noise.quantized import noise_before_quantization
from chnorm_cli.problems.compression import Colours, Compression
from chnorm_cli.problems.jpeg import Jpeg

MOVED = 4  # pixels, half a block: there the same compression errs anew
CHROMA = 1.5  # times the error of compressing again, which misses the detail that is lost already
UNLIKE = 3.0  # times stronger or weaker, at most, chroma is filtered than luma
LEAST = 0.02 / 255  # of an error; less is rounding
# Of the error, in each round; how far a round goes on in the direction of the last one, which makes six
# of them as good as fifteen without; and of each cell, how much the picture is let into.
ROUNDS, MOMENTUM = 6, 0.5
STRENGTHS = tuple(2.2 - 1.6 * k / (ROUNDS - 1) for k in range(ROUNDS))
CELL = 0.55
POLISH = 0.6  # of the error, once a network has answered
# Artefacts are alike where blocks are: combining values of small patches from many places takes them
# out best, and in a tenth of the time that combining patches takes.
VALUES = replace(THIRD, neighbours=64, stride=3)
BEGINNING = (replace(FIRST, stride=6), VALUES)
# The same where noise went through the compression: of noise and error together; and how far from
# the cells the picture may lie, in units of the noise. Of 64 coefficients some have noise of more
# than twice its level: with 1.5, smooth pictures kept 0.5 dB of it.
NOISY_STRENGTHS, NOISY_CELL = (1.0, 1.0), 0.7
SLACK = 2.5
NOISY_FIRST = (replace(FIRST, stride=6), replace(SECOND, neighbours=40, stride=7), THIRD)
NOISY_LAST = (SIMILAR, DETAIL)


@dataclass(frozen=True)
class CompressionErrors:
    """How far a JPEG is from its picture: root mean square in each plane (C,), units of the picture.

    `error` is that of the compression, and `noise` that of the noise that went through it.
    """

    error: Tensor
    noise: Tensor
    colours: Colours

    @property
    def luma(self) -> float:
        """The error of the first plane."""
        return float(self.error[0])

    @property
    def noisy(self) -> bool:
        """Whether noise went through the compression."""
        return bool((self.noise > 0).any())

    @property
    def slack(self) -> list[float] | None:
        """How far from the cells the picture may lie, in levels for each plane; None: nowhere."""
        return (255.0 * SLACK * self.noise).tolist() if self.noisy else None

    def level(self, strength: float) -> Tensor:
        """Give what is to be filtered out of each plane (C,) in a round."""
        return (self.noise.square() + (strength * self.error).square()).sqrt()

    def stronger(self, strength: float) -> CompressionErrors:
        """Give the same with all levels multiplied."""
        return CompressionErrors(strength * self.error, strength * self.noise, self.colours)

    def evened(self) -> Tensor:
        """Give the colours (C, C) in which the level is that of luma in each, ready to be filtered."""
        level = self.level(1.0)
        weights = (level[0] / level).clamp(1.0 / UNLIKE, UNLIKE)
        channels = len(level)
        planes = self.colours.matrix(channels).float().to(weights)
        # The filter looks at opponent colours: these are the planes then.
        basis = opponent_basis(channels).to(weights)
        return basis.mT @ torch.diag(weights) @ planes


def compression_errors(y: Tensor, jpeg: Jpeg) -> CompressionErrors:
    """Estimate the error in y (C, H, W) by compressing it once more, with the blocks elsewhere.

    In luma it comes out 0.95 to 1.25 of the true one (nine photographs, qualities 10 to 80).
    """
    compression = jpeg.compression
    again = compression.moved(MOVED, MOVED).forward(y)
    matrix = compression.colours.matrix(len(y)).to(y)
    error = torch.einsum("ij,jhw->ihw", matrix, again - y)
    planes = error.flatten(1).square().mean(1).sqrt().clamp_min(LEAST)
    planes[1:] *= CHROMA
    found = noise_before_quantization(jpeg.numbers[0], compression.planes[0].table)
    noise = found / 255.0 * white_levels(compression, len(y)).to(planes)
    return CompressionErrors(planes, noise, compression.colours)


def white_levels(compression: Compression, channels: int) -> Tensor:
    """Give the level (C,) of noise that is white in the picture's colours in each plane, luma's as 1.

    Where n pixels share a sample of chroma its noise is √n weaker, but they share that too, and
    patches see what low frequencies have, as much as before: the mean of the two, ⁴√n, is best.
    """
    levels = compression.colours.matrix(channels).norm(dim=1)
    averaged = torch.tensor([p.pixels[0] * p.pixels[1] for p in compression.planes])
    levels = levels / averaged.sqrt().sqrt()
    relative: Tensor = (levels / levels[0]).float()
    return relative


def without_artefacts(
    y: Tensor,
    jpeg: Jpeg,
    errors: CompressionErrors,
    *,
    say: Callable[[str], None] = lambda _: None,
    go_on: Callable[[], bool] = lambda: True,
) -> Tensor:
    """Give y (C, H, W) without the artefacts of its compression, in the cells of `jpeg`.

    Where noise went through the compression, it is removed as well, and the cells are widened by
    it. `go_on` says whether there is time for one more round.
    """
    there = errors.evened()
    back = torch.linalg.inv(there)
    strengths, cell = (NOISY_STRENGTHS, NOISY_CELL) if errors.noisy else (STRENGTHS, CELL)
    first, last = (NOISY_FIRST, NOISY_LAST) if errors.noisy else (BEGINNING, (VALUES,))
    noisy = torch.einsum("ij,jhw->ihw", there, y)
    before = x = y
    for number, strength in enumerate(strengths):
        if number and not go_on():
            break
        say(f"similar patches, then the cells: {number + 1} of {len(strengths)}")
        noise = Noise(float(errors.level(strength)[0]))
        if number == 0:
            z = nonlocal_filter(noisy, noise, first)
        else:
            # Artefacts are filtered out of what is left of them; noise only out of y, of which it
            # is known (measured: the other way round 0.4 to 0.9 dB less, in both).
            ahead = x if errors.noisy else torch.lerp(before, x, 1.0 + MOMENTUM)
            pilot = torch.einsum("ij,jhw->ihw", there, ahead)
            z = nonlocal_filter(noisy if errors.noisy else pilot, noise, last, pilot=pilot)
        before, x = x, jpeg.project(torch.einsum("ij,jhw->ihw", back, z), cell, errors.slack)
    return x


def polished(x: Tensor, y: Tensor, jpeg: Jpeg, errors: CompressionErrors) -> Tensor:
    """Let similar patches correct a nearly right x (C, H, W) once more, in the cells of y's file."""
    there = errors.evened()
    back = torch.linalg.inv(there)
    pilot, noisy = (torch.einsum("ij,jhw->ihw", there, z) for z in (x, y))
    strength = 1.0 if errors.noisy else POLISH
    noise = Noise(float(errors.level(strength)[0]))
    passes = (DETAIL,) if errors.noisy else (VALUES,)
    z = nonlocal_filter(noisy if errors.noisy else pilot, noise, passes, pilot=pilot)
    cell = NOISY_CELL if errors.noisy else CELL
    return jpeg.project(torch.einsum("ij,jhw->ihw", back, z), cell, errors.slack)
