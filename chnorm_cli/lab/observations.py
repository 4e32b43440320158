"""What the experiments fit: step signals, pictures, random inputs."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor


def step_signal(n: int, *, edge: float = 0.5) -> Tensor:
    """Give the step (1, 1, 1, n) that is 1 on the first `edge` of the line and 0 after it."""
    y = torch.zeros(1, 1, 1, n)
    y[..., : int(n * edge)] = 1.0
    return y


def random_input(shape: tuple[int, ...], generator: torch.Generator, scale: float = 1.0) -> Tensor:
    """Give z ~ U(0, scale) of `shape`; the paper takes scale 1 for signals and 0.1 for pictures."""
    return scale * torch.rand(shape, generator=generator)


def gray_square(picture: Path | None, size: int) -> Tensor:
    """Give the centre of a picture as (1, 1, size, size) in [0, 1]; None is scikit-image's camera.

    The centre 256² (or the largest square there is) is cut out, as in the authors' code, and
    reduced by area to `size`. Raises `ImageError` for files that cannot be read.
    """
    pixels = _pixels(picture).mean(-1)  # (H, W)
    side = min(256, *pixels.shape)
    top, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
    square = pixels[None, None, top : top + side, left : left + side]
    return square if size >= side else F.interpolate(square, size=(size, size), mode="area")


def _pixels(picture: Path | None) -> Tensor:
    """Read (H, W, C)."""
    if picture is None:
        from skimage import data  # the wheel holds this picture; nothing is downloaded

        camera = torch.from_numpy(data.camera())  # type: ignore[no-untyped-call]
        return camera.float()[..., None] / 255
    from chnorm_cli.images import read_pictures

    (read,) = read_pictures(picture, name=str(picture))
    return torch.from_numpy(read.visible_pixels())
