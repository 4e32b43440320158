"""Pixels that hold no number, filled before a restoration that is not about holes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from chnorm_cli.classical.first_guess import first_guess
from chnorm_cli.problems.operators import Mask
from chnorm_cli.restoration.common import Pixels


def fill_missing(pixels: Pixels, missing: np.ndarray[Any, np.dtype[np.bool_]]) -> Pixels:
    """Fill `pixels` (H, W, C) smoothly where `missing` (H, W) is true; the others are unchanged."""
    known = torch.from_numpy(~missing).float()
    y = torch.from_numpy(np.ascontiguousarray(pixels)).movedim(-1, 0).contiguous()
    filled = first_guess(Mask(known), y * known).movedim(0, -1).numpy()
    return np.where(missing[..., None], filled.clip(0, 1), pixels).astype(np.float32)
