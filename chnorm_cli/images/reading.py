"""From a file or bytes to pictures, with every way of failing turned into one `ImageError`."""

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from chnorm_cli.images import exif
from chnorm_cli.images.axes import in_words, of_one_range
from chnorm_cli.images.compression import StoredJpeg
from chnorm_cli.images.errors import CodecError, ImageError, reason
from chnorm_cli.images.folders import is_picture_folder
from chnorm_cli.images.formats import BY_NAME, HEAD, Format, identify
from chnorm_cli.images.keeping import Piece, pieces
from chnorm_cli.images.metadata import Metadata
from chnorm_cli.images.picture import Depth, Picture
from chnorm_cli.images.raster import Raster
from chnorm_cli.images.samples import (
    FIXED_SPANS,
    FloatArray,
    SampleRule,
    apply_rule,
    filled_where_not_finite,
    rule_for,
)

DEFAULT_MAX_PIXELS = 100_000_000  # of all pages read together; RGB takes 12 bytes a pixel
BYTES_PER_PIXEL = 64  # no stored pixel takes more, so longer files are not what they say
USUAL = 4  # channels of a pixel; more of them count as more pixels
FREE_BYTES = 2**26  # for metadata
BLOCK = 2**24  # bytes; one read of the whole limit would reserve the limit

DEPTHS = {"bool": Depth.EIGHT, "uint8": Depth.EIGHT, "uint16": Depth.SIXTEEN}
UPRIGHT: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a[::-1].swapaxes(0, 1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: a[:, ::-1].swapaxes(0, 1),
}


