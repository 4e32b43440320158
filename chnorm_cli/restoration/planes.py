"""One law of the noise for all planes of a stack."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from chnorm_cli.noise.gaussian import CLEAN_SIGMA
from chnorm_cli.noise.law import Law
from chnorm_cli.noise.level import Level
from chnorm_cli.noise.names import Doubt, Kind
from chnorm_cli.noise.silence import find_silence
from chnorm_cli.restoration.beginning import Said, begin
from chnorm_cli.restoration.common import Pixels

Holes = np.ndarray[Any, np.dtype[np.bool_]]

ENOUGH = 8  # planes, evenly spread over the stack, tell what all of them would
MOST_PIXELS = 1 << 24  # of all planes together that are looked at; never fewer than two planes
APART = 1.5  # times the level that a plane has alone: then it is no plane of the same channel


def laws_of_planes(
    planes: Sequence[Pixels], noise: str = Kind.AUTO, missing: Sequence[Holes] | None = None
) -> list[Law]:
    """Find the law that (H, W, C) planes share, from all of them together, and give it for each.

    One camera took them all: what is seen of its noise in one plane holds for the others, and a
    dark plane says little of its own. Only what is flat differs from plane to plane. What is
    `missing` (H, W) of each says nothing.
    """
    chosen = spread(len(planes), planes[0][..., 0].size)
    holes = None if missing is None else [missing[index] for index in chosen]
    law = law_of_planes([planes[index] for index in chosen], noise, missing=holes)
    assert law is not None
    every = [None] * len(planes) if missing is None else missing
    return [law_on_plane(law, *pair) for pair in zip(planes, every, strict=True)]


def spread(count: int, size: int) -> list[int]:
    """Give the planes to look at, of `count` planes of `size` pixels."""
    enough = min(ENOUGH, max(2, MOST_PIXELS // max(1, size)))
    return sorted(set(np.linspace(0, count - 1, enough).round().astype(int).tolist()))


def law_of_planes(
    planes: Sequence[Pixels],
    noise: str = Kind.AUTO,
    *,
    missing: Sequence[Holes] | None = None,
    doubtful: bool = False,
) -> Law | None:
    """Find the law of (H, W, C) planes that have no values where `missing` (H, W).

    Where it is `doubtful` whether they are of one camera, None says that they are not: the level of
    one of them alone is another.
    """
    holes = None if missing is None else torch.from_numpy(np.concatenate(list(missing)))
    law = begin(_tensor(np.concatenate(list(planes))), Said(noise=noise), holes).law
    if doubtful and len(planes) > 1:
        each = [None] * len(planes) if missing is None else [torch.from_numpy(m) for m in missing]
        pairs = zip(planes, each, strict=True)
        if not all(_agrees(law, _tensor(plane), gone, noise) for plane, gone in pairs):
            return None
    return law


def law_on_plane(law: Law, plane: Pixels, missing: Holes | None = None) -> Law:
    """Give the law of a channel as it is on one plane (H, W, C), which has areas without noise."""
    y = _tensor(plane)
    if missing is not None and missing.any() and not missing.all():
        y = begin(y, Said(bad_pixels="off"), torch.from_numpy(missing)).whole
    flat = find_silence(y).flat
    return replace(law, flat=flat if bool(flat.any()) else None)


def law_as_said(plane: Pixels, *, sigma: float | None, level: Level | None) -> Law:
    """Give the law of a plane (H, W, C) whose level a person says, as `Said` has it."""
    return begin(_tensor(plane), Said(sigma, level)).law


def _tensor(plane: Pixels) -> Tensor:
    return torch.from_numpy(plane).movedim(-1, 0).contiguous()


def _agrees(law: Law, y: Tensor, missing: Tensor | None, noise: str) -> bool:
    """Say whether a plane (C, H, W) has the noise of the law, as far as it can be told alone."""
    own = begin(y, Said(noise=noise), missing).law
    if own.doubt not in (None, Doubt.CLEAN):
        return law.doubt is own.doubt
    if (law.doubt is None) != (own.doubt is None):
        return max(_level(law, y), _level(own, y)) < APART * CLEAN_SIGMA
    ratio = max(_level(own, y), 1e-9) / max(_level(law, y), 1e-9)
    return own.doubt is not None or abs(math.log(ratio)) < math.log(APART)


def _level(law: Law, y: Tensor) -> float:
    """Give the standard deviation that a law has at the brightnesses of y."""
    values = y.flatten(1)[:, :: max(1, y[0].numel() // 4096)].cpu()
    return float(law.level.variance(values).mean().sqrt())
