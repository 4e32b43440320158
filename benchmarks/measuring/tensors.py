"""Between arrays (H, W, C) and tensors (C, H, W)."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks.measuring.pictures import Pixels


def to_tensor(pixels: Pixels) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(pixels)).movedim(-1, 0).contiguous()


def to_pixels(x: torch.Tensor) -> Pixels:
    return np.ascontiguousarray(x.detach().float().cpu().movedim(0, -1).numpy())
