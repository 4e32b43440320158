"""Pixels that say nothing of the noise: flat for another reason than being smooth, or clipped."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor

from chnorm_cli.noise.differences import second_difference

LEAST_AREA = 25  # pixels all of whose neighbours are equal, side by side, that no noise leaves flat
PILE = 4.0  # times as many pixels as at the next levels lie on a level at which values are cut off
FEW = 100_000  # values that say about where the tails begin
FINE = 0.35  # of σ: where levels are further apart, the lowest one is a count and not a cut


@dataclass(frozen=True)
class Silence:
    """Where a picture (C, H, W) says nothing of its noise: `flat` (H, W) and `clipped` (C, H, W)."""

    flat: Tensor
    clipped: Tensor


def find_silence(y: Tensor) -> Silence:
    """Find bars, borders, padding, captions and the like at any value, and values that are cut off."""
    y = y.detach().cpu()
    return Silence(flat_areas(y), clipped_values(y))


def flat_areas(y: Tensor) -> Tensor:
    """Find areas (H, W), bool, of one exact value each in all colours, too large to be chance."""
    _, height, width = y.shape
    if min(height, width) < 3:
        return torch.zeros(height, width, dtype=torch.bool)
    same_down = (y[:, 1:] == y[:, :-1]).all(0)
    same_right = (y[..., 1:] == y[..., :-1]).all(0)
    # Pixels whose 3×3 neighbours are all alike: the cores of flat areas.
    core = torch.zeros(height, width, dtype=torch.bool)
    rows = same_right[:, 1:] & same_right[:, :-1]
    columns = same_down[1:] & same_down[:-1]
    core[1:-1, 1:-1] = rows[:-2] & rows[1:-1] & rows[2:] & columns[:, 1:-1]
    labels, count = ndimage.label(core.numpy())
    if not count:
        return core
    sizes = torch.from_numpy(ndimage.sum_labels(core.numpy(), labels, range(count + 1)))
    large = (sizes >= LEAST_AREA)[torch.from_numpy(labels).long()] & core
    grown = F.max_pool2d(large[None, None].float(), 3, 1, 1)[0, 0]
    return grown > 0


def clipped_values(y: Tensor) -> Tensor:
    """Say which values (C, H, W), bool, lie where black or white cut the noise off.

    The lowest level of a picture of counts is none: there no light was seen, and that is a value.
    """
    clipped = torch.zeros_like(y, dtype=torch.bool)
    for c, colour in enumerate(y):
        ends = _ends(colour)
        if ends is None:
            continue
        levels, counts = ends
        for end, near, at in ((0, slice(1, 4), levels[0]), (-1, slice(-4, -1), levels[-1])):
            if counts[end] < 20 or counts[end] <= PILE * counts[near].max():
                continue
            here = colour == at
            if end == 0 and float(levels[1] - at) > FINE * _noise_beside(colour, here):
                continue
            clipped[c] = clipped[c] | here
    return clipped


def _ends(colour: Tensor) -> tuple[Tensor, Tensor] | None:
    """Give the four lowest and the four highest levels of (H, W) and how often they come.

    None where there are fewer than eight. Only the tails are sorted where they hold enough of them.
    """
    few = colour.flatten()[:: max(1, colour.numel() // FEW)].sort().values
    low, high = few[len(few) // 50], few[-1 - len(few) // 50]
    if low < high:
        parts = [
            torch.unique(colour[tail], return_counts=True)
            for tail in (colour <= low, colour >= high)
        ]
        if all(len(levels) >= 4 for levels, _ in parts):
            (low_levels, low_counts), (high_levels, high_counts) = parts
            levels = torch.cat([low_levels[:4], high_levels[-4:]])
            return levels, torch.cat([low_counts[:4], high_counts[-4:]])
    levels, counts = torch.unique(colour, return_counts=True)
    return (levels, counts) if len(levels) >= 8 else None


def _noise_beside(colour: Tensor, here: Tensor) -> float:
    """Measure the noise of (H, W) where some pixels around, but few, are `here`."""
    if min(colour.shape) < 3:
        return 0.0
    detail = second_difference(colour[None])[0].square()
    share = F.avg_pool2d(here[None, None].to(colour), 9, 1, 4, count_include_pad=False)[0, 0]
    beside = (share[1:-1, 1:-1] > 0.02) & (share[1:-1, 1:-1] < 0.5)
    return float(detail[beside].mean().sqrt()) if bool(beside.any()) else 0.0
