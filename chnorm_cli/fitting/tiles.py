"""Ask a network about a large picture in overlapping tiles, whose answers fade into each other."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

OVERLAP = 0.25  # of a tile's side


def in_tiles(
    answer: Callable[[Tensor], Tensor], picture: Tensor, side: int, wanted: Tensor | None = None
) -> Tensor:
    """Give `answer` (F, h, w) → (C, h, w) for `picture` (F, H, W), asked in tiles of at most `side`².

    Channel normalization takes its statistics from all that a network sees at once, and one that
    has learnt from small crops knows those of small crops: a tile is nearer to what it has learnt
    from than a whole picture is (Chu et al., "Improving image restoration by revisiting global
    information aggregation", ECCV 2022). Measured (docs/design-notes.md): up to +0.1 dB, and
    memory that does not grow with the picture. Tiles in which no pixel is `wanted` (H, W), bool,
    are not asked about: the answer is zero there.
    """
    height, width = picture.shape[-2:]
    if max(height, width) <= side:
        return answer(picture)
    total: Tensor | None = None
    weight = picture.new_zeros(height, width)
    fade = _fade(min(side, height), side).outer(_fade(min(side, width), side)).to(picture)
    for top in _starts(height, side):
        for left in _starts(width, side):
            here = (slice(top, top + side), slice(left, left + side))
            if wanted is not None and not bool(wanted[here].any()):
                continue
            part = answer(picture[:, *here])
            if total is None:
                total = part.new_zeros(part.shape[0], height, width)
            total[:, *here] += part * fade
            weight[here] += fade
    if total is None:  # nothing is wanted, and only an answer says how many channels there are
        part = answer(picture[:, :side, :side])
        return part.new_zeros(part.shape[0], height, width)
    return total / weight.clamp_min(torch.finfo(weight.dtype).tiny)


def _starts(length: int, side: int) -> list[int]:
    """Spread as few tiles as overlap enough evenly over `length`."""
    if length <= side:
        return [0]
    step = max(1, round(side * (1.0 - OVERLAP)))
    gaps = -(-(length - side) // step)
    return [round(i * (length - side) / gaps) for i in range(gaps + 1)]


def _fade(length: int, side: int) -> Tensor:
    """Weigh pixels less towards the ends, but never with zero."""
    distance = torch.arange(length) + 0.5
    return (torch.minimum(distance, length - distance) / (OVERLAP * side)).clamp(max=1.0)
