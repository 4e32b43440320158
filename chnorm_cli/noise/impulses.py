"""Salt and pepper: values thrown to one exact level, mostly an end of the range."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from chnorm_cli.noise.surroundings import beyond_neighbours, surroundings, usual

FEWEST = 6  # values that stand alone at a level; of fewer each must speak for itself
SAMPLE = 1500  # values at a level, and as many beside it, that are looked at
SEEN = 4096  # values of a colour, among which those of a level are looked for
CLEAR, STEP = 6.0, 0.08  # spreads of its neighbours, and share of the range, by which one is alone
FLOOR = 1.0 / 255  # of the range: neighbours are not taken to be more alike
BESIDE = 10.0 / 255  # of the range around a level; what the picture makes lies there as well
STEPS = 3  # levels beside it that count as near at least, where levels are few
CROWD = 0.5  # of its neighbours at the same level: an area
# What is thrown at random is seldom beside another one; strokes and dots of patterns are, or never.
SCATTERED = (0.75, 1.3)
HIDDEN = 2.0  # times as many may have been thrown as are seen to stand alone
MOST_BESIDE = 0.25  # as many may stand alone beside the level
# Of the places at a level without anything near it, that must be clear. Salt seldom comes without
# pepper: where the other end has been found, noise may hide more of it.
LEAST_CLEAR, LEAST_CLEAR_TOO = 0.4, 0.1
BETWEEN = 0.5  # of the values must lie at other levels than the ends
RUN = 5  # values side by side at a level are a line
NEAR = 4.0  # spreads, where the picture itself comes near the level
RARE = 0.05  # as many alone beside a level: one with nothing near it around is not the picture's
CHANCE = 0.01  # lines that chance may make in a picture before its lines are taken for its own


def impulses(y: Tensor) -> Tensor:
    """Find values (C, H, W), bool, that are thrown to one level, in pictures (C, H, W).

    A level holds such values where many stand alone at it, none do so beside it, hardly any do at
    levels between, and their places are as random as chance makes them.
    """
    found = torch.zeros_like(y, dtype=torch.bool)
    for c, colour in enumerate(y):
        levels = [_Level(colour, level) for level in _levels(colour)]
        thrown = [level for level in levels if level.is_thrown(LEAST_CLEAR)]
        if thrown and _other_peaks(colour, [level.level for level in levels]) > sum(
            level.alone for level in thrown
        ):
            continue  # stars, glitter and letters come at all levels
        for level in levels if thrown else ():
            if level.is_thrown(LEAST_CLEAR_TOO):
                found[c] |= level.values()
    return _in_all_colours(y, found)


def _levels(colour: Tensor) -> list[float]:
    """Give the levels that values may have been thrown to: the ends, and what comes again in floats."""
    ends = {float(colour.min()), float(colour.max())}
    sample = colour.flatten()[:: max(1, colour.numel() // SEEN)]
    values, counts = torch.unique(sample, return_counts=True)
    continuous = bool((counts == 1).float().mean() > 0.9)
    again = values[counts >= FEWEST].tolist() if continuous else []
    return sorted(ends | set(again)) if len(ends) > 1 else []


def _other_peaks(colour: Tensor, levels: list[float]) -> int:
    """Say how many values of (H, W) stand alone at other levels than these."""
    span = float(colour.max() - colour.min())
    places = (beyond_neighbours(colour[None])[0] > STEP * span).nonzero()
    values = colour[tuple(places.T)]
    other = ~torch.isin(values, torch.tensor(levels))
    places, values = places[other], values[other]
    share = -(-len(places) // SAMPLE)
    few = torch.arange(0, len(places), max(1, share))
    middle, spread = usual(surroundings(colour, places[few]))
    clear = (values[few] - middle).abs() > CLEAR * (spread + FLOOR * span)
    return round(share * int(clear.sum()))


def _in_all_colours(y: Tensor, found: Tensor) -> Tensor:
    """Add the other colours of pixels, where all are thrown together: some are not clear in each."""
    pixels = found.any(0)
    ends = torch.stack(
        [(y == y.amin((1, 2), keepdim=True)).all(0), (y == y.amax((1, 2), keepdim=True)).all(0)]
    ).any(0)
    if len(y) > 1 and float((pixels & ends).sum()) > 0.9 * float(pixels.sum()):
        return found | (pixels & ends)
    return found


class _Level:
    """One level of a colour (H, W), and the values at it."""

    def __init__(self, colour: Tensor, level: float) -> None:
        self.colour, self.level = colour, level
        low, high = float(colour.min()), float(colour.max())
        self.span = high - low
        self.at = colour == level
        self.count = int(self.at.sum())
        self.ends = self.at | (colour == low) | (colour == high)
        self.scattered = self.alone = self.clear = self.own = 0.0
        self.possible = self.count >= FEWEST and float(self.ends.float().mean()) < BETWEEN
        if not self.possible:
            return
        self.near = self._reach()
        self.beside = ((colour - level).abs() <= self.near) & ~self.at
        inner = self._inner(self.at)
        self.scattered, self.alone, self.clear = self._standing(inner)
        self.possible = self.alone >= FEWEST and self._is_random()
        if self.possible:
            _, self.own, _ = self._standing(self._inner(self.beside))
            self.possible = self.own <= MOST_BESIDE * self.alone

    def is_thrown(self, least_clear: float) -> bool:
        """Say whether values were thrown to this level."""
        return self.possible and self.clear >= least_clear

    def values(self) -> Tensor:
        """Choose the values (H, W), bool, that were thrown here and are no area and no line."""
        places = self.at.nonzero()
        off, spread, same, close = self._looked_at(places)
        rate = float(self.at.float().mean())
        crowd = 24 * rate + 3.0 * (24 * rate) ** 0.5 + 1.0
        spread = spread + FLOOR * self.span
        plain = off > NEAR * spread
        if self.own <= RARE * self.alone:
            plain |= close == 0
        clear = off > CLEAR * spread
        few = torch.where(clear, same <= CROWD, 24 * same <= crowd)
        chosen = torch.zeros_like(self.at)
        chosen[tuple(places[plain & few].T)] = True
        return chosen & ~_lines(self.at, self._longest())

    def _longest(self) -> int:
        """Say how many thrown values may lie side by side by chance."""
        rate = min(self.alone / self.colour.numel(), 0.4)
        run = math.log(CHANCE / (2 * self.colour.numel())) / math.log(max(rate, 1e-9))
        return max(RUN, math.ceil(run))

    def _reach(self) -> float:
        """Say how far from the level values are near it."""
        rows = self.colour[:: max(1, len(self.colour) // 64)]
        off = (torch.unique(rows) - self.level).abs()
        few = off[off > 0].sort().values[:STEPS]
        return max(BESIDE * self.span, float(few[-1]) if len(few) else 0.0)

    def _inner(self, places: Tensor) -> Tensor:
        """Leave out the border, where scanners and converters leave lines, and all other lines."""
        inner = places & ~_lines(places)
        for edge in (inner[:2], inner[-2:], inner[:, :2], inner[:, -2:]):
            edge.zero_()
        return inner

    def _is_random(self) -> bool:
        """Say whether values that stand alone touch each other as often as chance makes them."""
        many, few = (
            (1.0 - count / self.colour.numel()) ** 8
            for count in (self.alone, min(HIDDEN * self.alone, self.count))
        )
        least, most = SCATTERED
        return bool(least * few < self.scattered < most * many + 3.0 / self.alone**0.5)

    def _standing(self, at: Tensor) -> tuple[float, float, float]:
        """Look at the values `at` (H, W): of those that stand alone, which share touches none of the
        others; how many stand alone; and which share of those without anything near does.
        """
        places = at.nonzero()
        count = len(places)
        if not count:
            return 0.0, 0.0, 0.0
        random = torch.Generator().manual_seed(0)
        places = places[torch.randperm(count, generator=random)[:SAMPLE]]
        off, spread, same, close = self._looked_at(places)
        bare = (same <= CROWD) & (close < 0.01)
        alone = bare & (off > CLEAR * (spread + FLOOR * self.span)) & (off > STEP * self.span)
        touching = F.avg_pool2d(at[None, None].float(), 3, 1, 1)[0, 0] > 1.5 / 9
        lonely = ~touching[tuple(places.T)] & alone
        return (
            float(lonely.sum()) / max(float(alone.sum()), 1.0),
            float(alone.float().mean()) * count,
            float(alone.sum()) / max(float(bare.sum()), 1.0),
        )

    def _looked_at(self, places: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Give, for values at `places`, how far they are from their neighbours, these' spread, and the
        shares of neighbours at the same level and near it, (N,) each.
        """
        values = self.colour[tuple(places.T)][:, None]
        around = surroundings(self.colour, places)
        same = around == values
        close = ((around - values).abs() <= self.near) & ~same
        ends = surroundings(self.ends, places)
        few = ends.sum(1, keepdim=True) > CROWD * around.shape[1]  # an area at an end
        middle, spread = usual(around.masked_fill(torch.where(few, same, ends), torch.nan))
        return (values[:, 0] - middle).abs(), spread, same.float().mean(1), close.float().mean(1)


def _lines(at: Tensor, run: int = RUN) -> Tensor:
    """Find (H, W), bool, what lies in rows or columns of `run` and more of `at`."""
    lines = torch.zeros_like(at)
    for axis in (0, 1):
        count = at.shape[axis] - run + 1
        if count < 1:
            continue
        whole = at.narrow(axis, 0, count).clone()
        for i in range(1, run):
            whole &= at.narrow(axis, i, count)
        if bool(whole.any()):
            for i in range(run):
                lines.narrow(axis, i, count).logical_or_(whole)
    return lines
