"""The law of the noise in a picture with holes, which were filled smoothly and hold less of it."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from chnorm_cli.classical.first_guess import first_guess
from chnorm_cli.noise.differences import second_difference
from chnorm_cli.noise.finding import find_law
from chnorm_cli.noise.law import Law
from chnorm_cli.noise.level import Level
from chnorm_cli.noise.names import Doubt, Kind
from chnorm_cli.noise.points import BLOCK
from chnorm_cli.problems.operators import Mask

FEW = 0.01  # of the pixels: so few holes hide nothing
# Of the pixels: beside so many, what neighbours share is still seen (four photographs, σ 12 after a
# blur of 0.8 pixels: found 12.6 to 15.5), and white noise is not taken for it.
FEW_TO_SHARE = 0.1
WHOLE = 0.3  # of the blocks without a hole, from which on these are enough
SCATTERED = 0.25  # of the pixels, up to which it is counted how much noise smoothing leaves
MOST = 0.65  # of the pixels, up to which one of four neighbours is known nearly everywhere
SIDE = 256  # pixels along a side of the noise in which that is counted


def law_beside_holes(
    y: Tensor,
    holes: Tensor | None,
    *,
    sigma: float | None,
    level: Level | None,
    kind: Kind,
    alone: bool = False,
) -> Law:
    """Find the law in y (C, H, W), whose `holes` (H, W), bool, were filled smoothly; None: it has none.

    `sigma` (units of y) or `level` is believed where it is given; with `alone` nobody asks whether
    neighbours beside holes share the noise.
    """
    share = 0.0 if holes is None else float(holes.float().mean())
    if holes is None or share <= FEW:
        return find_law(y, sigma=sigma, level=level, kind=kind)
    if sigma is not None or level is not None:
        return find_law(y, sigma=sigma, level=level, kind=kind, alone=True)
    if not alone and share <= FEW_TO_SHARE:
        found = find_law(y, kind=kind)
        if found.noise.kernel is not None:
            return found
    y, holes = y.detach().float().cpu(), holes.cpu()
    if min(holes.shape) < 4 * BLOCK or share > MOST:
        return replace(find_law(y, sigma=0.0, alone=True), doubt=Doubt.CLEAN)
    touched = F.max_pool2d(holes[None, None].float(), BLOCK, BLOCK)
    if float((touched == 0).float().mean()) >= WHOLE:
        return find_law(y, kind=kind, missing=holes, alone=True)
    if share <= SCATTERED:
        found = find_law(y, kind=kind, alone=True)
        return _again(found, y, 1.0 / _left_of_noise(holes))
    # Neighbours are further apart in it, and the picture is not as smooth as it was.
    return _again(find_law(_one_of_four(y, ~holes), kind=kind, alone=True), y, 1.0)


def _again(found: Law, y: Tensor, factor: float) -> Law:
    """Give the law for y (C, H, W) with noise `factor` times as strong as was found."""
    if found.noise.sigma == 0:
        return replace(find_law(y, sigma=0.0, alone=True), doubt=found.doubt)
    if found.level.is_constant:
        law = find_law(y, sigma=factor * float(found.level.read[0]), alone=True)
    else:
        law = find_law(y, level=found.level.stronger(factor), alone=True)
    return replace(law, doubt=found.doubt)


def _left_of_noise(holes: Tensor) -> float:
    """Say which share of the level of white noise second differences see when its holes are filled."""
    holes = holes[:SIDE, :SIDE]
    noise = torch.randn(1, *holes.shape, generator=torch.Generator().manual_seed(0))
    filled = first_guess(Mask((~holes).float()), noise * ~holes)
    powers = [second_difference(x).square().mean() for x in (filled, noise)]
    return float((powers[0] / powers[1]).sqrt())


def _one_of_four(y: Tensor, known: Tensor) -> Tensor:
    """Give a picture (C, H/2, W/2) of one known value from each four, the others filled smoothly."""
    channels, (height, width) = len(y), (known.shape[0] // 2, known.shape[1] // 2)
    square = (slice(2 * height), slice(2 * width))

    def fours(x: Tensor) -> Tensor:
        return x.reshape(-1, height, 2, width, 2).movedim(3, 2).reshape(-1, height, width, 4)

    here = fours(known[square][None].float())
    chosen = here.argmax(-1, keepdim=True)
    values = fours(y[:, *square]).gather(-1, chosen.expand(channels, -1, -1, -1))[..., 0]
    seen = (here.amax(-1) > 0)[0]
    return first_guess(Mask(seen.float()), values * seen)
