"""Hot and dead pixels: single values far from all around them, each at a level of its own."""

from __future__ import annotations

import torch
from torch import Tensor

from chnorm_cli.noise.surroundings import beyond_neighbours, surroundings

# In spreads of the 24 values around: photographs, noise and stars of one pixel come to 10.
CLEAR, CLEAR_IN_ONE = 10.0, 8.0
STEP = 0.2  # of the range; flaws of old scans are weaker, and the picture's own
LIKELY = 5.0  # spreads: where many reach it and few are clear, the tail is the picture's own
LEAST_CLEAR = 0.35  # of those
LEAK = 0.06  # of its height on its four neighbours: what optics show spreads further
FLOOR = 1.0 / 255  # of the range: neighbours are not taken to be more alike
LEVELS = 8  # between a value and its neighbours, that the picture holds: counts have fewer
SILENT = 2.0  # spreads of the other colours, within which these say nothing
VARIED = 5  # different values around; in drawings a dot is a dot
MOST = 2000  # values that are looked at; a picture with more is not one with a few flaws
FOUR = (7, 11, 12, 16)  # of the 24 around: above, left, right, below


def single_outliers(y: Tensor, bad: Tensor) -> Tensor:
    """Find single values (C, H, W), bool, that the picture cannot have made, where `bad` has none."""
    found = torch.zeros_like(bad)
    span = float(y.max() - y.min())
    beyond = beyond_neighbours(y)
    places = ((beyond > STEP / 2 * span) & ~bad).nonzero()
    if not 0 < len(places) <= MOST:
        return found
    off, spread, leak, varied = _looked_at(y, places, span)
    own = places[:, 0, None]
    gap = beyond[tuple(places.T)]
    clear = gap / spread.gather(1, own)[:, 0]
    mine = off.gather(1, own)[:, 0].abs() > STEP * span
    likely = mine & (clear > LIKELY) & (leak.abs() < LEAK) & varied
    others = (off / spread).abs().scatter(1, own, 0.0)
    in_one = (others.amax(1) < SILENT) & (len(y) > 1)
    sure = likely & (clear > torch.where(in_one, CLEAR_IN_ONE, CLEAR))
    chosen = [i for i in sure.nonzero()[:, 0].tolist() if _many_levels(y, places[i], gap[i])]
    if len(chosen) >= LEAST_CLEAR * float(likely.sum()):
        found[tuple(places[chosen].T)] = True
    return found


def _looked_at(y: Tensor, places: Tensor, span: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Give, for values at `places` (N, 3), how far each colour is from what is around it and the
    spread of that, (N, C), the share of its height on its neighbours, and whether these vary, (N,).
    """
    around = torch.stack([surroundings(colour, places[:, 1:]) for colour in y], 1)
    here = y[:, places[:, 1], places[:, 2]].T
    middle = around.median(2).values
    off, spread = here - middle, around.std(2) + FLOOR * span
    numbers = torch.arange(len(places))
    own = places[:, 0]
    four = around[numbers, own][:, FOUR].mean(1) - middle[numbers, own]
    leak = four / off[numbers, own].abs().clamp_min(1e-12)
    steps = around[numbers, own].sort(1).values.diff(dim=1) > 0
    return off, spread, leak, steps.sum(1) >= VARIED - 1


def _many_levels(y: Tensor, place: Tensor, gap: Tensor) -> bool:
    """Say whether the colour holds many levels around a value and not as far away as its neighbours."""
    colour = y[place[0]]
    off = (colour - colour[place[1], place[2]]).abs()
    return len(torch.unique(colour[(off < gap) & (off > 0)])) >= LEVELS