def read_pictures(
    source: Path | bytes,
    *,
    name: str,
    page: int | Literal["all"] | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    streamed: bool = False,
    paged: bool = True,
) -> list[Picture]:
    """Reads one picture, or page ``page`` (from 1) or all pages of a file that has several.

    Pictures that follow one another, as a stream of them does, count as pages; with ``streamed``
    and without ``page`` all of them are read, and all planes of a folder (Zarr). ``paged`` False says that the caller knows no page to
    choose, for the error. ``name`` is what errors call the source. Sizes are
    checked against ``max_pixels`` (all pages read together) from the headers, before memory is
    taken. Raises `ImageError`, and nothing else, for whatever is wrong with the file.
    """
    data, row = _load(source, name, max_pixels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Pillow about damaged EXIF
        with _told(name, row, 1, 1):
            found = pieces(data, row)
        surveys, counts = [], []
        for number, piece in enumerate(found, start=1):
            with _told(name, piece.row, number, len(found)):
                surveys.append(piece.row.survey(piece.data))
                many = piece.row.counted
                counts.append([1] * len(surveys[-1]) if many is None else many(piece.data))
        places = [(at, index) for at, sizes in enumerate(surveys) for index in range(len(sizes))]
        if streamed and page is None and len(found) > 1 and len(places) == len(found):
            page = "all"
        if streamed and page is None and row.encode_folder is not None:
            page = "all"  # a folder is one picture, however many planes it has
        if page is None and len(places) > 1:
            raise _ambiguous(len(places), found, name, paged=paged)
        chosen = [places[index] for index in _chosen(len(places), page, name)]
        sizes = [surveys[at][index] for at, index in chosen]
        _check_sizes(sizes, [counts[at][index] for at, index in chosen], max_pixels, name)
        pictures = list[Picture]()
        for at, group in groupby(chosen, key=lambda place: place[0]):
            piece, pages = found[at], [index for _, index in group]
            with _told(name, piece.row, at + 1, len(found)):
                pictures += _pictures(piece, pages, name, len(surveys[at]))
    stream = len(found) > 1
    pictures = [replace(p, held=len(places), streamed=stream) for p in pictures]
    return pictures if stream else of_one_range(pictures)


def window_of(raster: Raster, name: str, rule: SampleRule, form: str = "tiff") -> Picture:
    """Turns a window of a TIFF or Zarr into a picture, by the rule of the whole."""
    return _picture(raster, BY_NAME[form], name, 0, 1, rule)


def _pictures(piece: Piece, pages: Sequence[int], name: str, count: int) -> Iterator[Picture]:
    for index, raster in zip(pages, piece.row.decode(piece.data, pages), strict=True):
        picture = _picture(raster, piece.row, name, index, count)
        if piece.row.name == "jpeg" and index == 0:
            stored = StoredJpeg(bytes(piece.data), raster.orientation)
            picture = replace(picture, jpeg=stored)
        if len(pages) < count:
            picture = replace(picture, metadata=picture.metadata.alone())
        yield replace(picture, lost=picture.lost + piece.lost)


@contextmanager
def _told(name: str, row: Format, number: int, count: int) -> Iterator[None]:
    """Turns whatever a decoder raises into an `ImageError` that says of which picture."""
    where = f"picture {number} of {count} " if count > 1 else ""
    try:
        yield
    except ImageError:
        raise
    except CodecError as error:
        raise ImageError(name, where + error.cause, error.remedy) from error
    except Exception as error:  # decoders raise whatever they like on damaged files
        remedy = "the file is damaged or of a kind that chnorm does not read"
        raise ImageError(
            name, f"{where}cannot be decoded as {row.title} ({reason(error)})", remedy
        ) from error


def _load(source: Path | bytes, name: str, max_pixels: int) -> tuple[bytes, Format]:
    if isinstance(source, Path) and is_picture_folder(source):
        return os.fsencode(source.absolute()), BY_NAME["zarr"]
    if isinstance(source, bytes):
        return source, identify(source[:HEAD], name)
    try:
        with source.open("rb") as file:
            head = file.read(HEAD)
            row = identify(head, name)  # before the rest is read: /dev/zero has no end
            return head + _rest(file, name, max_pixels), row
    except (OSError, MemoryError) as error:
        if source.is_dir():
            raise ImageError(
                name, "is a folder", "give a picture, or the pictures in it"
            ) from error
        raise ImageError(name, f"cannot be read ({reason(error)})", "check the path") from error


def _rest(file: BinaryIO, name: str, max_pixels: int) -> bytes:
    limit = max_pixels * BYTES_PER_PIXEL + FREE_BYTES
    blocks, total = [], 0
    while block := file.read(BLOCK):
        blocks.append(block)
        total += len(block)
        if total > limit:
            cause = f"is longer than {limit} bytes"
            raise ImageError(name, cause, "raise --max-pixels if you trust it")
    return b"".join(blocks)


def _ambiguous(count: int, found: Sequence[Piece], name: str, *, paged: bool) -> ImageError:
    standing = found[0].row.standing
    if len(found) > 1:
        what = f"holds {count} pictures in one stream"
    else:
        axes = "" if standing is None else in_words(standing(found[0].data))
        what = f"has {count} pages{axes}"
    choose = f"give --page 1 … --page {count}, or --page all"
    return ImageError(name, what, choose if paged else "give the one you mean as a file of its own")


def _chosen(count: int, page: int | Literal["all"] | None, name: str) -> Sequence[int]:
    """The pages to read, counted from 0."""
    if count == 0:
        raise ImageError(name, "holds no picture", "get a complete copy of the file")
    if page == "all":
        return range(count)
    if page is None:
        return (0,)
    if not 1 <= page <= count:
        pages = "1 page" if count == 1 else f"{count} pages"
        raise ImageError(name, f"has {pages}, so there is no page {page}", "pages count from 1")
    return (page - 1,)


def _check_sizes(
    sizes: Sequence[tuple[int, int]], counts: Sequence[int], max_pixels: int, name: str
) -> None:
    """Refuse what takes more memory than is allowed; up to USUAL channels take that of one pixel."""
    pairs = list(zip(sizes, counts, strict=True))
    total = sum(width * height * -(-max(1, count) // USUAL) for (width, height), count in pairs)
    (width, height), count = max(pairs)
    if min(min(size) for size in sizes) < 1:
        raise ImageError(
            name, f"states the impossible size {width} × {height}", "the file is damaged"
        )
    if total > max_pixels:
        channels = f" of {count} channels" if count > USUAL else ""
        pages = f" and more on {len(sizes)} pages" if len(sizes) > 1 else ""
        what = f"states {width} × {height} pixels{channels}{pages}, {total} in all"
        raise ImageError(
            name,
            f"{what}; the limit is {max_pixels}",
            f"give --max-pixels {total} if you trust the file and have the memory",
        )


def _picture(
    raster: Raster,
    row: Format,
    name: str,
    index: int,
    count: int,
    rule: SampleRule | None = None,
) -> Picture:
    """Turns stored samples upright and nominal, by a ``rule`` that is known, and splits alpha off."""
    samples = UPRIGHT[raster.orientation](raster.samples)
    notes = raster.notes
    colors = samples[..., :-1] if raster.alpha else samples
    extra = raster.extra
    if raster.palette and raster.metadata.icc is None and _gray(colors):
        colors = colors[..., :1]
    if colors.shape[2] - extra not in (1, 3):
        raise CodecError(
            f"has {colors.shape[2]} colour channels", "convert it to gray or RGB first"
        )
    try:
        given = colors
        colors, missing = filled_where_not_finite(given)
        rule = rule or rule_for(colors)
        pixels = apply_rule(np.ascontiguousarray(colors), rule)
        alpha = _alpha(samples[..., -1]) if raster.alpha else None
    except ValueError as error:
        raise CodecError(f"cannot be restored: {error}", "replace such values first") from error
    metadata = _upright(raster, (pixels.shape[1], pixels.shape[0]), index + 1, count)
    if raster.metadata.exif is not None and metadata.exif is None:
        notes += ("damaged EXIF was left out",)
    fixed = rule.dtype.name in FIXED_SPANS
    back = raster.metadata.zarr is not None and raster.metadata.zarr.integers is not None
    if not fixed and rule.dtype.kind != "f" and not back:
        notes += (f"{rule.dtype} samples are restored and written as floats",)
    elif rule.dtype.name == "float64":
        notes += ("64-bit floats are restored and written as 32-bit floats",)
    if missing is not None:
        count = int(missing.sum())
        notes += (
            f"{count} pixels are not finite numbers: they count as missing and are filled"
            if count > 1
            else "1 pixel is not a finite number: it counts as missing and is filled",
        )
    value_range = (0.0, 1.0) if fixed else (rule.offset, rule.span)
    return Picture(
        pixels,
        alpha,
        DEPTHS.get(rule.dtype.name, Depth.FLOAT),
        value_range,
        metadata,
        row.name,
        name,
        None if value_range == (0.0, 1.0) else np.ascontiguousarray(colors, np.float32),
        notes,
        missing,
        extra,
        raster.lost,
        place=raster.place,
        missing_values=~np.isfinite(given) if extra and missing is not None else None,
    )


def _gray(colors: NDArray[Any]) -> bool:
    return bool((colors == colors[..., :1]).all())


def _alpha(samples: NDArray[Any]) -> FloatArray:
    """Alpha in [0, 1]; float alpha that goes beyond 1 is divided by its maximum."""
    rule = rule_for(samples)
    if rule.dtype.name in FIXED_SPANS:
        return np.ascontiguousarray(apply_rule(samples, rule))
    highest = max(1.0, float(samples.max()))
    return np.clip(samples / highest, 0, 1).astype(np.float32)


def _upright(raster: Raster, size: tuple[int, int], page: int, pages: int) -> Metadata:
    """The metadata after turning: orientation 1, the resolution turned along."""
    metadata = replace(raster.metadata, page=page, pages=pages)
    if raster.orientation >= 5 and metadata.resolution is not None:
        metadata = replace(metadata, resolution=metadata.resolution.swapped())
    return replace(metadata, exif=exif.revised(metadata.exif, size, None))
