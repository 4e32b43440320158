"""Stored samples ⇄ the nominal range [0, 1]: one affine rule per array, reversible.

    unit = (stored − offset) / span

| stored as | offset, span |
| --- | --- |
| bool | 0, 1 |
| uint8 | 0, 255 |
| uint16 | 0, 65535 |
| float, every value within [0, 1] | 0, 1 |
| any other float or integer | min, max − min (1 where the array is constant) |
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

FIXED_SPANS = {"bool": 1.0, "uint8": 255.0, "uint16": 65535.0}


@dataclass(frozen=True)
class SampleRule:
    """How an array of ``dtype`` maps to the nominal range: unit = (stored − offset) / span."""

    dtype: np.dtype[Any]
    offset: float
    span: float


def rule_for(array: NDArray[Any]) -> SampleRule:
    """Finds the rule of the table above; raises ValueError for empty, complex, NaN or infinite."""
    if array.size == 0:
        raise ValueError("the array is empty")
    if array.dtype.name in FIXED_SPANS:
        return SampleRule(array.dtype, 0.0, FIXED_SPANS[array.dtype.name])
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{array.dtype} is not a type of picture samples")
    low, high = float(array.min()), float(array.max())  # NaN and inf reach the minimum or maximum
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError("some values are NaN or infinite")
    if array.dtype.kind == "f" and low >= 0.0 and high <= 1.0:
        return SampleRule(array.dtype, 0.0, 1.0)
    span = high - low
    if not np.isfinite(span) or max(abs(low), abs(high)) > np.finfo(np.float32).max:
        raise ValueError("some values are beyond the range of 32-bit floats")
    return SampleRule(array.dtype, low, span or 1.0)


def filled_where_not_finite(
    array: NDArray[Any],
) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """Gives samples (H, W) or (H, W, C) that are not finite the nearest finite value.

    Also marks (H, W) pixels of which a channel was not finite; None where all are, and for samples
    that cannot be otherwise. Raises ValueError where a channel holds no finite value.
    """
    if array.dtype.kind != "f" or array.ndim not in (2, 3):
        return array, None
    bad = ~np.isfinite(array)
    if not bad.any():
        return array, None
    from scipy.ndimage import distance_transform_edt

    filled = array.copy()
    planes = filled[..., None] if array.ndim == 2 else filled
    marks = bad[..., None] if array.ndim == 2 else bad
    for channel in range(planes.shape[2]):
        mark = marks[..., channel]
        if mark.all():
            raise ValueError("no value is a finite number")
        if mark.any():
            near = distance_transform_edt(mark, return_distances=False, return_indices=True)
            planes[..., channel] = planes[..., channel][tuple(near)]
    return filled, np.asarray(marks.any(axis=2))


def to_unit(array: NDArray[Any]) -> tuple[FloatArray, SampleRule]:
    """Maps samples of any shape to float32 in [0, 1] and gives the rule that leads back.

    >>> unit, rule = to_unit(np.array([[0, 51, 255]], np.uint8))
    >>> unit.tolist(), from_unit(unit, rule).tolist()
    ([[0.0, 0.20000000298023224, 1.0]], [[0, 51, 255]])
    """
    array = np.asarray(array)
    rule = rule_for(array)
    return apply_rule(array, rule), rule


def apply_rule(array: NDArray[Any], rule: SampleRule) -> FloatArray:
    """Maps stored samples to the nominal range by a known rule."""
    if rule.dtype.name in FIXED_SPANS:
        return array.astype(np.float32) / np.float32(rule.span)
    if (rule.offset, rule.span) == (0.0, 1.0):
        return array.astype(np.float32)
    # float64 on the way, because offset and span may be far beyond the values' differences.
    return ((array.astype(np.float64) - rule.offset) / rule.span).astype(np.float32)


def from_unit(unit: NDArray[Any], rule: SampleRule) -> NDArray[Any]:
    """Maps nominal values back: integers are rounded and clipped to their type, floats are kept."""
    if rule.dtype.kind == "b":
        return np.asarray(unit >= 0.5)
    wide: NDArray[Any] = unit.astype(np.float32 if rule.dtype.name in FIXED_SPANS else np.float64)
    wide = wide * rule.span + rule.offset
    if rule.dtype.kind == "f":
        return wide.astype(rule.dtype)
    limits = np.iinfo(rule.dtype)
    return np.asarray(np.clip(np.rint(wide), limits.min, limits.max).astype(rule.dtype))


def stretch(samples: NDArray[Any], white: int) -> NDArray[Any]:
    """Maps integers 0…white (1-, 4-, 12-bit and the like) onto all of uint8 or uint16, rounded."""
    dtype = np.uint8 if white <= 255 else np.uint16
    full = np.iinfo(dtype).max
    if white == full:
        return samples.astype(dtype)
    levels = np.rint(np.arange(white + 1) * (full / white)).astype(dtype)
    return np.asarray(levels[np.minimum(samples.astype(np.intp), white)])


def unmultiplied(samples: NDArray[Any]) -> NDArray[Any]:
    """Divides colours by alpha, so that every picture inside chnorm has them unmultiplied."""
    full = np.iinfo(samples.dtype).max if samples.dtype.kind in "iu" else 1.0
    alpha = samples[..., -1:].astype(np.float64)
    colors = np.divide(
        samples[..., :-1] * float(full),
        alpha,
        out=np.zeros(samples[..., :-1].shape),
        where=alpha > 0,
    )
    if samples.dtype.kind in "iu":
        colors = np.rint(np.minimum(colors, full))
    return np.concatenate([colors.astype(samples.dtype), samples[..., -1:]], axis=2)
