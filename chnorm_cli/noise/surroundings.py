"""What lies around single values of a picture, and how far they stand out of it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

REACH = 2  # pixels around one that say what it should be


def surroundings(colour: Tensor, places: Tensor) -> Tensor:
    """Give the 24 values (N, 24) around each of `places` (N, 2) of a colour (H, W); borders mirror."""
    side = 2 * REACH + 1
    padded = F.pad(colour[None, None].to(torch.float32), [REACH] * 4, mode="reflect")[0, 0]
    steps = torch.arange(side)
    rows = places[:, 0, None, None] + steps[:, None]
    columns = places[:, 1, None, None] + steps
    around = padded.to(colour.dtype)[rows, columns].flatten(1)
    middle = side * side // 2
    return torch.cat([around[:, :middle], around[:, middle + 1 :]], 1)


def usual(around: Tensor) -> tuple[Tensor, Tensor]:
    """Give median and spread (N,) of neighbours (N, n), of which NaN do not count."""
    middle = around.nanmedian(1).values
    return middle, 1.4826 * (around - middle[:, None]).abs().nanmedian(1).values


def beyond_neighbours(y: Tensor) -> Tensor:
    """Say by how much each value (C, H, W) is above or below all eight around it; else negative."""
    padded = F.pad(y[:, None], [1] * 4, mode="reflect")[:, 0]
    height, width = y.shape[1:]
    high, low = torch.full_like(y, -torch.inf), torch.full_like(y, torch.inf)
    for row in range(3):
        for column in range(3):
            if (row, column) != (1, 1):
                beside = padded[:, row : row + height, column : column + width]
                high, low = torch.maximum(high, beside), torch.minimum(low, beside)
    return torch.maximum(y - high, low - y)
