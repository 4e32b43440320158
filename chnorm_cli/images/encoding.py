"""From pictures to the bytes of a file: rounded, with clipped pixels counted and losses noted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chnorm_cli.images import exif
from chnorm_cli.images.atomic import write_atomically
from chnorm_cli.images.errors import CodecError, ImageError, reason
from chnorm_cli.images.flat import LONGEST_EXIF
from chnorm_cli.images.folders import Folder, write_folder
from chnorm_cli.images.formats import BY_NAME, Format
from chnorm_cli.images.metadata import Metadata
from chnorm_cli.images.picture import Depth, Picture, stored_again
from chnorm_cli.images.raster import Raster

FULL = {Depth.EIGHT: (np.uint8, 255.0), Depth.SIXTEEN: (np.uint16, 65535.0)}


@dataclass(frozen=True)
class Encoded:
    """A file in memory, or a ``folder`` that is still to be made, with no ``data``.

    ``clipped`` counts the pixels (not the samples) that lay beyond black or white by half a step or
    more; ``depth`` is that of the first page; ``notes`` say what the format could not hold.
    """

    data: bytes
    clipped: int
    depth: Depth
    notes: tuple[str, ...] = ()
    folder: Folder | None = None

    def write(self, path: Path) -> tuple[str, ...]:
        """Write it onto ``path``, as `write_atomically` does, or as the folder that it is; give notes."""
        if self.folder is None:
            return write_atomically(path, self.data)
        write_folder(path, self.folder)
        return ()


def encode(
    pictures: Sequence[Picture],
    *,
    format: str,
    depth: Depth | None = None,
    strip: bool = False,
    quality: int = 95,
) -> Encoded:
    """Encodes pictures as a format of `formats` (several become pages of ``tiff`` and ``fits``;
    of the others, pictures of a stream follow one another).

    ``depth`` None means each picture's own, or the best the format holds, with a note; a depth that
    is asked for and cannot be held is an `ImageError`. ``strip`` leaves ICC, EXIF, resolution and
    text out. ``quality`` 1…100 is that of lossy formats (100 is lossless in WebP, 95 and more in JPEG 2000
    and JPEG XL).
    """
    row = BY_NAME.get(format)
    name = pictures[0].name if pictures else "nothing"
    if row is None or not row.writable:
        writable = ", ".join(row.name for row in BY_NAME.values() if row.writable)
        raise ImageError(name, f"cannot be written as {format!r}", f"use one of {writable}")
    stream = bool(pictures) and all(picture.streamed for picture in pictures)
    if len(pictures) != 1 and not (pictures and (row.pages or stream)):
        raise ImageError(
            name, f"{len(pictures)} pages do not fit into one {row.title}", "write a TIFF"
        )
    sheets = [sheet(picture, row, depth, strip) for picture in pictures]
    try:
        rasters = [one.raster for one in sheets]
        files = [rasters] if row.pages else [[raster] for raster in rasters]
        folder = row.encode_folder(rasters) if row.encode_folder is not None else None
        encoder = row.encode
        data = b"" if encoder is None else b"".join(encoder(pages, quality) for pages in files)
    except CodecError as error:  # a library is not installed
        raise ImageError(name, error.cause, error.remedy) from error
    except Exception as error:  # encoders raise whatever they like
        raise ImageError(name, f"cannot be encoded as {row.title} ({reason(error)})") from error
    notes = tuple(dict.fromkeys(note for one in sheets for note in one.raster.notes))
    if folder is not None:
        notes = (*notes, *folder.notes)
    return Encoded(data, sum(one.clipped for one in sheets), sheets[0].depth, notes, folder)


@dataclass(frozen=True)
class Sheet:
    """One picture as the samples that are stored."""

    raster: Raster
    clipped: int
    depth: Depth


def sheet(picture: Picture, row: Format, asked: Depth | None, strip: bool) -> Sheet:
    """Turns one picture into the samples that are stored."""
    if max(picture.shape) > row.longest_side:
        cause = f"{picture.shape[1]} × {picture.shape[0]} pixels are too many for {row.title}"
        raise ImageError(picture.name, cause, "write a PNG or TIFF")
    if not np.isfinite(picture.pixels).all():
        raise ImageError(
            picture.name, "the restored pixels are not all finite", "nothing is written"
        )
    if picture.extra and not row.channels:
        raise ImageError(
            picture.name,
            f"{row.title} cannot hold channels that are no colours",
            "write a TIFF (-o tiff:- on standard output)",
        )
    depth, notes = _depth(picture, row, asked)
    pixels, alpha = picture.pixels, picture.alpha
    if alpha is not None and not row.alpha:
        notes.append(f"{row.title} cannot hold transparency: the picture was laid on white")
        pixels, alpha = pixels * alpha[..., None] + (1 - alpha[..., None]), None
    if depth is Depth.FLOAT:
        samples, clipped = _in_own_type(picture, row, asked, notes)
        parts = [samples] if alpha is None else [samples, alpha[..., None]]
    else:
        dtype, full = FULL[depth]
        levels = np.rint(pixels * np.float32(full))
        beyond = (levels < 0) | (levels > full)
        clipped = int(beyond.any(axis=2).sum())
        parts = [np.clip(levels, 0, full).astype(dtype)]
        if alpha is not None:
            parts.append(np.rint(alpha[..., None] * np.float32(full)).astype(dtype))
    metadata = picture.metadata.stripped() if strip else written_metadata(picture, row, notes)
    raster = Raster(
        np.concatenate(parts, axis=2),
        alpha is not None,
        metadata,
        notes=tuple(notes),
        extra=picture.extra,
        place=picture.place,
    )
    return Sheet(raster, clipped, depth)


def _in_own_type(
    picture: Picture, row: Format, asked: Depth | None, notes: list[str]
) -> tuple[NDArray[Any], int]:
    """The samples as floats, or as the integers that they were in a Zarr, and how many were clipped."""
    samples, place = stored_again(picture), picture.metadata.zarr
    if place is None or place.integers is None:
        return samples, 0
    if row.name != "zarr" or asked is not None:
        notes.append(f"{place.integers} samples are written as floats")
        return samples, 0
    limits, whole = np.iinfo(place.integers), np.rint(samples)
    beyond = (whole < limits.min) | (whole > limits.max)
    return np.clip(whole, limits.min, limits.max).astype(place.integers), int(
        beyond.any(axis=2).sum()
    )


def _depth(picture: Picture, row: Format, asked: Depth | None) -> tuple[Depth, list[str]]:
    """The depth to store, and a note where that is less than the picture's own."""
    depth, notes = asked or picture.depth, []
    if depth not in row.depths:
        if asked is not None:
            held = " or ".join(row.depths)
            raise ImageError(
                picture.name,
                f"{row.title} cannot hold depth {depth}",
                f"use --depth {held}, or write a TIFF",
            )
        depth = row.depths[-1]
        notes.append(f"{row.title} cannot hold depth {picture.depth}: written with {depth} bits")
    if depth is not Depth.FLOAT and picture.value_range != (0.0, 1.0):
        low, span = picture.value_range
        notes.append(f"values {low:g} … {low + span:g} are written as black … white")
    return depth, notes


