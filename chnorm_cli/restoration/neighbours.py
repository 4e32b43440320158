"""Planes of a stack that resemble their neighbours are restored with them, as colours are.

Patches of the three planes denoise each other in their joint principal components, so that what they
share is learnt from three times as much, whether it moves or not; what only one of them has is a
component of its own. Measured (`benchmarks/studies/stacks.py`, docs/how-it-works.md): noisy copies gain 3 dB
and slow shifts 2; unrelated planes would lose up to 2.3, and some that neighbours out of focus have.
These are told apart by what differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from chnorm_cli.fitting.solution import Solution
from chnorm_cli.noise.bad_pixels import find_bad_pixels
from chnorm_cli.noise.banding import find_banding
from chnorm_cli.noise.law import Law
from chnorm_cli.noise.level import Level
from chnorm_cli.noise.stabilized import StabilizedNoise
from chnorm_cli.noise.stabilizer import Stabilizer
from chnorm_cli.restoration.common import Pixels

MIDDLE, TOGETHER = 1, 3  # planes that are restored together, and which of them is the answer
FARTHEST = 2  # planes along an axis
ALIKE = (
    0.4  # of the energy of both planes, at COARSE: more than that in their difference is too much
)
SHARP = 0.5  # of the plane's energy at FINE, that a neighbour has: with less it is out of focus, or dark
FINE = 2  # pixels along a side of the averages whose second differences are compared for sharpness,
COARSE = (4, 8, 16)  # and for likeness: the finest in which there is more than noise
SEEN = 4.0  # times its own uncertainty, from which on an energy is not noise
KNOWN = 0.025  # of the noise's power: so well is its level known at best
LEAST = 32  # pixels along a side
INFINITE = float("inf")
HELPED = "the plane resembles two beside it, and was restored together with these"


class Joint(NamedTuple):
    """A plane between two others as if they were colours (H, W, 3), and the law of their noise."""

    pixels: Pixels
    law: Law

    @staticmethod
    def own(solution: Solution) -> Solution:
        """Give the solution for the plane itself."""
        return replace(
            solution,
            pixels=np.ascontiguousarray(solution.pixels[..., MIDDLE : MIDDLE + 1]),
            plan={**solution.plan, "planes_together": TOGETHER},
            notes=(*solution.notes, HELPED),
        )


def can_help(law: Law) -> bool:
    """Say whether the noise is of a kind whose planes were measured: white, and there is some."""
    plain = law.noise.kernel is None and law.mixing is None and law.doubt is None
    return plain and law.noise.sigma > 0 and len(law.level.read) == 1


def with_neighbours(
    planes: Sequence[Pixels], places: Sequence[tuple[int, ...]], number: int, law: Law
) -> Joint | None:
    """Find two planes beside `planes[number]` that resemble it; None where there are none.

    `planes` are gray (H, W, 1), `places` their indices along the axes of the stack, and `law` is that
    of this plane.
    """
    if not can_help(law) or min(planes[number].shape[:2]) < LEAST:
        return None
    here = _white(planes[number], law)
    near = [k for k, place in enumerate(places) if is_near(places[number], place)]
    differences = {
        k: _difference(here, _white(planes[k], law), law.noise.sigma)
        for k in near
        if planes[k].shape == planes[number].shape
    }
    chosen = sorted((d, k) for k, d in differences.items() if d < ALIKE)[: TOGETHER - 1]
    if len(chosen) < TOGETHER - 1:
        return None
    before, after = sorted(k for _, k in chosen)
    pixels = np.concatenate([planes[before], planes[number], planes[after]], axis=2)
    y = torch.from_numpy(pixels).movedim(-1, 0).contiguous()
    if find_bad_pixels(y) is not None or find_banding(y) is not None:
        return None  # those of one plane would be filled in all, and would be told of it
    return Joint(pixels, for_all(law))


def is_near(here: tuple[int, ...], there: tuple[int, ...]) -> bool:
    """Say whether two planes lie beside each other along one axis of a stack."""
    steps = [abs(a - b) for a, b in zip(here, there, strict=True) if a != b]
    return len(steps) == 1 and steps[0] <= FARTHEST


def _white(plane: Pixels, law: Law) -> Tensor:
    return law.whitened(torch.from_numpy(plane).movedim(-1, 0).contiguous())


def _difference(here: Tensor, there: Tensor, sigma: float) -> float:
    """Give the share of the energy of two planes (1, H, W) that is their difference; ∞ for no likeness."""
    own, doubt = _energy(here, sigma, FINE)
    other, _ = _energy(there, sigma, FINE)
    if own > SEEN * doubt and SHARP * own - other > SEEN / 2 * doubt:
        return INFINITE
    for side in COARSE:
        both = [_energy(z, sigma, side) for z in (here, there)]
        if min(value - SEEN * doubt for value, doubt in both) > 0:
            apart, _ = _energy(here - there, 2.0**0.5 * sigma, side)
            return apart / sum(value for value, _ in both)
    # Nothing of them is seen in the noise: they are alike if nothing of their difference is, either.
    return 0.0 if all(_alike(here - there, 2.0**0.5 * sigma, side) for side in COARSE) else INFINITE


def _alike(difference: Tensor, sigma: float, side: int) -> bool:
    """Say whether averages over side² pixels of a difference (1, H, W) are noise, as far as is seen."""
    values = F.avg_pool2d(difference[None], side).square()
    noise = (sigma / side) ** 2
    doubt = noise * max((2.0 / values.numel()) ** 0.5, KNOWN)
    return bool(float(values.mean()) - noise < SEEN * doubt)


def _energy(z: Tensor, sigma: float, side: int) -> tuple[float, float]:
    """Give the energy without noise of second differences of averages of side² pixels, and its error."""
    pooled = F.avg_pool2d(z[None], side)[0, 0]
    across = pooled[:, 2:] - 2 * pooled[:, 1:-1] + pooled[:, :-2]
    down = pooled[2:] - 2 * pooled[1:-1] + pooled[:-2]
    values = torch.cat([across.flatten(), down.flatten()]).square()
    noise = 6.0 * (sigma / side) ** 2
    # Neighbouring differences share values: 2.5 times the error of independent ones.
    return float(values.mean()) - noise, noise * max((5.0 / len(values)) ** 0.5, KNOWN)


def for_all(law: Law) -> Law:
    """Give the law of a gray plane for planes that stand in the place of colours."""
    level = law.level
    free = None if level.free is None else level.free.expand(-1, TOGETHER, -1).contiguous()
    read, gain, speckle, black = (
        v.expand(TOGETHER).contiguous()
        for v in (level.read, level.gain, level.speckle, level.black)
    )
    wide = Level(read, gain, speckle, black, free)
    if law.stabilizer is None:
        return replace(law, level=wide)
    stabilizer = Stabilizer(wide, law.low, law.high)
    noise = law.noise
    if isinstance(noise, StabilizedNoise):
        noise = StabilizedNoise(stabilizer.sigma, None, stabilizer)
    return replace(law, level=wide, stabilizer=stabilizer, noise=noise)
