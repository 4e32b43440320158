"""TIFF through tifffile, at every depth: pages, tiles, byte orders, compressions are its business.

Resolution and descriptive tags are read and written here. tifffile would not write EXIF and GPS
directories, so these are appended behind its file and linked in.
"""

import io
import logging
import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chnorm_cli.images import descriptions, exif, ifd, inks
from chnorm_cli.images.axes import Place
from chnorm_cli.images.errors import CodecError
from chnorm_cli.images.metadata import PER_INCH, Metadata, Resolution, Unit, resolution
from chnorm_cli.images.raster import Raster
from chnorm_cli.images.samples import stretch, unmultiplied
from chnorm_cli.images.series import places
from chnorm_cli.images.stacks import Leaf, contents

if TYPE_CHECKING:
    from tifffile import TiffPage

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR = 0, 1, 2, 3, 5, 6
COLORS = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, CMYK: 4, YCBCR: 3}
PREMULTIPLIED, ALPHAS = 1, (1, 2)  # values of ExtraSamples
# Tags that say how the pixels are stored, or that are read elsewhere.
LAYOUT = frozenset(
    {*range(254, 269), *range(273, 285), *range(288, 297), 301, *range(317, 327), 330}
    | {*range(332, 348), *range(512, 522), *range(529, 533), *range(32995, 32999), 34675, 37439}
)
UNITS = {1: Unit.NONE, 2: Unit.INCH, 3: Unit.CENTIMETER}
LARGEST_TILE = 2**24  # pixels; tiles larger than that and than the picture are damage
BIG = 2**32 - 2**25  # bytes that a classic TIFF can address, less room for the tags
# tifffile refuses to write tags 34665 and 34853: their left neighbours are written and renamed.
STAND_INS = {ifd.EXIF_POINTER: 34664, ifd.GPS_POINTER: 34852}

# Without a handler of its own, tifffile's warnings about damaged files would appear on stderr.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


def survey(data: bytes) -> list[tuple[int, int]]:
    """The (width, height) of each picture, from the directories alone."""
    from tifffile import TiffFile

    with TiffFile(io.BytesIO(data)) as file:
        leaves = contents(file, data).leaves
        return [(leaf.page.imagewidth, leaf.page.imagelength) for leaf in leaves]


def counted(data: bytes) -> list[int]:
    """The samples of a pixel of each picture."""
    from tifffile import TiffFile

    with TiffFile(io.BytesIO(data)) as file:
        return [leaf.page.samplesperpixel for leaf in contents(file, data).leaves]


def standing(data: bytes) -> list[Place | None]:
    """Where each picture stands in its stack."""
    from tifffile import TiffFile

    with TiffFile(io.BytesIO(data)) as file:
        return places(data, contents(file, data).leaves)


def decode(data: bytes, pages: Sequence[int]) -> Iterator[Raster]:
    """Decodes pictures (counted from 0, smaller copies and masks left out)."""
    from tifffile import TiffFile

    with TiffFile(io.BytesIO(data)) as file:
        found = contents(file, data)
        there = places(data, found.leaves)
        for page in pages:
            leaf = found.leaves[page]
            check(leaf.page, len(data))
            raster = _raster(leaf, data)
            notes = raster.notes + found.notes
            yield replace(raster, notes=notes, lost=found.lost, place=there[page])


def check(page: "TiffPage", size: int) -> None:
    """Refuses, before pixels are decoded, what is damaged or not a gray or colour picture."""
    colors = COLORS.get(int(page.photometric))
    if colors is None:
        raise CodecError(f"has colours of the kind {page.photometric!s}", "convert it to RGB first")
    if page.imagedepth != 1:
        raise CodecError(
            f"is a volume of {page.imagedepth} slices in one page", "save the slices as pages"
        )
    extra = page.samplesperpixel - colors - _has_alpha(page)
    channels = colors in (1, 3) and page.photometric != PALETTE
    if extra < 0 or (extra and not channels):
        raise CodecError(
            f"has {page.samplesperpixel} channels, which do not belong to {page.photometric!s}",
            "save them as gray or RGB and further channels",
        )
    area = page.imagewidth * page.imagelength
    if page.is_tiled and page.tilewidth * page.tilelength * page.tiledepth > max(
        area, LARGEST_TILE
    ):
        raise CodecError("states tiles of an absurd size", "the file is damaged")
    # tifffile leaves segments that lie beyond the end black; offset and size 0 mean "not stored".
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        if (offset, count) != (0, 0) and not (0 < count <= size - offset):
            raise CodecError("is cut off", "get a complete copy of the file")


def _has_alpha(page: "TiffPage") -> bool:
    """Whether an extra sample is alpha; what is "unspecified", or not stated, is a channel."""
    alphas = [int(kind) for kind in page.extrasamples if int(kind) in ALPHAS]
    if len(alphas) > 1 or (alphas and int(page.extrasamples[-1]) not in ALPHAS):
        raise CodecError("has its alpha among other channels", "put one alpha channel last")
    return bool(alphas) and page.samplesperpixel > COLORS[int(page.photometric)]