def written_metadata(
    picture: Picture, row: Format, notes: list[str], size: tuple[int, int] | None = None
) -> Metadata:
    """The metadata as the file will state it: resolution and pixel ``size`` are those of the result."""
    metadata = picture.metadata
    dpi = metadata.resolution.dpi if metadata.resolution is not None else None
    block = exif.revised(metadata.exif, size or (picture.shape[1], picture.shape[0]), dpi)
    if row.name == "jpeg" and block is not None and len(block) > LONGEST_EXIF:
        notes.append(f"the EXIF block of {len(block)} bytes is too long for JPEG and was left out")
        block = None
    unstructured = exif.without(block, exif.STRUCTURE)
    if row.name not in ("tiff", "zarr"):  # what describes a stack is true in these only
        block = unstructured
    icc = metadata.icc
    if icc is not None and icc[16:20] == b"GRAY" and row.name in ("webp", "avif", "heic"):
        notes.append(f"{row.title} has no gray: the gray colour profile was left out")
        icc = None
    if icc is not None and row.name == "jxl":
        notes.append("JPEG XL is written without a colour profile: it was left out")
        icc = None
    if metadata.fits is not None and row.name != "fits":
        notes.append(f"{row.title} cannot hold the header of the FITS file: it was left out")
    if row.name == "fits" and (icc is not None or block is not None):
        notes.append("FITS cannot hold a colour profile or EXIF: they were left out")
    if metadata.zarr is not None and row.name != "zarr":
        kept = (
            "axes, sizes of pixels and names of channels are kept; " if row.name == "tiff" else ""
        )
        notes.append(f"{row.title} cannot hold all of an OME-Zarr: {kept}the rest is left out")
    if row.name == "zarr" and (icc is not None or unstructured is not None):
        notes.append("OME-Zarr cannot hold a colour profile, EXIF or tags: they were left out")
    return replace(metadata, exif=block, icc=icc)
