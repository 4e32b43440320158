"""JPEG XL through imagecodecs: 8 and 16 bits, and floats (ISO/IEC 18181).

imagecodecs gives the samples; the head of the codestream and the boxes around it are read here, for the
size that is checked before memory is taken and for what else the file says.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chnorm_cli.images import boxes, exif, flat
from chnorm_cli.images.boxes import Box, box
from chnorm_cli.images.codecs import imagecodecs_with
from chnorm_cli.images.errors import CodecError
from chnorm_cli.images.metadata import Metadata
from chnorm_cli.images.raster import Bytes, Raster
from chnorm_cli.images.samples import unmultiplied

SIGNATURE = b"\0\0\0\x0cJXL \r\n\x87\n"
KIND = box(b"ftyp", b"jxl \0\0\0\0jxl ")
BARE = b"\xff\x0a"
MAGIC = re.compile(re.escape(SIGNATURE) + rb"|" + re.escape(BARE), re.DOTALL)
LOSSLESS = 95  # the quality from which on nothing is lost
LONGEST_EXIF = 2**24  # bytes
DAMAGED = CodecError("is cut off", "get a complete copy of the file")
# How many bits a number has, and what is added to them (18181-1, U32).
SIDES = ((9, 1), (13, 1), (18, 1), (30, 1))
ENUM = ((0, 0), (0, 1), (4, 2), (6, 18))
RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
ALPHA = 0  # kind of an extra channel
RGB_COLOURS, GRAY_COLOURS = 0, 1
D65, SRGB_PRIMARIES, SRGB_CURVE = 1, 1, 13


def _library() -> Any:
    return imagecodecs_with("JPEGXL", "JPEG XL")


@dataclass(frozen=True)
class Head:
    """What the codestream says before its pixels. ``extra`` are the kinds of its extra channels."""

    width: int
    height: int
    animated: bool = False
    extra: tuple[int, ...] = ()
    premultiplied: bool = False
    plain: bool = True  # the colours are those of sRGB


class _Bits:
    """Reads numbers from bytes, the lowest bit first."""

    def __init__(self, data: bytes) -> None:
        self._bits, self._count = int.from_bytes(data[:4096], "little"), 8 * min(4096, len(data))

    def u(self, bits: int) -> int:
        if bits > self._count:
            raise DAMAGED
        value = self._bits & ((1 << bits) - 1)
        self._bits >>= bits
        self._count -= bits
        return value

    def flag(self) -> bool:
        return bool(self.u(1))

    def number(self, kinds: tuple[tuple[int, int], ...]) -> int:
        bits, more = kinds[self.u(2)]
        return self.u(bits) + more


def read_head(stream: bytes) -> Head:
    """Reads the size and what the picture is; raises `CodecError` for what is cut off."""
    if stream[:2] != BARE:
        raise CodecError("holds no JPEG XL codestream", "get a complete copy of the file")
    bits = _Bits(stream[2:])
    head = Head(*_size(bits))
    if bits.flag():  # 8 bits of sRGB, as is usual
        return head
    if bits.flag():
        bits.u(3)  # the orientation, which the decoder applies
        if bits.flag():
            _size(bits)
        if bits.flag():
            raise CodecError("has a preview inside", "convert it to PNG first")
        if bits.flag():
            return replace(head, animated=True)
    _depth(bits)
    bits.flag()
    extra, premultiplied = list[int](), False
    for _ in range(bits.number(((0, 0), (0, 1), (4, 2), (12, 1)))):
        kind, multiplied = _extra(bits)
        extra.append(kind)
        premultiplied = premultiplied or multiplied
    bits.flag()
    return replace(head, extra=tuple(extra), premultiplied=premultiplied, plain=_is_plain(bits))


def _size(bits: _Bits) -> tuple[int, int]:
    """Width and height."""
    small = bits.flag()
    height = 8 * (bits.u(5) + 1) if small else bits.number(SIDES)
    ratio = bits.u(3)
    if ratio:
        many, of = RATIOS[ratio]
        return height * many // of, height
    return 8 * (bits.u(5) + 1) if small else bits.number(SIDES), height


def _depth(bits: _Bits) -> None:
    if bits.flag():
        bits.number(((0, 32), (0, 16), (0, 24), (6, 1)))
        bits.u(4)
    else:
        bits.number(((0, 8), (0, 10), (0, 12), (6, 1)))


def _extra(bits: _Bits) -> tuple[int, bool]:
    """The kind of an extra channel, and whether the colours are multiplied with it."""
    if bits.flag():
        return ALPHA, False
    kind = bits.number(ENUM)
    _depth(bits)
    bits.number(((0, 0), (0, 3), (0, 4), (3, 1)))
    for _ in range(bits.number(((0, 0), (4, 0), (5, 16), (10, 48)))):
        bits.u(8)
    if kind != ALPHA:
        raise CodecError("has channels that are neither colours nor alpha", "convert it to TIFF")
    return kind, bits.flag()


def _is_plain(bits: _Bits) -> bool:
    """Whether the colours are those of sRGB; which others they are is not kept."""
    if bits.flag():
        return True
    if bits.flag():  # an embedded profile, which is coded with the pixels
        return False
    space = bits.number(ENUM)
    if space not in (RGB_COLOURS, GRAY_COLOURS):
        return False
    if bits.number(ENUM) != D65:
        return False
    if space == RGB_COLOURS and bits.number(ENUM) != SRGB_PRIMARIES:
        return False
    return not bits.flag() and bits.number(ENUM) == SRGB_CURVE


def _boxes(data: bytes) -> list[Box]:
    return list(boxes.read_boxes(data)) if data[:12] == SIGNATURE else [Box(b"jxlc", data)]


def _stream(found: Sequence[Box]) -> bytes:
    for one in found:
        if one.kind == b"jxlc":
            return one.content
        if one.kind == b"jxlp":
            return one.content[4:]
    raise CodecError("holds no JPEG XL codestream", "get a complete copy of the file")


def survey(data: bytes) -> list[tuple[int, int]]:
    """The (width, height), from the codestream's head."""
    _library()
    head = read_head(_stream(_boxes(data)))
    if head.animated:
        raise CodecError("is an animation", "save its frames as PNGs first")
    return [(head.width, head.height)]