def _raster(leaf: Leaf, data: bytes) -> Raster:
    page, samples = leaf.page, leaf.samples(data)
    if page.planarconfig == 2 and page.samplesperpixel > 1:
        samples = np.moveaxis(samples, 0, -1)
    whole = samples.reshape(page.imagelength, page.imagewidth, page.samplesperpixel)
    return raster_of(leaf, data, whole)


def raster_of(leaf: Leaf, data: bytes, samples: NDArray[Any]) -> Raster:
    """Turns decoded samples (h, w, C) of a picture, or of a window of it, into a raster."""
    page = leaf.page
    photometric, integers = int(page.photometric), samples.dtype.kind in "bu"
    if photometric == PALETTE:
        samples = _colors(samples, page.colormap)
    elif integers and page.bitspersample <= 16:
        samples = stretch(samples, 2**page.bitspersample - 1)
        if photometric == WHITE_IS_ZERO:
            samples[..., 0] = np.iinfo(samples.dtype).max - samples[..., 0]
    alpha = _has_alpha(page)
    extra = page.samplesperpixel - COLORS[photometric] - alpha
    notes: tuple[str, ...] = ()
    icc = page.iccprofile
    if photometric == CMYK:
        if samples.dtype.name not in ("uint8", "uint16"):
            raise CodecError(f"holds CMYK as {samples.dtype}", "convert it to RGB first")
        rgb, note = inks.to_rgb(samples[..., :4], icc)
        samples, notes, icc = np.concatenate([rgb, samples[..., 4:]], axis=2), (note,), None
    if alpha and int(page.extrasamples[-1]) == PREMULTIPLIED:
        samples = unmultiplied(samples)
    directory = _directory(page, data)
    notes += _left_out(page)
    kept = {tag: entry for tag, entry in directory.items() if tag in exif.KEPT}
    if not leaf.first:  # the stack is described once
        kept = {tag: entry for tag, entry in kept.items() if tag not in exif.STRUCTURE}
    planar = page.planarconfig == 2 and page.samplesperpixel > 1
    return Raster(
        samples,
        alpha,
        Metadata(icc or None, ifd.block(kept), _resolution(directory), planar=planar),
        exif.orientation(directory),
        palette=photometric == PALETTE,
        notes=notes,
        extra=extra,
    )


def _left_out(page: "TiffPage") -> tuple[str, ...]:
    """Names the tags that are neither kept nor the layout of the pixels."""
    known = exif.KEPT | LAYOUT
    left = [tag.code for tag in page.tags if tag.code not in known]
    if page.parent.is_bigtiff:  # whose EXIF and GPS directories have another shape
        left += [tag.code for tag in page.tags if tag.code in ifd.POINTERS]
    return (f"TIFF tags {', '.join(map(str, left))} are left out",) if left else ()


def _colors(indices: NDArray[Any], table: NDArray[Any] | None) -> NDArray[Any]:
    """Looks up a 16-bit colour table as 8 bits; some writers fill the low byte and some do not."""
    if table is None or indices.shape[2] != 1:
        raise CodecError("has no intact colour table", "convert it to RGB first")
    eight = table >> 8 if not (table & 255).any() else np.rint(table / 257.0)
    return eight.astype(np.uint8).T[indices[..., 0].astype(np.intp)]


def _directory(page: "TiffPage", data: bytes) -> ifd.Directory:
    """The tags of a page that are kept or needed; tags of BigTIFF files are read likewise."""
    order = page.parent.byteorder
    directory: ifd.Directory = {}
    needed = {exif.ORIENTATION, exif.X_RESOLUTION, exif.Y_RESOLUTION, exif.RESOLUTION_UNIT}
    for tag in page.tags:
        kind = int(tag.dtype)
        if tag.code not in exif.KEPT | needed or kind not in ifd.SIZES:
            continue
        size = ifd.SIZES[kind][0] * tag.count
        value = ifd.little_endian(data[tag.valueoffset : tag.valueoffset + size], kind, order)
        if len(value) < size:
            continue
        child = None
        if tag.code in ifd.POINTERS:
            if page.parent.is_bigtiff:  # its directories have another shape
                continue
            try:  # tifffile's valueoffset is where the pointer leads, not where it lies
                (start,) = struct.unpack_from(order + "I", data, tag.offset + 8)
                child = ifd.read(data, start, order, depth=2)
            except (ValueError, struct.error):
                continue  # the picture matters more
        directory[tag.code] = ifd.Entry(kind, tag.count, value, child)
    return directory


def _resolution(directory: ifd.Directory) -> Resolution | None:
    stated = exif.resolution(directory)
    return stated and resolution(stated[0], stated[1], UNITS.get(stated[2], Unit.NONE))


