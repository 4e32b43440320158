"""Arrays of any axes ⇄ planes (P, H, W, C) in picture units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chnorm_cli.images import SampleRule, filled_where_not_finite, from_unit, to_unit

Array = np.ndarray[Any, Any]

MOST_CHANNELS = 64  # more are most likely a stack whose axes were taken for another's


@dataclass(frozen=True)
class Planes:
    """The planes of an array, and the way back to its axes, type and range.

    `pixels` is float32 (P, H, W, C) in [0, 1] nominal, `given` the samples of the same shape as they
    came; `holes` (P, H, W) marks pixels that were not finite and hold a finite neighbour, or is None.
    `leading` are the axes that were taken together to P; `channel_axis` is where C was, None for gray.
    """

    pixels: Array
    given: Array
    holes: Array | None
    leading: tuple[int, ...]
    channel_axis: int | None
    rule: SampleRule

    @property
    def span(self) -> float:
        """The number of units of the array that picture units are."""
        return self.rule.span

    def array(self, samples: Array) -> Array:
        """Bring samples (P, H', W', C) to the axes of the input."""
        samples = samples.reshape(*self.leading, *samples.shape[1:])
        if self.channel_axis is None:
            return samples[..., 0]
        return np.moveaxis(samples, -1, self.channel_axis)

    def maps(self, values: Array) -> Array:
        """Bring one value a pixel, (P, H, W), to the axes of the input but that of the channels."""
        return values.reshape(*self.leading, *values.shape[1:])

    def samples(self, pixels: Array) -> Array:
        """Bring restored pixels (P, H', W', C) to the type and the range of the input."""
        return from_unit(pixels, self.rule)


def planes_of(image: Array, channel_axis: int | None) -> Planes:
    """Take an array apart; raise `ValueError` for what is no picture and no stack of pictures."""
    planes, leading, axis = stacked(np.asarray(image), channel_axis)
    filled, holes = _filled(planes)
    pixels, rule = to_unit(filled)
    return Planes(pixels, planes, holes, leading, axis, rule)


def stacked(image: Array, channel_axis: int | None) -> tuple[Array, tuple[int, ...], int | None]:
    """Give (P, H, W, C), the leading axes, and the axis of the channels; None for gray planes."""
    if image.ndim < 2:
        raise ValueError(f"image must be (H, W) or (H, W, C), not of shape {image.shape}")
    gray = channel_axis is None or image.ndim == 2
    if channel_axis is not None and not -image.ndim <= channel_axis < image.ndim and not gray:
        raise ValueError(f"channel_axis {channel_axis} is not among {image.ndim} axes")
    moved = (
        image[..., None] if channel_axis is None or gray else np.moveaxis(image, channel_axis, -1)
    )
    if 0 in moved.shape:
        raise ValueError(f"the array of shape {image.shape} is empty")
    if moved.shape[-1] > MOST_CHANNELS:
        raise ValueError(
            f"an array of shape {image.shape} has {moved.shape[-1]} channels on axis {channel_axis},"
            f" and {MOST_CHANNELS} are the most; where all but the last two axes are planes, give"
            " channel_axis=None"
        )
    planes = moved.reshape(-1, *moved.shape[-3:])
    return planes, moved.shape[:-3], None if gray else channel_axis


def _filled(planes: Array) -> tuple[Array, Array | None]:
    """Fill what is not finite in (P, H, W, C), plane by plane, and mark where that was."""
    if planes.dtype.kind != "f" or np.isfinite(planes).all():
        return planes, None
    parts = [filled_where_not_finite(plane) for plane in planes]
    nowhere = np.zeros(planes.shape[1:3], bool)
    return np.stack([part for part, _ in parts]), np.stack(
        [nowhere if holes is None else holes for _, holes in parts]
    )
