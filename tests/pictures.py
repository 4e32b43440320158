"""Pictures that scikit-image bundles, as (C, H, W) in [0, 1]."""

import torch
from skimage import data


def bundled(name):
    x = torch.from_numpy(getattr(data, name)()).float() / 255
    return x[None] if x.ndim == 2 else x.movedim(-1, 0).contiguous()


def psnr(x, truth):
    return float(-10 * (x - truth).square().mean().log10())