def encode(rasters: Sequence[Raster], quality: int) -> bytes:
    """Encodes pages, uint8, uint16 or float32, deflated; ``quality`` means nothing here."""
    from tifffile import TiffWriter

    buffer = io.BytesIO()
    shapes = {(raster.samples.shape, raster.metadata.planar) for raster in rasters}
    shape = _shape(rasters) if len(shapes) == 1 else None
    directories = [tags_of(raster.metadata, shape) for raster in rasters]
    big = sum(raster.samples.nbytes for raster in rasters) > BIG
    with TiffWriter(buffer, bigtiff=big, byteorder="<") as writer:
        for raster, directory in zip(rasters, directories, strict=True):
            samples, count = raster.samples, raster.samples.shape[2]
            if count == 1:
                samples = samples[..., 0]
            elif raster.metadata.planar:
                samples = np.ascontiguousarray(np.moveaxis(samples, -1, 0))
            writer.write(samples, **arguments(raster, count, directory, big))
    return buffer.getvalue() if big else linked(buffer.getvalue(), directories)


def arguments(raster: Raster, count: int, directory: ifd.Directory, big: bool) -> dict[str, Any]:
    """The keywords with which tifffile writes a page of ``count`` channels."""
    kinds = ["unspecified"] * raster.extra + ["unassalpha"] * raster.alpha
    planar = raster.metadata.planar and count > 1
    return {
        "photometric": "minisblack" if count - len(kinds) == 1 else "rgb",
        "planarconfig": None if count == 1 else "separate" if planar else "contig",
        "extrasamples": kinds or None,
        "compression": "adobe_deflate",
        "predictor": True,
        "iccprofile": raster.metadata.icc,
        "metadata": None,
        "software": False,
        "contiguous": False,
        "extratags": _extratags(directory, big),
        **_resolution_arguments(raster.metadata.resolution),
    }


def _shape(rasters: Sequence[Raster]) -> descriptions.Shape:
    height, width, samples = rasters[0].samples.shape
    planar, dtype = rasters[0].metadata.planar, rasters[0].samples.dtype.name
    return descriptions.Shape(len(rasters), height, width, samples, planar, dtype)


def tags_of(metadata: Metadata, shape: descriptions.Shape | None) -> ifd.Directory:
    """The tags to write; descriptions of a stack as they are true of it, or not at all."""
    tags = {tag: entry for tag, entry in exif.parse(metadata.exif).items() if tag in exif.KEPT}
    stated = tags.get(exif.DESCRIPTION)
    if stated is not None:
        text = descriptions.fitting(stated.value, shape)
        if text is None:
            tags = {tag: entry for tag, entry in tags.items() if tag not in exif.STRUCTURE}
        elif text != stated.value:
            tags[exif.DESCRIPTION] = replace(stated, count=len(text), value=text)
    return tags


def _extratags(directory: ifd.Directory, big: bool) -> list[tuple[int, int, int, Any, bool]]:
    """The tags in tifffile's form; directories below get a stand-in that `linked` replaces."""
    tags: list[tuple[int, int, int, Any, bool]] = []
    for tag, entry in directory.items():
        if entry.child is None and tag not in STAND_INS:
            tags.append((tag, entry.kind, entry.count, entry.value, True))
        elif entry.child is not None and not big:  # directories of a BigTIFF have another shape
            tags.append((STAND_INS[tag], ifd.LONG, 1, 0, True))
    return tags


def _resolution_arguments(found: Resolution | None) -> dict[str, Any]:
    if found is None:
        return {}
    if found.unit is Unit.METER:  # which TIFF has not
        per_inch = PER_INCH[Unit.METER]
        found = replace(found, x=found.x * per_inch, y=found.y * per_inch, unit=Unit.INCH)
    unit = {Unit.NONE: "none", Unit.INCH: "inch", Unit.CENTIMETER: "centimeter"}[found.unit]
    return {"resolution": (exif.rational(found.x), exif.rational(found.y)), "resolutionunit": unit}


def linked(tiff: bytes, directories: Sequence[ifd.Directory]) -> bytes:
    """Appends the EXIF and GPS directories of each page and lets the stand-ins point to them."""
    whole = bytearray(tiff)
    (offset,) = struct.unpack_from("<I", tiff, 4)
    for directory in directories:
        for place in ifd.places(tiff, offset, "<"):
            for pointer, stand_in in STAND_INS.items():
                child = directory[pointer].child if pointer in directory else None
                if place.tag == stand_in and child is not None:
                    whole += b"\0" * (len(whole) % 2)
                    struct.pack_into("<H", whole, place.position - 8, pointer)
                    struct.pack_into("<I", whole, place.position, len(whole))
                    whole += ifd.pack(child, len(whole))
        (count,) = struct.unpack_from("<H", tiff, offset)
        (offset,) = struct.unpack_from("<I", tiff, offset + 2 + 12 * count)
    return bytes(whole)