def of_file(data: Bytes) -> int:
    """Where a file of boxes ends; a codestream without them is alone."""
    return boxes.of_boxes(data) if bytes(data[:12]) == SIGNATURE else len(data)


def decode(data: bytes, pages: Sequence[int]) -> Iterator[Raster]:
    """Decodes the picture, upright."""
    for _ in pages:
        found = _boxes(data)
        head = read_head(_stream(found))
        samples = np.asarray(_library().jpegxl_decode(data))
        samples = samples.reshape(*samples.shape[:2], -1)
        if head.premultiplied:
            samples = unmultiplied(samples)
        block = _exif(found)
        notes = () if head.plain else ("the colour profile of the JPEG XL is left out",)
        lost = tuple(
            "the gain map of the JPEG XL is left out" for one in found if one.kind == b"jhgm"
        )
        yield Raster(
            samples,
            bool(head.extra),
            Metadata(None, block, flat.resolution_of(block)),
            notes=notes + _left(found),
            lost=lost,
        )


def _exif(found: Sequence[Box]) -> bytes | None:
    """The EXIF block, which may be packed, behind the four bytes that say where it begins."""
    for one in found:
        content = one.content
        if one.kind == b"brob" and content[:4] == b"Exif":
            content = _unpacked(content[4:])
        elif one.kind != b"Exif":
            continue
        return exif.bare(content[4 + int.from_bytes(content[:4], "big") :])
    return None


def _unpacked(packed: bytes) -> bytes:
    """Unpacks metadata; nothing where there is absurdly much of it, or damage."""
    try:
        return bytes(_library().brotli_decode(packed, out=LONGEST_EXIF))
    except Exception:  # the picture matters more
        return b""


def _left(found: Sequence[Box]) -> tuple[str, ...]:
    names = {b"xml ": "XMP", b"jumb": "the proof of origin"}
    kinds = [one.content[:4] if one.kind == b"brob" else one.kind for one in found]
    words = dict.fromkeys(names[kind] for kind in kinds if kind in names)
    return (f"{', '.join(words)} of the JPEG XL is left out",) if words else ()


def encode(rasters: Sequence[Raster], quality: int) -> bytes:
    """Encodes one picture; nothing is lost from quality 95 on, and of floats never."""
    (raster,) = rasters
    samples = np.ascontiguousarray(raster.samples)
    whole = samples[..., 0] if samples.shape[2] == 1 else samples
    exact = quality >= LOSSLESS or samples.dtype.kind == "f"
    how: dict[str, Any] = {"lossless": True}
    if not exact:  # as libjxl's own programs take a quality
        how = {"distance": 0.1 + 0.09 * (100 - max(quality, 30)) + 0.1 * max(0, 30 - quality)}
    data = bytes(_library().jpegxl_encode(whole, usecontainer=True, **how))
    block = raster.metadata.exif
    said = raster.metadata.resolution
    if said is not None and said.dpi is not None:
        block = exif.stating_resolution(block, said.dpi)
    if not block:
        return data
    inner = b"".join(box(*one) for one in _boxes(data) if one.kind not in (b"JXL ", b"ftyp"))
    return SIGNATURE + KIND + box(b"Exif", b"\0\0\0\0" + block) + inner
