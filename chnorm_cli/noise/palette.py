"""Pictures of few colours, as GIF, pixel art and screenshots hold them: what varies there is no noise."""

from __future__ import annotations

import torch
from torch import Tensor

MOST_COLOURS = 256
LEAST_PIXELS = 16  # times as many as colours, so that few colours are no chance
LEAST_FREE = 4  # times as many colours would noise of each channel make of the same levels
FALLS = (
    0.1  # of the steps between tones of one ink, from dark to bright, on which a channel may fall
)


def has_palette(y: Tensor) -> bool:
    """Say whether (C, H, W) has the colours of a palette, not tones of one ink or counts.

    Noise that is independent in each channel combines their levels freely; noise that all share,
    as in a sepia scan, keeps the colours in one line of tones.
    """
    if len(y) == 1:
        return False
    pixels = y.flatten(1)
    # Some pixels first: sorting all takes far longer, and noise shows itself in these.
    few = pixels[:, :: max(1, pixels.shape[1] // 4096)]
    if torch.unique(few, dim=1).shape[1] > MOST_COLOURS:
        return False
    colours = torch.unique(pixels, dim=1)
    count = colours.shape[1]
    if count > MOST_COLOURS or count * LEAST_PIXELS > pixels.shape[1]:
        return False
    free = torch.tensor([float(len(colour.unique())) for colour in colours]).prod()
    if count * LEAST_FREE > float(free):
        return False
    tones = colours[:, colours.sum(0).argsort()]
    return bool((tones.diff(dim=1) < 0).float().mean(1).max() > FALLS)
