"""Known ways to spoil a picture: the A and the noise of y = A x + noise, applied to a good x."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from chnorm_cli.commands.drawn_noise import DrawnNoise
from chnorm_cli.images import Picture
from chnorm_cli.scaling.failures import Failure, usage

FloatArray = NDArray[np.float32]


def add_noise(picture: Picture, drawn: DrawnNoise, rng: np.random.Generator) -> Picture:
    """Add the noise, drawn for the true brightness and independent in every channel, and the offsets.

    Light is counted from the file's number 0, whatever its range, and white is its nominal 1.
    Nothing is clipped here: integers clip when they are written, floats do not. Raises `Failure`
    for shot noise in a file without light.
    """
    true = picture.pixels
    offset, span = picture.value_range
    black = np.float32(-offset / span)
    light = np.maximum(true - black, np.float32(0))
    noisy = true
    photon = _photon(picture, drawn, float(black))
    if photon is not None:
        counts = rng.poisson(light.astype(np.float64) / photon)
        noisy = noisy + (photon * counts - light).astype(np.float32)
    if drawn.speckle > 0:
        noisy = noisy + np.float32(drawn.speckle) * light * _white(true.shape, rng)
    if drawn.blurred is not None:
        sigma, radius = drawn.blurred
        noisy = noisy + np.float32(sigma / 255) * _shared(true.shape, radius, rng)
    if drawn.white > 0:
        noisy = noisy + _white(true.shape, rng) * np.float32(drawn.white / 255)
    height, width, _ = true.shape
    if drawn.rows > 0:
        noisy = noisy + np.float32(drawn.rows / 255) * _white((height, 1, 1), rng)
    if drawn.columns > 0:
        noisy = noisy + np.float32(drawn.columns / 255) * _white((1, width, 1), rng)
    return picture if noisy is true else picture.with_pixels(noisy)


def _photon(picture: Picture, drawn: DrawnNoise, black: float) -> float | None:
    """Give what one photon adds to a pixel; None without shot noise."""
    if drawn.gain is not None:
        return drawn.gain / 255
    if drawn.poisson is None:
        return None
    if black >= 1:
        raise Failure(
            f"{picture.name}: no value is above 0, so there is no light to count;"
            " leave out --poisson"
        )
    return (1 - black) / drawn.poisson


def _white(shape: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
    return rng.standard_normal(shape, dtype=np.float32)


def _shared(shape: tuple[int, ...], radius: float, rng: np.random.Generator) -> FloatArray:
    """Draw noise (H, W, C) of variance 1 as a Gaussian blur of white noise makes it."""
    from scipy.ndimage import gaussian_filter

    margin = math.ceil(4 * radius)  # the blur ends there, so that edges are as noisy as the rest
    height, width, channels = shape
    white = _white((height + 2 * margin, width + 2 * margin, channels), rng)
    blurred = gaussian_filter(white, (radius, radius, 0))
    one = np.zeros(2 * margin + 1)
    one[margin] = 1.0
    kept = float(np.square(gaussian_filter(one, radius)).sum())  # of the variance, along one axis
    inside = np.s_[margin : margin + height, margin : margin + width]
    unit: FloatArray = blurred[inside] / np.float32(kept)  # √kept along each of two axes
    return unit


def spoil_pixels(picture: Picture, drawn: DrawnNoise, rng: np.random.Generator) -> Picture:
    """Make pixels bad: black or white in all colours at random, and white in one of them.

    White is the file's nominal 1, and black its nominal 0. Raises `Failure` for more hot pixels
    than the picture has values.
    """
    height, width, channels = picture.pixels.shape
    if drawn.hot > picture.pixels.size:
        raise usage(f"--hot {drawn.hot}: {picture.name} holds {picture.pixels.size} values")
    if not drawn.impulse and not drawn.hot:
        return picture
    pixels = np.array(picture.pixels)
    thrown = draw_missing((height, width), drawn.impulse, rng)
    ends = rng.integers(0, 2, thrown.sum()).astype(np.float32)
    pixels[thrown] = ends[:, None]
    hot = rng.permutation(height * width * channels)[: drawn.hot]
    pixels.reshape(-1)[hot] = 1.0
    return picture.with_pixels(pixels)


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
