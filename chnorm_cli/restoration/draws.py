"""Denoise a restored picture again, with fresh noise: how far from it that comes out, and what it removes.

    y*_b = T_b⁻¹(T_b x̂ + a n_b),     x̂*_b = T_b⁻¹ R(T_b y*_b)

R is the restoration of y, the n_b are fresh noise of its law, and the T_b are symmetries of the
square and shifts: the equivariant bootstrap (Tachella & Pereyra, arXiv 2310.11838). What a draw
removes, y*_b − x̂*_b, has a counterpart in what was removed from y: the level a is the one at which both
are as strong, and where more was removed from y than from the draws, that was detail.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from chnorm_cli.fitting.learnt import SYMMETRIES, restored_orientation, transformed
from chnorm_cli.noise.law import Law
from chnorm_cli.problems.names import Say

SHIFTS = 8  # pixels; more than the grids of patch groups are apart
LEAST_LEVEL, MOST_LEVEL = 0.3, 1.3  # of the law's; what is outside is no matter of the level
WIDE = 21  # pixels, the side of the box over which what was removed is averaged, twice
LEAST_LOST = 0.1  # of the places: there nothing is taken to be lost


@dataclass(frozen=True)
class Seen:
    """What was observed: y (C, H, W) where `known` (H, W), bool (None: everywhere).

    `told` says that the law of its noise was given, and is not what was found in y.
    """

    y: Tensor
    known: Tensor | None = None
    told: bool = False


@dataclass(frozen=True)
class Draws:
    """What the draws say of x̂, each (H, W): their mean squared distance from it, and of detail.

    `beyond` is how much more was removed from y than from them, over a wide box, and `chance` how far
    that goes by chance (a variance). `level` is how strong the noise of y is in units of the law's.
    """

    squares: Tensor
    beyond: Tensor
    chance: float
    level: float
    told: bool

    @property
    def lost(self) -> Tensor:
        """Give the squares (H, W) of detail that was removed with the noise, as far as that is seen.

        A level that was found in y has all detail in it that is everywhere alike: then what is above the places
        with least of it counts.
        """
        beyond, mean = self.beyond, self.beyond.mean()
        variance = float(beyond.var()) if beyond.numel() > 1 else 0.0
        sure = max(0.0, 1.0 - self.chance / variance) if variance > 0 else 0.0
        uneven = sure * (beyond - mean)
        lost = uneven + mean if self.told else uneven - torch.quantile(_some(uneven), LEAST_LOST)
        return lost.clamp_min(0.0)


def drawn(
    x: Tensor,
    seen: Seen,
    law: Law,
    restore: Callable[[Tensor], Tensor],
    *,
    draws: int,
    strength: float = 1.0,
    seed: int = 0,
    say: Say = lambda _: None,
    in_time: Callable[[], bool] = lambda: True,
) -> Draws:
    """Restore x (C, H, W) with fresh noise as often, as y was restored that is `seen`.

    `restore` gives ẑ for a z with noise of the law's white kind. At least two draws are made, and
    further ones while there is time. Where noise is left in x on purpose, by a `strength` below 1, what
    was removed says neither its level nor of detail: draws lose what was left, too.
    """
    random = torch.Generator().manual_seed(seed)
    speaks = _speaks(x, seen, law)
    removed = (seen.y - x).square().mean(0)
    strong = _mean(removed, speaks)
    level, made, all_of_it = 1.0, 0, strength >= 1.0
    squares = again = wide = wide_squares = torch.zeros_like(x[0])
    while made < min(2, draws) or (made < draws and in_time()):
        made += 1
        say(f"error map, draw {made} of {draws}")
        noisy, restored = _draw(x, seen, law, restore, level, strength, random)
        # All in units of the law's own level, which the next draw is closer to.
        unit = 1.0 / level**2
        here = unit * (noisy - restored).square().mean(0)
        squares = squares + unit * (restored - x).square().mean(0)
        around = _wide(here, speaks)
        again, wide, wide_squares = again + here, wide + around, wide_squares + around.square()
        if all_of_it:
            level = _level(strong, _mean(here, speaks), seen.told)
    if not all_of_it:
        return Draws(squares / made, torch.zeros_like(x[0]), 0.0, 1.0, seen.told)
    level = _level(strong, _mean(again / made, speaks), seen.told)
    beyond = _wide(removed, speaks) - level**2 * wide / made
    chance = float((wide_squares - wide.square() / made).mean()) / max(1, made - 1)
    chance *= level**4 * (1.0 + 1.0 / made)
    return Draws(level**2 * squares / made, beyond, chance, level, seen.told)


def _draw(
    x: Tensor,
    seen: Seen,
    law: Law,
    restore: Callable[[Tensor], Tensor],
    level: float,
    strength: float,
    random: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Give a noisy picture of x, and what it is restored to, both (C, H, W)."""
    symmetry, down, right = (
        int(torch.randint(below, (), generator=random)) for below in (SYMMETRIES, SHIFTS, SHIFTS)
    )
    z = transformed(law.whitened(x), symmetry)
    height, width = z.shape[-2:]
    z = _shifted(z, down, right)
    noisy = z + level * (law.noise.added_to(z, random) - z)
    if law.mixing is None:  # numbers that end where those of y do
        ends = law.whitened(seen.y)
        noisy = torch.maximum(noisy, ends.amin((1, 2), keepdim=True))
        noisy = torch.minimum(noisy, ends.amax((1, 2), keepdim=True))
    again = restore(noisy)
    noisy, again = (
        restored_orientation(w[..., -height:, -width:], symmetry) for w in (noisy, again)
    )
    y = law.undone(noisy, x)
    if law.flat is not None:
        y = torch.where(law.flat.to(x.device), x, y)
    return y, law.restored(again, y, strength)


def _speaks(x: Tensor, seen: Seen, law: Law) -> Tensor:
    """Give where (H, W), as floats, something was observed and restored."""
    speaks = torch.ones_like(x[0]) if seen.known is None else seen.known.to(x)
    return speaks if law.flat is None else speaks * ~law.flat.to(x.device)


def _level(removed: float, again: float, told: bool) -> float:
    """Give the level at which draws lose as much as y did; of a law that was given no higher one."""
    if again <= 0:
        return 1.0
    level = math.sqrt(removed / again)
    return min(max(level, LEAST_LEVEL), 1.0 if told else MOST_LEVEL)


def _mean(x: Tensor, where: Tensor) -> float:
    return float((x * where).sum() / where.sum().clamp_min(1.0))


def _wide(x: Tensor, where: Tensor) -> Tensor:
    """Average (H, W) over many pixels around each, of those that speak."""
    both = torch.stack([x * where, where])
    for _ in range(2):
        both = F.avg_pool2d(both[None], WIDE, 1, WIDE // 2, count_include_pad=False)[0]
    return both[0] / both[1].clamp_min(1e-6)


def _some(x: Tensor) -> Tensor:
    """Give about 2¹⁶ of the values, evenly spread: quantiles of more take long."""
    return x.flatten()[:: max(1, x.numel() >> 16)]


def _shifted(x: Tensor, down: int, right: int) -> Tensor:
    """Move (C, H, W) by as many pixels, and mirror what comes in; a picture grows by them."""
    down, right = min(down, x.shape[-2] - 1), min(right, x.shape[-1] - 1)
    return F.pad(x[None], (right, 0, down, 0), mode="reflect")[0]
