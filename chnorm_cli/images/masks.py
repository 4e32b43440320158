"""Masks: which pixels are missing. White is missing, black is known, and so is nothing in between."""

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
COVERED = 1.01 / 255  # a pixel that is covered by more than this is not observed
# Lossy files ring around edges: up to 0.1 in JPEG 50, eight pixels far (measured on drawn masks).
LOSSY = ("jpeg", "webp", "avif", "heic", "jp2", "jxl")
RINGING = 0.1  # of white
RING_MAXIMA = 0.01  # of the nearly black pixels; antialiasing leaves none, JPEG 50 to 95 leave 13 %
# Between black and white, for each pixel along the edges: hard edges have at most 0.14 in JPEG 30
# to 95, antialiased ones at least 0.29.
SOFT_EDGES = 0.2
WIDENED = 2  # pixels; with RINGING, all of what was covered is found again (99.9 % in JPEG 50)


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
    grow: int = 0,
    page: int | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
) -> Mask:
    """Reads the mask of a picture of ``shape`` (H, W) from any picture that has no colours.

    White is missing (known when ``invert``), and so is what is partly white; a transparent pixel
    of the mask counts as black. Where only the alpha channel varies it is the mask, and opaque is
    missing. Holes are widened by ``grow`` pixels. Of a file with several pages ``page`` (from 1)
    is read. Raises `MaskError` for another size, colours, or when nothing or everything is missing.
    """
    pictures = read_pictures(source, name=name, page="all", max_pixels=max_pixels)
    if len(pictures) > 1 and pictures[0].streamed:
        raise MaskError(
            name,
            f"holds {len(pictures)} pictures in one stream",
            "give the one you mean as a file of its own",
        )
    if len(pictures) > 1 and not 1 <= (page or 1) <= len(pictures):
        raise MaskError(
            name,
            f"the mask has {len(pictures)} pages, and the picture is on page {page}",
            "save the mask of this page as a file of its own",
        )
    picture = pictures[(page or 1) - 1] if len(pictures) > 1 else pictures[0]
    if picture.shape != shape:
        mask_size, size = (f"{width} × {height}" for height, width in (picture.shape, shape))
        raise MaskError(
            name,
            f"the mask has {mask_size} pixels and the picture {size}",
            "give a mask of the picture's size",
        )
    levels, notes = _levels(picture)
    lossy = picture.source_format in LOSSY
    return _mask(levels, name, invert=invert, grow=grow, lossy=lossy, notes=notes)


def mask_from_alpha(picture: Picture, *, invert: bool = False, grow: int = 0) -> Mask:
    """Takes transparent pixels as missing; raises `MaskError` where the picture has no alpha.

    The result of inpainting such a picture is `picture.opaque()` with the new pixels.
    """
    levels = 1 - require_alpha(picture)
    return _mask(levels, picture.name, invert=invert, grow=grow, lossy=False, notes=[])


def grown(missing: NDArray[np.bool_], pixels: int) -> NDArray[np.bool_]:
    """Widens the holes (H, W) by ``pixels`` in all directions; one pixel is its 8 neighbours."""
    if not pixels or not missing.any():
        return missing
    from scipy.ndimage import distance_transform_edt

    return np.asarray(distance_transform_edt(~missing) <= pixels + 0.5)


def _levels(picture: Picture) -> tuple[FloatArray, list[str]]:
    """The brightness (H, W) of a mask in [0, 1], or its alpha where only that varies; and notes."""
    alpha = picture.alpha
    if alpha is not None and alpha.min() == alpha.max():
        alpha = None  # alike everywhere, it says nothing
    colors = picture.pixels.reshape(-1, picture.pixels.shape[2])
    visible = colors if alpha is None else colors[alpha.ravel() > 0]
    if alpha is not None and (visible == visible[0]).all():
        if (visible[0] == 1).all():
            return alpha, []
        note = "only the alpha channel of the mask varies: what is opaque was taken as missing"
        return alpha, [note]
    if np.ptp(visible, axis=1).max() <= COLOR_TOLERANCE:
        levels = picture.pixels.mean(axis=2, dtype=np.float32)
        return (levels if alpha is None else levels * alpha), []
    black = (colors == 0).all(axis=1)
    painted = colors[~black]
    if alpha is None and black.any() and (painted == painted[0]).all():
        note = "the mask has black and one colour: the colour was taken as white"
        return (~black).astype(np.float32).reshape(picture.shape), [note]
    remedy = "paint what is missing white and the rest black"
    if alpha is not None:
        remedy += ", or save its alpha channel alone if that is the mask"
    raise MaskError(picture.name, "the mask has colours", remedy)


