"""The table of picture formats: how each is recognised, and what it can hold."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from chnorm_cli.images import (
    avif,
    extents,
    fits,
    flat,
    heif,
    jpeg2000,
    jpegxl,
    ome_zarr,
    ome_zarr_writing,
    png,
    pnm,
    tiff,
)
from chnorm_cli.images.axes import Place
from chnorm_cli.images.errors import ImageError
from chnorm_cli.images.folders import SUFFIX, Folder
from chnorm_cli.images.picture import Depth
from chnorm_cli.images.raster import Bytes, Raster

Survey = Callable[[bytes], list[tuple[int, int]]]
Decode = Callable[[bytes, Sequence[int]], Iterator[Raster]]
Encode = Callable[[Sequence[Raster], int], bytes]
EncodeFolder = Callable[[Sequence[Raster]], Folder]
Extent = Callable[[Bytes], int]
Counted = Callable[[bytes], list[int]]
Standing = Callable[[bytes], list[Place | None]]


@dataclass(frozen=True)
class Format:
    """One row of the table. ``depths`` are those it can be written with, the best last.

    ``extent`` tells where a picture ends; pictures of such a format can follow one another.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    magic: re.Pattern[bytes]
    survey: Survey
    decode: Decode
    encode: Encode | None = None
    depths: tuple[Depth, ...] = ()
    alpha: bool = False
    pages: bool = False
    channels: bool = False  # that are no colours
    longest_side: int = 2**31 - 1
    extent: Extent | None = None
    standing: Standing | None = None  # of formats that know stacks
    counted: Counted | None = None  # the channels of each picture, of formats that hold many
    encode_folder: EncodeFolder | None = None  # of a format whose pictures are folders

    @property
    def writable(self) -> bool:
        """Whether chnorm writes it."""
        return self.encode is not None or self.encode_folder is not None


EIGHT, SIXTEEN, FLOAT = Depth.EIGHT, Depth.SIXTEEN, Depth.FLOAT
HEAD = 32  # bytes that tell a format
NEVER = re.compile(rb"(?!)")  # of what is no file

FORMATS = (
    Format("png", "PNG", (".png", ".apng"), re.compile(rb"\x89PNG\r\n\x1a\n"),
           png.survey, png.decode, png.encode, (EIGHT, SIXTEEN), alpha=True, extent=extents.of_png),
    Format("jpeg", "JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), re.compile(rb"\xff\xd8\xff"),
           flat.survey, flat.decode, flat.encode_jpeg, (EIGHT,), longest_side=65500,
           extent=extents.of_jpeg),
    Format("webp", "WebP", (".webp",), re.compile(rb"RIFF....WEBP", re.DOTALL),
           flat.survey_webp, flat.decode, flat.encode_webp, (EIGHT,), alpha=True,
           longest_side=16383, extent=extents.of_riff),
    Format("avif", "AVIF", (".avif", ".avifs"), avif.MAGIC,
           avif.survey, avif.decode, avif.encode, (EIGHT,), alpha=True, longest_side=16384,
           extent=extents.of_boxes),
    Format("heic", "HEIC", (".heic", ".heif", ".hif"), heif.MAGIC,
           heif.survey, heif.decode, heif.encode, (EIGHT,), alpha=True, longest_side=16384,
           extent=extents.of_boxes),
    Format("jp2", "JPEG 2000", (".jp2", ".j2k", ".jpx", ".j2c", ".jpf", ".jpc"), jpeg2000.MAGIC,
           jpeg2000.survey, jpeg2000.decode, jpeg2000.encode, (EIGHT, SIXTEEN), alpha=True,
           channels=True, extent=jpeg2000.of_file, counted=jpeg2000.counted),
    Format("jxl", "JPEG XL", (".jxl",), jpegxl.MAGIC, jpegxl.survey, jpegxl.decode, jpegxl.encode,
           (EIGHT, SIXTEEN, FLOAT), alpha=True, extent=jpegxl.of_file),
    Format("tiff", "TIFF", (".tif", ".tiff"), re.compile(rb"II[*+]\0|MM\0[*+]"),
           tiff.survey, tiff.decode, tiff.encode, (EIGHT, SIXTEEN, FLOAT), alpha=True, pages=True,
           channels=True, standing=tiff.standing, counted=tiff.counted),
    Format("fits", "FITS", (".fits", ".fit", ".fts"), fits.MAGIC, fits.survey, fits.decode,
           fits.encode, (EIGHT, SIXTEEN, FLOAT), pages=True, standing=fits.standing),
    Format("zarr", "OME-Zarr", (SUFFIX,), NEVER, ome_zarr.survey, ome_zarr.decode,
           depths=(EIGHT, SIXTEEN, FLOAT), pages=True, channels=True, standing=ome_zarr.standing,
           encode_folder=ome_zarr_writing.folder_of),
    Format("bmp", "BMP", (".bmp", ".dib"), re.compile(rb"BM"), flat.survey, flat.decode,
           extent=extents.of_bmp),
    Format("gif", "GIF", (".gif",), re.compile(rb"GIF8[79]a"), flat.survey, flat.decode,
           extent=extents.of_gif),
    Format("pnm", "PNM", (".ppm", ".pgm", ".pbm", ".pnm"), re.compile(rb"P[1-6][\s#]"),
           pnm.survey, pnm.decode, extent=extents.of_pnm),
)  # fmt: skip

BY_NAME = {row.name: row for row in FORMATS}
BY_SUFFIX = {suffix: row for row in FORMATS for suffix in row.suffixes}
READABLE_SUFFIXES = tuple(BY_SUFFIX)
READABLE = ", ".join(row.title for row in FORMATS)
WRITABLE_SUFFIXES = tuple(s for s, row in BY_SUFFIX.items() if row.writable)


def recognise(head: bytes) -> Format | None:
    """The format that begins with these bytes."""
    return next((row for row in FORMATS if row.magic.match(head)), None)


def identify(head: bytes, name: str) -> Format:
    """Tells the format from the first bytes; a file named as another format is refused.

    Such a file was mixed up somewhere, and written back under its name it would mislead again.
    """
    if not head:
        raise ImageError(name, "is empty (0 bytes)", "give a picture")
    row = recognise(head)
    if row is None:
        raise ImageError(name, "is not a picture that chnorm reads", f"give one of {READABLE}")
    named = BY_SUFFIX.get(Path(name).suffix.lower(), row)
    if named is not row:
        raise ImageError(
            name,
            f"is named as {named.title} but holds {row.title}",
            f"rename it to {Path(name).stem}{row.suffixes[0]}",
        )
    return row


def format_for(path: Path) -> str:
    """The name of the format to write for a path, by its suffix; raises ImageError for others."""
    row = BY_SUFFIX.get(path.suffix.lower())
    if row is None or not row.writable:
        cause = (
            f"cannot be written as {path.suffix!r}"
            if path.suffix
            else "has no suffix that names a format"
        )
        raise ImageError(
            str(path), cause, f"end the name with one of {', '.join(WRITABLE_SUFFIXES)}"
        )
    return row.name
