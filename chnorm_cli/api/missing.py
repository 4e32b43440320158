"""Which pixels of an array are missing: masked arrays, and arrays of every shape and type."""

from __future__ import annotations

from typing import Any

import numpy as np

from chnorm_cli.api.planes import stacked

Array = np.ndarray[Any, Any]


def unmasked(image: Array) -> Array:
    """Give the values of a masked array, all of which must be valid."""
    masked = np.ma.getmaskarray(image) if np.ma.isMaskedArray(image) else np.zeros(0, bool)
    if masked.any():
        raise ValueError(
            f"the masked array lacks {masked.sum()} of its {masked.size} values; fill them first, "
            "with inpaint(image) or image.filled(value)"
        )
    return np.asarray(np.ma.getdata(image))


def missing_pixels(image: Array, missing: Array | None, channel_axis: int | None) -> Array:
    """Give the missing pixels, bool (P, H, W), of what was said and what a masked array says.

    For a single picture what was said may be of a wrong shape: the task refuses it.
    """
    if missing is None and not np.ma.isMaskedArray(image):
        raise ValueError("say which pixels are missing, or give a masked array")
    said = []
    if np.ma.isMaskedArray(image):
        masked, _, _ = stacked(np.ma.getmaskarray(image), channel_axis)
        said.append(masked.any(axis=-1))
    if missing is not None:
        said.append(_of_planes(_checked(missing), np.ma.getdata(image), channel_axis))
    if len({mask.shape for mask in said}) > 1:
        raise ValueError(
            f"missing is of shape {said[1].shape[1:]}, and the masked array {said[0].shape[1:]}"
        )
    return np.asarray(np.logical_or.reduce(said))


def _checked(missing: Array) -> Array:
    missing = np.ma.filled(np.ma.asarray(missing), True)  # a masked mask says: not known
    if missing.dtype.kind not in "buif":
        raise ValueError(f"missing must hold booleans or numbers, not {missing.dtype}")
    if missing.dtype.kind == "f" and np.isnan(missing).any():
        raise ValueError("missing holds NaN; give np.isnan(...) if these are what is missing")
    return np.asarray(missing != 0)


def _of_planes(missing: Array, image: Array, channel_axis: int | None) -> Array:
    """Bring what was said to (P, H, W)."""
    planes, leading, axis = stacked(np.asarray(image), channel_axis)
    count, height, width, _ = planes.shape
    if axis is not None and missing.shape == np.shape(image):
        return np.asarray(stacked(missing, axis)[0].any(axis=-1))
    if not leading:
        flat: Array = np.asarray(missing.any(axis=2) if missing.ndim == 3 else missing)
        return flat[None]
    shape = (*leading, height, width)
    if missing.shape == (*shape, 1):
        missing = missing[..., 0]
    if missing.shape not in (shape, shape[-2:]):
        raise ValueError(
            f"missing is of shape {missing.shape}, and the planes are {shape}; give it for each"
            " plane, or (H, W) for all"
        )
    return np.broadcast_to(missing, shape).reshape(count, height, width)


def without_fill_values(image: Array, absent: Array, channel_axis: int | None) -> Array:
    """Put an observed value where pixels are missing.

    Fill values are often far outside the picture's range, which is taken from all values.
    """
    axis = None if channel_axis is None or image.ndim == 2 else channel_axis
    moved = image if axis is None else np.moveaxis(image, axis, -1)
    spatial = moved.shape if axis is None else moved.shape[:-1]
    if absent.size == np.prod(spatial) and absent.any() and not absent.all():
        holes = absent.reshape(spatial)
        moved[holes] = moved[~holes][0]  # a view: the image changes
    return image