def _mask(
    levels: FloatArray, name: str, *, invert: bool, grow: int, lossy: bool, notes: list[str]
) -> Mask:
    low, high = float(levels.min()), float(levels.max())
    if low == high:
        missing = np.full(levels.shape, (low >= 0.5) != invert)
    else:
        cover = (levels - np.float32(low)) / np.float32(high - low)
        missing, note = _covered(1 - cover if invert else cover, lossy)
        if note:
            notes = [*notes, note]
        elif not low < 0.5 <= high:
            # Masks from numpy and labelling tools often hold 0 and 1 of 255: both black to the eye.
            two = f"{low * 255:.3g} and {high * 255:.3g} of 255"
            notes = [
                *notes,
                f"the mask holds only the levels {two}: the brighter one was taken as white",
            ]
    _refuse_one_level(missing, name, invert)
    if grow:
        missing = grown(missing, grow)
        if missing.all():
            raise MaskError(
                name,
                f"with holes widened by {grow} pixels nothing of the picture is left",
                "give a smaller --grow",
            )
    share = missing.mean()
    if share > SUSPICIOUS:
        turn = "leave out --invert-mask" if invert else "give --invert-mask"
        notes = [
            *notes,
            f"{share:.0%} of the picture is missing; if the mask marks what is known, {turn}",
        ]
    return Mask(missing, tuple(notes))


def _covered(cover: FloatArray, lossy: bool) -> tuple[NDArray[np.bool_], str | None]:
    """Which pixels (H, W) are covered at all, and a note where that was not plain to see."""
    between = np.count_nonzero((cover > 0) & (cover < 1)) / cover.size
    if not between:
        return np.asarray(cover > 0), None
    soft = f"the mask is soft in {between:.1%} of its pixels"
    middle = (cover > 0.25) & (cover < 0.75)
    if lossy and middle.sum() <= SOFT_EDGES * _edge(cover > 0.5).sum():
        return np.asarray(cover > 0.5), f"{soft}, as lossy files leave it: it was cut at one half"
    if not lossy or not _rings(cover):
        note = f"{soft}: what is partly covered counts as missing (cut at 1 of 255)"
        return np.asarray(cover > COVERED), note
    note = (
        f"{soft}, and a lossy file hides how far its edges go: holes were widened by {WIDENED}"
        " pixels; a PNG would say it exactly"
    )
    return grown(cover > RINGING, WIDENED), note


def _rings(cover: FloatArray) -> bool:
    """Whether nearly black pixels go up and down, as lossy compression makes them."""
    from scipy.ndimage import maximum_filter

    faint = (cover > COVERED) & (cover < 0.15)
    peaks = faint & (cover == maximum_filter(cover, 3))
    return bool(peaks.sum() > RING_MAXIMA * faint.sum())


def _edge(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    from scipy.ndimage import binary_erosion

    return np.asarray(inside & ~binary_erosion(inside, np.ones((3, 3), bool)))


def _refuse_one_level(missing: NDArray[np.bool_], name: str, invert: bool) -> None:
    """Raises `MaskError` for a mask that marks nothing, or everything."""
    white, black = ("black", "white") if invert else ("white", "black")
    turn = "leave out --invert-mask" if invert else "give --invert-mask"
    if not missing.any():
        raise MaskError(
            name,
            f"the mask is {black} all over, so nothing is missing",
            f"paint what is missing {white}, or {turn}",
        )
    if missing.all():
        raise MaskError(
            name,
            f"the mask is {white} all over, so everything is missing",
            f"paint what is known {black}, or {turn}",
        )
