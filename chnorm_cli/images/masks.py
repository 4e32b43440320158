"""Masks: which pixels are missing. White is missing, black is known."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chnorm_cli.images.errors import MaskError
from chnorm_cli.images.picture import Picture, require_alpha
from chnorm_cli.images.reading import DEFAULT_MAX_PIXELS, read_pictures
from chnorm_cli.images.samples import FloatArray

COLOR_TOLERANCE = 16 / 255  # JPEG gives gray masks a tint of a few levels
SUSPICIOUS = 0.6  # of the pixels missing: more likely the mask marks what is known


@dataclass(frozen=True, eq=False)
class Mask:
    """``missing`` is boolean (H, W), True where a pixel is to be made up; ``notes`` are to show."""

    missing: NDArray[np.bool_]
    notes: tuple[str, ...] = ()

    def covering(self, missing: NDArray[np.bool_] | None) -> "Mask":
        """The mask with the pixels (H, W) that are not finite, None for none, and a note of them."""
        more = 0 if missing is None else int(np.count_nonzero(missing & ~self.missing))
        if missing is None or not more:
            return self
        note = f"{more} more pixels are not finite numbers and are filled as well"
        return Mask(self.missing | missing, (*self.notes, note))


def mask_from_missing(picture: Picture) -> Mask:
    """Takes the pixels that are not finite as missing; raises `MaskError` where all are finite."""
    if picture.missing is None:
        cause = "all pixels are finite numbers, so --mask nan marks none"
        raise MaskError(picture.name, cause, "give --mask FILE")
    return Mask(picture.missing)


def read_mask(
    source: Path | bytes,
    *,
    name: str,
    shape: tuple[int, int],
    invert: bool = False,
    page: int | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
) -> Mask:
    """Reads the mask of a picture of ``shape`` (H, W) from any picture that has no colours.

    White is missing (known when ``invert``); a transparent pixel of the mask counts as black.
    Raises `MaskError` for another size, colours, or when nothing or everything is missing.
    """
    (picture,) = read_pictures(source, name=name, page=page, max_pixels=max_pixels, paged=False)
    if picture.shape != shape:
        mask_size, size = (f"{width} × {height}" for height, width in (picture.shape, shape))
        raise MaskError(
            name,
            f"the mask has {mask_size} pixels and the picture {size}",
            "give a mask of the picture's size",
        )
    if np.ptp(picture.pixels, axis=2).max() > COLOR_TOLERANCE:
        raise MaskError(
            name, "the mask has colours", "paint what is missing white and the rest black"
        )
    levels = picture.pixels.mean(axis=2, dtype=np.float32)
    if picture.alpha is not None:
        levels *= picture.alpha
    return _mask(levels, name, invert)


def mask_from_alpha(picture: Picture, *, invert: bool = False) -> Mask:
    """Takes transparent pixels as missing; raises `MaskError` where the picture has no alpha.

    The result of inpainting such a picture is `picture.opaque()` with the new pixels.
    """
    return _mask(1 - require_alpha(picture), picture.name, invert)


def _mask(levels: FloatArray, name: str, invert: bool) -> Mask:
    values = np.unique(levels)
    notes: list[str] = []
    threshold = np.float32(0.5)
    if values.size == 2 and not values[0] < threshold <= values[1]:
        # Masks from numpy and labelling tools often hold 0 and 1 of 255: both are black to the eye.
        threshold = values[1]
        notes.append(
            f"the mask holds only the levels {values[0] * 255:.3g} and {values[1] * 255:.3g} "
            "of 255: the brighter one was taken as white"
        )
    elif values.size > 2:
        soft = np.count_nonzero((levels > 0) & (levels < 1)) / levels.size
        notes.append(f"the mask is soft in {soft:.1%} of its pixels: it was cut at one half")
    missing = np.asarray(levels >= threshold)
    if invert:
        missing = ~missing
    share = missing.mean()
    white, black = ("black", "white") if invert else ("white", "black")
    turn = "leave out --invert-mask" if invert else "give --invert-mask"
    if share == 0:
        raise MaskError(
            name,
            f"the mask is {black} all over, so nothing is missing",
            f"paint what is missing {white}, or {turn}",
        )
    if share == 1:
        raise MaskError(
            name,
            f"the mask is {white} all over, so everything is missing",
            f"paint what is known {black}, or {turn}",
        )
    if share > SUSPICIOUS:
        notes.append(
            f"{share:.0%} of the picture is missing; if the mask marks what is known, {turn}"
        )
    return Mask(missing, tuple(notes))
