"""Noise measured at many brightnesses of one picture, in its smoothest places."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from chnorm_cli.noise.differences import second_difference
from chnorm_cli.noise.silence import Silence

BLOCK = 16  # pixels along a side
STRIDE = 8
CLASSES = 12  # of equal numbers of blocks, from dark to bright
SMOOTHEST = 0.15  # of a class, in which texture is weakest
LEAST_BLOCKS = 8  # of a class that says anything
REACH = 4  # pixels that the slow variation, which tells smooth from textured, is averaged over
LOW_SHARE = 0.1  # of the blocks of a class, in order of their noise
LOW = 0.775  # variance of the block at that share of white noise, in units of σ²
LEAST_CLIPPED = 0.2  # of the blocks, where values are cut off in all of them
SURE = 1.1  # times what the least noisy blocks say; more is texture


@dataclass(frozen=True)
class Points:
    """Brightness, variance and kurtosis (C, K) of the noise in K classes, dark to bright.

    The kurtosis of Gaussian noise is 3; lines and dots on an even ground have a far larger one.
    `unevenness` (C, K) is 1 where blocks differ as those of noise do, more where they hold
    something else, less where a pattern repeats. `cut_off` says that no block was free of clipped
    values, so that the least clipped ones were taken; their variance is too small.
    """

    brightness: Tensor
    variance: Tensor
    kurtosis: Tensor
    unevenness: Tensor
    blocks: int
    cut_off: bool = False


def measure(y: Tensor, silence: Silence, spacing: int = 1) -> Points | None:
    """Measure the noise of (C, H, W) in classes of equal brightness; None where too little is smooth.

    Second differences along both axes see noise and no smooth picture. The blocks that count are
    those of the least *slow* variation, which is independent of what is measured in them: so their
    mean is unbiased, also for counts (checked within 5 % from 2 counts on; a low quantile of the
    measure itself, as in 0.1, needs noise of known shape).
    """
    y = y.detach().float().cpu()
    channels, height, width = y.shape
    if min(height, width) < 2 * BLOCK:
        return None
    detail = second_difference(y, spacing)[:, None]
    power = F.avg_pool2d(detail.square(), BLOCK - 2, STRIDE)[:, 0]
    fourth = F.avg_pool2d(detail.square().square(), BLOCK - 2, STRIDE)[:, 0]
    inner = (slice(None), None, slice(spacing, -spacing), slice(spacing, -spacing))
    mean = F.avg_pool2d(y[inner], BLOCK - 2, STRIDE)[:, 0]
    still = silence.flat.float()[None, None, 1:-1, 1:-1]
    flat = F.avg_pool2d(still, BLOCK - 2, STRIDE)[:, 0].expand(channels, -1, -1)
    clipped = F.avg_pool2d(silence.clipped.float()[inner], BLOCK - 2, STRIDE)[:, 0]
    slow = _slow_variation(y)
    rows, columns = (min(a, b) for a, b in zip(power.shape[1:], slow.shape[1:], strict=True))
    cut = (slice(None), slice(rows), slice(columns))
    columns_: list[list[Tensor]] = []
    cut_off, blocks = False, len(power[0].flatten())
    for c in range(channels):
        whole, share = flat[cut][c].flatten() <= 0.01, clipped[cut][c].flatten()
        speaks = whole & (share <= 0.01)
        if int(speaks.sum()) < LEAST_BLOCKS:
            if int(whole.sum()) < LEAST_BLOCKS:
                return None
            cut_off = True
            speaks = whole & (share <= torch.quantile(share[whole], LEAST_CLIPPED))
        blocks = min(blocks, int(speaks.sum()))
        values = [v[cut][c].flatten()[speaks] for v in (mean, power, fourth, slow)]
        rows_ = [_of_class(part, *values) for part in _classes(values[0])]
        columns_.append([torch.tensor(column) for column in zip(*rows_, strict=True)])
    most = max(len(column[0]) for column in columns_)
    padded = [
        [F.pad(v[None, None], (0, most - len(v)), mode="replicate")[0, 0] for v in column]
        for column in zip(*columns_, strict=True)
    ]
    means, variances, kurtosis, unevenness = (torch.stack(column) for column in padded)
    return Points(means, variances, kurtosis, unevenness, blocks, cut_off)


def smoothest(y: Tensor, silence: Silence) -> Tensor | None:
    """Choose the pixels (H − 2, W − 2), bool, of the smoothest blocks of (C, H, W), or None."""
    _, height, width = y.shape
    if min(height, width) < 2 * BLOCK:
        return None
    slow = _slow_variation(y).sum(0)
    quiet = (silence.flat | silence.clipped.any(0)).float()[None, None, 1:-1, 1:-1]
    silent = F.avg_pool2d(quiet, BLOCK - 2, STRIDE)[0, 0]
    rows, columns = (min(a, b) for a, b in zip(slow.shape, silent.shape, strict=True))
    slow, speaks = slow[:rows, :columns], silent[:rows, :columns] <= 0.01
    if int(speaks.sum()) < LEAST_BLOCKS:
        return None
    chosen = speaks & (slow <= torch.quantile(slow[speaks], SMOOTHEST))
    places = torch.zeros(height - 2, width - 2, dtype=torch.bool)
    for row, column in chosen.nonzero().tolist():
        top, left = row * STRIDE, column * STRIDE
        places[top : top + BLOCK - 2, left : left + BLOCK - 2] = True
    return places


def _classes(brightness: Tensor) -> list[Tensor]:
    """Sort blocks by brightness into classes of equal number."""
    count = max(1, min(CLASSES, len(brightness) // (2 * LEAST_BLOCKS)))
    return list(brightness.argsort().tensor_split(count))


def _of_class(
    part: Tensor, mean: Tensor, power: Tensor, fourth: Tensor, slow: Tensor
) -> tuple[float, float, float, float]:
    """Give brightness, variance, kurtosis and unevenness in the smoothest blocks of a class."""
    count = max(LEAST_BLOCKS, int(SMOOTHEST * len(part)))
    chosen = part[slow[part].argsort()[:count]]
    variance = float(power[chosen].mean())
    lowest = float(power[part].sort().values[int(LOW_SHARE * len(part))]) / LOW
    kurtosis = float(fourth[chosen].mean()) / max(variance**2, 1e-30)
    brightness = float(mean[chosen].mean())
    return brightness, min(variance, SURE * lowest), kurtosis, variance / max(lowest, 1e-30)


def _slow_variation(y: Tensor) -> Tensor:
    """Give the mean squared difference of averages over REACH² pixels, per block (C, rows, columns)."""
    average = F.avg_pool2d(y[:, None], REACH, 1)
    across = (average[..., REACH:] - average[..., :-REACH]).square()
    down = (average[..., REACH:, :] - average[..., :-REACH, :]).square()
    long, short = BLOCK - REACH + 1, BLOCK - 2 * REACH + 1
    across = F.avg_pool2d(across, (long, short), STRIDE)
    down = F.avg_pool2d(down, (short, long), STRIDE)
    return (across + down)[:, 0]
