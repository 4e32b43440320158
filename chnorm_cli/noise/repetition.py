"""Patterns that repeat every few pixels, as the screens of print and hatching do; noise does not."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from chnorm_cli.noise.differences import second_difference
from chnorm_cli.noise.silence import Silence

# Pixels: noise that neighbours share reaches six of them, and a finer screen comes again beyond.
NEAREST, FARTHEST = 7, 16
MOST_SIDE = 512  # of the middle that is looked at
EXACT = 1e-5  # of the range; less is rounding
# Of the detail that comes again. Noise on photographs, also blurred and through JPEG: up to 0.075 on
# 64 pixels a side and more, and chance alone brings 5 / √n. Screens and hatching 0.18 to 0.98.
SCREEN, CHANCE = 0.15, 5.0
# A scanned photograph (Peppers) has 0.33 of its own, which noise on it lowers to 0.18.
PLAIN = 0.25


def repeats(y: Tensor, silence: Silence, share: float = SCREEN) -> bool:
    """Say whether (C, H, W) is a screen of dots or lines rather than noise on a picture.

    `share` is how much of its detail must come again: SCREEN, or PLAIN where the rest speaks for noise.
    """
    speaks = int((~silence.flat[:MOST_SIDE, :MOST_SIDE]).sum())
    chance: float = CHANCE / max(speaks, 1) ** 0.5
    return repetition(y, silence) > max(share, chance)


def repetition(y: Tensor, silence: Silence) -> float:
    """Say how much of the detail of (C, H, W) comes again after a few pixels: 0 noise, 1 a screen.

    It is the largest autocorrelation of the signs of second differences, so that no edge counts
    for more than a dot does.
    """
    _, height, width = y.shape
    if min(height, width) < 2 * FARTHEST:
        return 0.0
    top, left = max(0, height - MOST_SIDE) // 2, max(0, width - MOST_SIDE) // 2
    here = (slice(top, top + MOST_SIDE), slice(left, left + MOST_SIDE))
    detail = second_difference(y[:, *here])
    signs = detail.sign() * (detail.abs() > EXACT * float(y.max() - y.min()))
    signs = signs * ~silence.flat[here][1:-1, 1:-1]
    signs = F.pad(signs, (0, FARTHEST, 0, FARTHEST))
    power = torch.fft.rfft2(signs).abs().square()
    sums = torch.fft.irfft2(power, s=signs.shape[-2:])
    near = torch.cat([sums[:, : FARTHEST + 1], sums[:, -FARTHEST:]], 1)[..., : FARTHEST + 1]
    total = near[:, 0, 0].clamp_min(1.0)
    near[:, :NEAREST, :NEAREST] = 0.0
    near[:, -NEAREST + 1 :, :NEAREST] = 0.0
    return float((near.flatten(1).amax(1) / total).median())
