"""White noise that went through a quantisation of DCT coefficients, found in what is left of it.

In smooth blocks the coefficients of white noise of level σ are independent and of one spread; only
steps much larger than σ hide them. Texture is stronger at low frequencies than at higher ones.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

SMOOTHEST = 0.1  # share of the blocks that are looked at
FEWEST = 10  # blocks in that share, which is larger where there are few
MOST = 0.25  # of the blocks, at most
DRAWN = 4096  # blocks of pure noise that say what a level looks like
LEVELS = tuple(0.5 * 1.08**k for k in range(64))  # σ of samples, 0–255 scale
# Frequencies by u + v: there texture, there noise, and above steps that hide weak noise.
LOW, MIDDLE, HIGH = (1, 2), (3, 5), (6, 8)
LEAST = 6.5  # levels; what is weaker looks like texture after compression (a dozen photographs)
FLAT = 1.55  # times as strong at low frequencies, at most, as at the middle ones
# Up to there it is noise also where neighbours share it; between the two it is so in one picture of
# three, and a third of it is taken out: what texture loses by that stays below what cells give.
FLATTER, IN_DOUBT = 1.28, 1 / 3
BENEATH = 0.7  # of the weakest noise is seen in smooth blocks at low frequencies, at least
FALLS = 0.7  # of the level at middle frequencies, at least, at high ones where these can be seen
SEEN = (
    5.0  # times the level that the steps hide; of less, all that is seen is of the size of a step
)
LESS_SEEN, EVEN = 3.0, 1.35  # the same where high frequencies show it as well, and low ones no more
# What is so strong and nearly as strong at the highest frequencies is noise, however much texture
# there is at low ones (the strongest in 26 pictures without noise, qualities 60 to 95: 9.4).
STRONG, AS_HIGH, TEXTURED = 10.0, 0.88, 2.6
STRONG_SEEN = 4.5
DARK, LIGHT = -0.85, 0.85  # of the range: noise in blocks beyond is cut off


def noise_before_quantization(numbers: Tensor, table: Tensor) -> float:
    """Find the level of white noise in the samples that were quantised, 0–255 scale; 0: none is seen.

    `numbers` (rows, columns, 8, 8) are whole numbers of the steps of `table` (8, 8). What is found
    holds the picture's own grain too.
    """
    coefficients = _whole_range(numbers, table)
    share = _share(len(coefficients))
    if share > MOST:
        return 0.0
    low, middle, high = _levels_in(coefficients, table, share)
    count = int(share * len(coefficients))
    hidden = [_hidden(table, band, count) for band in (LOW, MIDDLE, HIGH)]
    strong = min(middle, high) >= STRONG and high >= AS_HIGH * middle
    if middle < LEAST or low > (TEXTURED if strong else FLAT) * middle:
        return 0.0
    # What is as strong at all frequencies is no step's doing, although steps are larger.
    even = low <= EVEN * middle and high >= FALLS * middle
    if middle < (LESS_SEEN if even else STRONG_SEEN if strong else SEEN) * hidden[1]:
        return 0.0
    if hidden[2] < FALLS * middle:  # then it must be there
        return 0.0 if high < FALLS * middle else min(middle, high)
    return middle


def chance_of_noise(numbers: Tensor, table: Tensor, weakest: float = 0.0) -> float:
    """Say how likely it is that what varies in smooth blocks is noise and not texture: 0, ⅓ or 1.

    `numbers` and `table` are those of `noise_before_quantization`; `weakest`, 0–255 scale, is the
    least noise that each block must have. Also noise that neighbours share, a camera's, falls less
    with frequency than texture: by 1.05 to 1.25 in eleven of thirteen shots, photographs without noise
    by 1.25 to 3, and between the two there is no telling. In few blocks all may be noise.
    """
    coefficients = _whole_range(numbers, table)
    share = _share(len(coefficients))
    if share > MOST:
        return 1.0
    low, middle, _ = _levels_in(coefficients, table, share)
    count = int(share * len(coefficients))
    if low == 0:  # steps hide weak noise from low frequencies too: there is no telling
        return IN_DOUBT if 0 < weakest <= _silent(table, share) else 0.0
    if middle <= _hidden(table, MIDDLE, count) or low < BENEATH * weakest or low > FLAT * middle:
        return 0.0
    return 1.0 if low <= FLATTER * middle else IN_DOUBT


def _whole_range(numbers: Tensor, table: Tensor) -> Tensor:
    """Give the coefficients (n, 8, 8) of the blocks in which black and white cut no noise off."""
    coefficients = (numbers * table.to(numbers)).flatten(0, 1).float().cpu()
    mean = coefficients[:, 0, 0] / (8 * 128)
    return coefficients[(mean > DARK) & (mean < LIGHT)]


def _share(blocks: int) -> float:
    """Give the share of so many blocks that is looked at."""
    return max(SMOOTHEST, FEWEST / max(1, blocks))


def _levels_in(coefficients: Tensor, table: Tensor, share: float) -> tuple[float, float, float]:
    """Give the levels of noise that would explain the smoothest share of the blocks at each band."""
    seen = _energies(coefficients, share)
    levels = _levels(tuple(map(float, table.flatten().tolist())), share)
    low, middle, high = (_level(seen[i], levels[:, i]) for i in range(3))
    return low, middle, high


def _band(ends: tuple[int, int]) -> Tensor:
    """Mark the frequencies (8, 8) whose u + v lies between two ends."""
    u = torch.arange(8)
    total = u + u[:, None]
    return (total >= ends[0]) & (total <= ends[1])


def _energies(coefficients: Tensor, share: float) -> Tensor:
    """Give the mean energy (3,) of the bands in the smoothest share of blocks (n, 8, 8)."""
    energy = coefficients.square()
    energy[:, 0, 0] = 0.0
    chosen = energy.sum((1, 2)).argsort(stable=True)[: max(1, int(share * len(energy)))]
    return torch.stack([energy[chosen][:, _band(b)].mean() for b in (LOW, MIDDLE, HIGH)])


@lru_cache(maxsize=4)
def _levels(steps: tuple[float, ...], share: float) -> Tensor:
    """Give the energies (levels, 3) that pure noise of each level has after quantisation."""
    table = torch.tensor(steps).view(8, 8)
    unit = torch.randn(DRAWN, 8, 8, generator=torch.Generator().manual_seed(0))
    drawn = [_energies((level * unit / table).round() * table, share) for level in LEVELS]
    return torch.stack(drawn)


def _silent(table: Tensor, share: float) -> float:
    """Give the strongest noise of which the smoothest share of the blocks shows nothing."""
    energies = _levels(tuple(map(float, table.flatten().tolist())), share)[:, 0]
    return max(
        (LEVELS[i] for i, energy in enumerate(energies.tolist()) if energy == 0), default=0.0
    )


def _level(energy: Tensor, energies: Tensor) -> float:
    """Give the level whose noise has this energy; 0 where there is none."""
    if float(energy) <= 0:
        return 0.0
    at = int((energies < energy).sum())
    if at == 0 or at == len(LEVELS):
        return float(LEVELS[min(at, len(LEVELS) - 1)])
    low, high = float(energies[at - 1]), float(energies[at])
    part = (float(energy) - low) / max(high - low, 1e-12)
    return float(LEVELS[at - 1] * (LEVELS[at] / LEVELS[at - 1]) ** part)


def _hidden(table: Tensor, ends: tuple[int, int], blocks: int) -> float:
    """Give the level of noise of which two coefficients of a band in so many blocks would show."""
    band = _band(ends)
    step = float(table[band].min())
    chance = 2.0 / (blocks * max(1, int((table[band] <= 1.2 * step).sum())))
    beyond = math.sqrt(2.0) * float(torch.erfinv(torch.tensor(1.0 - min(0.9, chance))))
    return 0.5 * step / beyond
