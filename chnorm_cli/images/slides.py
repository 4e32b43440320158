"""A TIFF with one picture that is read window by window, however large it is.

    slide = open_slide(Path("slide.tif"), name="slide.tif")
    window = slide.read(slice(0, 1024), slice(2048, 3072))

Its tiles or strips are decoded as they are needed; the file is mapped, not read.
"""

from __future__ import annotations

import mmap
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chnorm_cli.images import exif, tiff
from chnorm_cli.images.errors import CodecError, ImageError, reason
from chnorm_cli.images.formats import HEAD, recognise
from chnorm_cli.images.picture import Picture
from chnorm_cli.images.raster import Raster
from chnorm_cli.images.reading import window_of
from chnorm_cli.images.samples import FIXED_SPANS, SampleRule
from chnorm_cli.images.stacks import Leaf, contents

CACHED = 1 << 25  # bytes of decoded tiles or strips that are kept for the next window
MOST_CHUNK = (
    1 << 28
)  # bytes that are decoded at once; what is stored in larger pieces is read whole
LOOK = 2048  # rows and columns that are looked at together for the range of floats
# A file with fewer bytes a pixel is a bomb: slides that JPEG has compressed most have ten times as many.
LEAST_BYTES = 1 / 256


class Slide:
    """A picture (H, W) of a TIFF. Sent to another process, it opens its file there again."""

    form = "tiff"  # by the name of `formats`

    def __init__(self, path: Path, name: str, rule: SampleRule | None = None) -> None:
        self.path, self.name = path, name
        self._rule = rule
        self._opened: _Opened | None = None

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs."""
        return {"path": self.path, "name": self.name, "_rule": self.rule, "_opened": None}

    @property
    def size(self) -> tuple[int, int]:
        """(H, W)."""
        page = self._open().leaf.page
        return page.imagelength, page.imagewidth

    @property
    def tile(self) -> tuple[int, int] | None:
        """Height and width of its tiles, in pixels; None where it has strips."""
        page = self._open().leaf.page
        return (page.tilelength, page.tilewidth) if page.is_tiled else None

    @property
    def plausible(self) -> bool:
        """Whether the file is long enough for the pixels that it states."""
        height, width = self.size
        return self.path.stat().st_size >= LEAST_BYTES * height * width

    @property
    def rule(self) -> SampleRule:
        """How its samples map to the nominal range; floats are looked through once for that."""
        if self._rule is None:
            self._rule = self._find_rule()
        return self._rule

    def head(self) -> Picture:
        """The first pixel, with the metadata of the whole, its notes and what is lost."""
        opened = self._open()
        picture = self.read(slice(0, 1), slice(0, 1))
        height, width = self.size
        metadata = picture.metadata
        metadata = replace(metadata, exif=exif.revised(metadata.exif, (width, height), None))
        notes = picture.notes + opened.notes
        return replace(picture, metadata=metadata, notes=notes, lost=opened.lost)

    def read(self, rows: slice, columns: slice) -> Picture:
        """The picture in a window; raises `ImageError` where it cannot be decoded."""
        try:
            return window_of(self._raster(rows, columns), self.name, self.rule, self.form)
        except CodecError as error:
            raise ImageError(self.name, error.cause, error.remedy) from error

    def _open(self) -> _Opened:
        if self._opened is None:
            self._opened = _Opened(self.path)
        return self._opened

    def _raster(self, rows: slice, columns: slice) -> Raster:
        opened = self._open()
        return tiff.raster_of(opened.leaf, opened.data, opened.samples(rows, columns))

    def _find_rule(self) -> SampleRule:
        dtype = self._raster(slice(0, 1), slice(0, 1)).samples.dtype
        if dtype.name in FIXED_SPANS:
            return SampleRule(dtype, 0.0, FIXED_SPANS[dtype.name])
        low, high = np.inf, -np.inf
        height, width = self.size
        for top in range(0, height, LOOK):
            for left in range(0, width, LOOK):
                window = slice(top, min(top + LOOK, height)), slice(left, min(left + LOOK, width))
                samples = self._raster(*window).samples
                if not np.isfinite(samples).all():
                    raise ImageError(
                        self.name,
                        "holds values that are not finite numbers, and is too large to fill them",
                        "give them a value first, or cut out a region",
                    )
                low, high = min(low, float(samples.min())), max(high, float(samples.max()))
        if dtype.kind == "f" and low >= 0.0 and high <= 1.0:
            return SampleRule(dtype, 0.0, 1.0)
        return SampleRule(dtype, low, (high - low) or 1.0)


class _Opened:
    """The mapped file, its one page, and the tiles or strips that were decoded last."""

    def __init__(self, path: Path) -> None:
        from tifffile import TiffFile

        with path.open("rb") as file:
            self.mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.data: bytes = self.mapped  # type: ignore[assignment]  # it is sliced like bytes
        self.file = TiffFile(path)
        found = contents(self.file, self.data)
        self.leaf: Leaf = found.leaves[0]
        self.count, self.notes, self.lost = len(found.leaves), found.notes, found.lost
        self._decoded: OrderedDict[int, NDArray[Any] | None] = OrderedDict()

    def samples(self, rows: slice, columns: slice) -> NDArray[Any]:
        """The samples (h, w, C) in a window."""
        page = self.leaf.page
        shape = rows.stop - rows.start, columns.stop - columns.start, page.samplesperpixel
        if page.is_memmappable:
            return self._mapped(rows, columns).reshape(shape)
        window = np.full(shape, page.nodata, np.dtype(page.dtype))
        deep, wide = self.chunk
        across, along = -(-page.imagewidth // wide), -(-page.imagelength // deep)
        for plane in range(self.planes):
            channels = slice(plane, plane + 1) if self.planes > 1 else slice(None)
            for down in range(rows.start // deep, -(-rows.stop // deep)):
                to_rows, from_rows = _overlap(rows, down * deep, deep)
                for right in range(columns.start // wide, -(-columns.stop // wide)):
                    to_columns, from_columns = _overlap(columns, right * wide, wide)
                    part = self._segment((plane * along + down) * across + right)
                    if part is not None:
                        window[to_rows, to_columns, channels] = part[from_rows, from_columns]
        return window

    @property
    def planes(self) -> int:
        """How many planes of samples follow one another."""
        page = self.leaf.page
        return int(page.samplesperpixel) if page.planarconfig == 2 else 1

    @property
    def chunk(self) -> tuple[int, int]:
        """Height and width of what is decoded at once."""
        page = self.leaf.page
        if page.is_tiled:
            return page.tilelength, page.tilewidth
        return min(page.rowsperstrip, page.imagelength), page.imagewidth

    def _mapped(self, rows: slice, columns: slice) -> NDArray[Any]:
        """A window of samples that lie in the file as they are."""
        page = self.leaf.page
        dtype = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
        shape = (self.planes, page.imagelength, page.imagewidth, -1)
        count = page.imagelength * page.imagewidth * page.samplesperpixel
        whole = np.frombuffer(self.mapped, dtype, count, page.dataoffsets[0]).reshape(shape)
        part = whole[:, rows, columns].astype(dtype.newbyteorder("="))
        return np.moveaxis(part, 0, -1)[..., 0, :] if self.planes > 1 else part[0]

    def _segment(self, index: int) -> NDArray[Any] | None:
        """Tile or strip ``index``, (h, w, C); None where it is not stored."""
        if index in self._decoded:
            self._decoded.move_to_end(index)
            return self._decoded[index]
        page = self.leaf.page
        offset, count = page.dataoffsets[index], page.databytecounts[index]
        part = None
        if count:
            found, _, _ = page.decode(
                self.data[offset : offset + count], index, jpegtables=page.jpegtables
            )
            part = None if found is None else np.asarray(found)[0]
        self._decoded[index] = part
        size = 0 if part is None else part.nbytes
        while len(self._decoded) > 1 and len(self._decoded) * size > CACHED:
            self._decoded.popitem(last=False)
        return part


def _overlap(window: slice, start: int, length: int) -> tuple[slice, slice]:
    """Where a part of so many rows or columns lies in a window, and what of the part lies there."""
    first, last = max(window.start, start), min(window.stop, start + length)
    return slice(first - window.start, last - window.start), slice(first - start, last - start)


def open_slide(path: Path, name: str) -> Slide | None:
    """Opens a TIFF that can be read window by window; None for any other file or kind of picture.

    It has one upright gray or RGB picture, no colour table, and no alpha in floats.
    """
    try:
        with path.open("rb") as file:
            row = recognise(file.read(HEAD))
        if row is None or row.name != "tiff":
            return None
        slide = Slide(path.absolute(), name)
        opened = slide._open()
        page = opened.leaf.page
        if opened.count != 1 or opened.leaf.offset is not None:
            return None
        tiff.check(page, len(opened.data))
        raster = slide._raster(slice(0, 1), slice(0, 1))
    except CodecError:
        return None  # whoever reads it whole says why it cannot be
    except Exception as error:
        if isinstance(error, OSError):
            return None
        raise ImageError(
            name, f"cannot be opened ({reason(error)})", "the file is damaged"
        ) from error
    if not page.is_memmappable and np.prod(opened.chunk) * raster.samples[0, 0].nbytes > MOST_CHUNK:
        return None
    floats_with_alpha = raster.alpha and raster.samples.dtype.name not in FIXED_SPANS
    if raster.palette or raster.extra or raster.orientation != 1 or floats_with_alpha:
        return None
    return slide
