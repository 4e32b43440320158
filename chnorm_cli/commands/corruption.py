"""Known ways to spoil a picture: the A and the noise of y = A x + noise, applied to a good x."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from chnorm_cli.images import Picture
from chnorm_cli.scaling.failures import usage


def add_noise(picture: Picture, sigma: float, rng: np.random.Generator) -> Picture:
    """Add Gaussian noise, independent in every pixel and channel; σ on the 0–255 scale.

    Nothing is clipped here: integers clip when they are written, floats do not.
    """
    noise = rng.standard_normal(picture.pixels.shape, dtype=np.float32) * np.float32(sigma / 255)
    return picture.with_pixels(picture.pixels + noise)


def draw_missing(
    shape: tuple[int, int], fraction: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Choose exactly that share of the (H, W) pixels at random."""
    count = shape[0] * shape[1]
    missing = np.zeros(count, dtype=np.bool_)
    missing[rng.permutation(count)[: round(fraction * count)]] = True
    return missing.reshape(shape)


def blacken(picture: Picture, missing: NDArray[np.bool_]) -> Picture:
    """Set the missing pixels to 0 in all channels."""
    if not missing.any():
        return picture
    return picture.with_pixels(np.where(missing[..., None], np.float32(0), picture.pixels))


def mask_picture(missing: NDArray[np.bool_]) -> Picture:
    """Return a mask as a picture: white where pixels are missing."""
    return Picture(missing[..., None].astype(np.float32))


def downscale(picture: Picture, scale: int) -> Picture:
    """Reduce by the bicubic, antialiased operator that `chnorm superres` inverts.

    Rows and columns that do not fill a whole small pixel are cut off at the bottom and right.
    """
    import torch

    from chnorm_cli.problems.names import Kernel
    from chnorm_cli.problems.operators import resampling_matrix

    height, width = picture.shape[0] // scale, picture.shape[1] // scale
    if min(height, width) < 1:
        raise usage(f"--downscale {scale}: {picture.name} is smaller than one such pixel")
    rows, columns = (
        resampling_matrix(length * scale, length, Kernel.BICUBIC) for length in (height, width)
    )

    def reduce(values: NDArray[np.float32]) -> NDArray[np.float32]:
        x = torch.from_numpy(values[: height * scale, : width * scale]).double()
        y = rows @ x.movedim(-1, 0) @ columns.mT
        return np.ascontiguousarray(y.movedim(0, -1).float().numpy())

    alpha = picture.alpha
    return replace(
        picture,
        pixels=reduce(picture.pixels),
        alpha=None if alpha is None else reduce(alpha[..., None])[..., 0].clip(0, 1),
        stored=None,
        metadata=replace(picture.metadata, resolution=None),  # the sheet has fewer pixels now
    )
