"""What a TIFF holds: pages with a directory, and the slices of stacks that have one for all.

Whatever tifffile's series know as pictures is a `Leaf`; what chnorm does not read is refused by name.
"""

import io
import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chnorm_cli.images import descriptions
from chnorm_cli.images.errors import CodecError

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

BLOCK = 1 << 16  # bytes
REDUCED, MASK = 1, 4  # NewSubfileType of thumbnails and pyramid levels, and of transparency masks
DNG_VERSION, LAYERS = 50706, 37724
# Tags with one number each; damage can make lists of them, and list × height fills the memory.
NUMBERS = (
    *(
        "imagewidth",
        "imagelength",
        "imagedepth",
        "samplesperpixel",
        "bitspersample",
        "rowsperstrip",
    ),
    *("tilewidth", "tilelength", "tiledepth", "photometric", "planarconfig", "subfiletype"),
)
SLIDES = {
    "is_svs": "Aperio SVS",
    "is_ndpi": "Hamamatsu NDPI",
    "is_scn": "Leica SCN",
    "is_philips": "Philips TIFF",
    "is_bif": "Ventana BIF",
    "is_qpi": "PerkinElmer QPTIFF",
    "is_avs": "Argos AVS",
    "is_indica": "Indica TIFF",
}
# Series that can have one directory for many slices. Others name their pages one by one, and to
# follow them would mean to believe the sizes that a description states.
WITHOUT_DIRECTORIES = ("is_imagej", "is_shaped", "is_stk", "is_nih")


@dataclass(frozen=True)
class Leaf:
    """One picture of a TIFF: a page, or the samples at ``offset`` that are described like it.

    ``first`` is the one of its page that tells what the page says of the whole stack.
    """

    page: "TiffPage"
    offset: int | None = None
    first: bool = True

    def samples(self, data: bytes) -> NDArray[Any]:
        """The samples in the order of the page's shape."""
        if self.offset is None:
            return np.asarray(self.page.asarray())
        dtype = np.dtype(self.page.dtype).newbyteorder(self.page.parent.byteorder)
        count = math.prod(self.page.shape)
        flat = np.frombuffer(data, dtype, count, self.offset)
        return flat.reshape(self.page.shape).astype(dtype.newbyteorder("="))


@dataclass(frozen=True)
class Contents:
    """The pictures of a TIFF, and what is left out: with a note, or because only the file has it."""

    leaves: list[Leaf]
    notes: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


def contents(file: "TiffFile", data: bytes) -> Contents:
    """Finds the pictures; raises `CodecError` for a kind of file that cannot be kept whole."""
    everything: list[Any] = list(file.pages)
    if any(DNG_VERSION in page.tags for page in everything):
        raise CodecError("is a camera raw file", "develop it to a TIFF or PNG first")
    for page in everything:
        if not all(isinstance(getattr(page, number), int) for number in NUMBERS):
            raise CodecError("has a damaged directory", "get a complete copy of the file")
    for flag, kind in SLIDES.items():
        if getattr(file, flag, False):
            raise CodecError(f"is a whole-slide picture ({kind})", "cut out a region of it first")
    notes, lost = _copies(everything)
    lost += _broken_chain(file, everything, data)
    if any(LAYERS in page.tags for page in everything):
        lost += ("the layers that Photoshop keeps in the TIFF are left out",)
    pages = [p for p in everything if not p.subfiletype & (REDUCED | MASK)] or everything
    leaves = _without_directories(data, pages) if _may_hide(file) else []
    leaves = leaves or [Leaf(page) for page in pages]
    notes += _check_count(pages, leaves, data)
    hidden = _unexplained(file, everything, leaves, data)
    return Contents(leaves, notes, lost + hidden)


