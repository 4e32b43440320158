"""JPEG files of parts of a photograph, and what chnorm knows of them."""

import io

import numpy as np
import torch
import torch.nn.functional as F
from pictures import bundled
from PIL import Image

from chnorm_cli.images import read_pictures
from chnorm_cli.scaling.compression import jpeg_of


def photograph(height, width, channels=3, low=0.15, high=0.85):
    """A part of a photograph without black and white, in 8 bits."""
    x = bundled("astronaut")[:, 40 : 40 + height, 180 : 180 + width]
    x = (255 * (low + (high - low) * x)).round() / 255
    return x if channels == 3 else x[:1].clone()


def compressed(x, quality=50, **options):
    """The bytes of a JPEG of x (C, H, W)."""
    samples = (255 * x).round().clamp(0, 255).byte().movedim(0, -1).numpy()
    image = Image.fromarray(samples[..., 0] if len(x) == 1 else np.ascontiguousarray(samples))
    buffer = io.BytesIO()
    if len(x) == 1:
        options.pop("subsampling", None)
    image.save(buffer, "JPEG", quality=quality, **options)
    return buffer.getvalue()


def opened(data):
    """The picture (C, H, W) of a JPEG as chnorm reads it, and what is known of it."""
    (picture,) = read_pictures(data, name="photo.jpg")
    y = torch.from_numpy(picture.pixels).movedim(-1, 0).contiguous()
    return y, jpeg_of(picture)


def shared(shape, sigma, blur):
    """Noise (C, H, W) blurred by `blur` pixels, 0–255 scale of `sigma`."""
    line = torch.exp(-(torch.arange(-3.0, 4.0) ** 2) / (2 * blur**2))
    kernel = line[:, None] * line
    white = torch.randn(
        shape[0], 1, shape[1] + 6, shape[2] + 6, generator=torch.Generator().manual_seed(0)
    )
    return sigma / 255 * F.conv2d(white, (kernel / kernel.norm())[None, None])[:, 0]