def _copies(pages: list[Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Tells what smaller copies, masks and sub-images there are; refuses pyramids by name."""
    reduced = [page for page in pages if page.subfiletype & REDUCED]
    masks = [page for page in pages if page.subfiletype & MASK]
    for number, page in enumerate(pages, start=1):
        below = list(page.pages) if page.subifds else []
        smaller = [sub for sub in below if sub.subfiletype & REDUCED]
        if len(smaller) < len(below):
            raise CodecError(
                f"holds {len(below) - len(smaller)} pictures inside of page {number} (SubIFDs)",
                "save them as pages",
            )
        reduced += smaller
    plain = len(pages) - sum(bool(page.subfiletype & REDUCED) for page in pages)
    if len(reduced) > max(1, plain) or (len(reduced) > 1 and plain == 1):
        raise CodecError(
            f"is a pyramid of {len(reduced) + 1} levels", "save its full resolution alone first"
        )
    notes = (f"smaller copies in the TIFF, {len(reduced)}, are left out",) if reduced else ()
    lost = (f"transparency masks in the TIFF, {len(masks)}, are left out",) if masks else ()
    if not plain:
        notes = ()  # nothing else is there, so these are the pictures
    return notes, () if len(masks) == len(pages) else lost


def _broken_chain(file: "TiffFile", pages: list[Any], data: bytes) -> tuple[str, ...]:
    """Tells of a further directory that tifffile could not read; refuses one beyond the end."""
    count, entry, pointer = ("Q", 20, "Q") if file.is_bigtiff else ("H", 12, "I")
    offsets = {page.offset for page in pages}
    last = pages[-1].offset
    try:
        (tags,) = struct.unpack_from(file.byteorder + count, data, last)
        at = last + struct.calcsize(count) + entry * tags
        (following,) = struct.unpack_from(file.byteorder + pointer, data, at)
    except struct.error as error:
        raise CodecError("is cut off", "get a complete copy of the file") from error
    if following in offsets | {0}:
        return ()
    if following >= len(data):
        raise CodecError("is cut off: it names more pages", "get a complete copy of the file")
    return ("a page that cannot be read is left out",)


def _may_hide(file: "TiffFile") -> bool:
    return any(getattr(file, flag, False) for flag in WITHOUT_DIRECTORIES)


def _without_directories(data: bytes, pages: list[Any]) -> list[Leaf]:
    """The slices of stacks with one directory; none where every slice has its own."""
    from tifffile import TiffFile

    found, whole = list[Leaf](), False
    by_offset = {page.offset: page for page in pages}
    # Another file object: looking at series turns pages into frames, which know less.
    with TiffFile(io.BytesIO(data) if isinstance(data, bytes) else data) as file:
        for series in file.series:
            page = by_offset.get(series.keyframe.offset)
            if page is None:
                return []
            count = math.prod(series.shape) // max(1, math.prod(page.shape))
            start = series.dataoffset
            listed = sum(other.offset >= page.offset for other in pages)
            if count <= 1 or start is None or (count <= listed and len(pages) > 1):
                found.append(Leaf(page))
                continue
            whole = True
            if start + count * page.nbytes > len(data):
                raise CodecError("is cut off", "get a complete copy of the file")
            found += [Leaf(page, start + k * page.nbytes, k == 0) for k in range(count)]
    return found if whole else []


def _check_count(pages: list[Any], leaves: list[Leaf], data: bytes) -> tuple[str, ...]:
    """Refuses a stack whose slices are not all there; notes where a description counts too many."""
    first = pages[0]
    text = (first.description or "").encode()
    stated = descriptions.images_stated(text)
    if stated <= len(leaves) * max(1, first.samplesperpixel):
        return ()
    if len(pages) == 1 and not descriptions.is_ome(text):
        start = first.dataoffsets[0] if first.is_contiguous else 0
        if first.offset < start and len(data) > start + first.nbytes:
            raise CodecError(
                f"is cut off: its description counts {stated} slices",
                "get a complete copy of the file",
            )
    return (f"the description counts {stated} slices, and the file holds {len(leaves)}",)


def _unexplained(
    file: "TiffFile", pages: list[Any], leaves: list[Leaf], data: bytes
) -> tuple[str, ...]:
    """Tells of as many bytes as a picture has that no directory leads to; refuses another TIFF."""
    known, end, entry = 16, 16, 20 if file.is_bigtiff else 12
    for page in pages:
        spans = list(zip(page.dataoffsets, page.databytecounts, strict=False))
        spans += [(tag.valueoffset, tag.valuebytecount) for tag in page.tags]
        spans.append((page.offset, entry * len(page.tags) + (16 if file.is_bigtiff else 6)))
        known += sum(size for _, size in spans if size > 0)
        end = max([end, *(at + size for at, size in spans if at + size <= len(data))])
    for leaf in leaves:
        if leaf.offset is not None:
            known += leaf.page.nbytes
            end = max(end, leaf.offset + leaf.page.nbytes)
    rest = data[end:].strip(b"\0")
    if rest[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"II*", b"II+"):
        raise CodecError("is followed by another TIFF", "give each a file of its own")
    smallest = min((sum(page.databytecounts) for page in pages), default=0)
    hidden = _without_zeros(data) - known
    if hidden < max(4096, smallest):
        return ()
    return (f"{hidden} bytes that no directory of the TIFF leads to are left out",)


def _without_zeros(data: bytes) -> int:
    """The length without the zeros at the end; a mapped file is not read whole for that."""
    end = len(data)
    while end:
        block = data[max(0, end - BLOCK) : end].rstrip(b"\0")
        if block:
            return max(0, end - BLOCK) + len(block)
        end = max(0, end - BLOCK)
    return 0
