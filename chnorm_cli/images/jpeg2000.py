"""JPEG 2000 through imagecodecs, 1 to 16 bits and any number of channels (ISO/IEC 15444-1).

Pillow reads deep colours as 8 bits without a word. What a JP2 file says besides its pixels stands in
boxes, which are read and written here.
"""

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chnorm_cli.images import boxes, exif, flat
from chnorm_cli.images.boxes import Box, box
from chnorm_cli.images.codecs import imagecodecs_with
from chnorm_cli.images.errors import CodecError
from chnorm_cli.images.metadata import PER_INCH, Metadata, Resolution, Unit, resolution
from chnorm_cli.images.raster import Bytes, Raster
from chnorm_cli.images.samples import stretch, unmultiplied

SIGNATURE = b"\0\0\0\x0cjP  \r\n\x87\n"
CODESTREAM = b"\xff\x4f\xff\x51"
MAGIC = re.compile(re.escape(SIGNATURE) + rb"|" + re.escape(CODESTREAM), re.DOTALL)
EXIF_UUID = b"JpgTiffExif->JP2"
ENUMERATED, SRGB, GRAY = 1, 16, 17  # of the box `colr`
OPACITY, PREMULTIPLIED = 1, 2  # of the box `cdef`
LOSSLESS = 95  # the quality from which on nothing is lost
EXACT = 16  # bits that are kept
NAMES = {b"xml ": "XML", b"uuid": "further metadata", b"jp2i": "rights"}


def _library() -> Any:
    return imagecodecs_with("JPEG2K", "JPEG 2000")


@dataclass(frozen=True)
class _Size:
    """What the codestream says of itself."""

    width: int
    height: int
    bits: tuple[int, ...]
    signed: bool
    whole: bool  # no component is smaller than the picture


def survey(data: bytes) -> list[tuple[int, int]]:
    """The (width, height), from the codestream's head."""
    _library()
    size = _size(_streams(data)[0])
    return [(size.width, size.height)]


def counted(data: bytes) -> list[int]:
    """The channels of the picture."""
    return [len(_size(_streams(data)[0]).bits)]


def of_file(data: Bytes) -> int:
    """Where a JP2 ends; a codestream without boxes is alone."""
    return boxes.of_boxes(data) if bytes(data[:12]) == SIGNATURE else len(data)


def _boxes(data: bytes) -> list[Box]:
    return list(boxes.read_boxes(data)) if data[:12] == SIGNATURE else [Box(b"jp2c", data)]


def _streams(data: bytes) -> list[bytes]:
    found = [one.content for one in _boxes(data) if one.kind == b"jp2c"]
    if not found or found[0][:4] != CODESTREAM:
        raise CodecError("holds no JPEG 2000 codestream", "get a complete copy of the file")
    return found


def _size(stream: bytes) -> _Size:
    try:
        right, down, left, top = struct.unpack_from(">4I", stream, 8)
        (count,) = struct.unpack_from(">H", stream, 40)
        parts = [struct.unpack_from("3B", stream, 42 + 3 * k) for k in range(count)]
    except struct.error as error:
        raise CodecError("is cut off", "get a complete copy of the file") from error
    bits = tuple((depth & 127) + 1 for depth, _, _ in parts)
    signed = any(depth & 128 for depth, _, _ in parts)
    whole = all(steps == (1, 1) for _, *rest in parts for steps in [tuple(rest)])
    return _Size(right - left, down - top, bits, signed, whole)


def decode(data: bytes, pages: Sequence[int]) -> Iterator[Raster]:
    """Decodes the picture."""
    for _ in pages:
        yield _raster(data)


def _raster(data: bytes) -> Raster:
    found = _boxes(data)
    stream = _streams(data)[0]
    size = _size(stream)
    if not size.whole:
        raise CodecError("stores its colours with fewer samples", "convert it to TIFF first")
    if len(set(size.bits)) > 1 or size.bits[0] > EXACT:
        raise CodecError(
            f"has samples of {max(size.bits)} bits", "convert it to a float TIFF first"
        )
    samples: NDArray[Any] = np.asarray(_library().jpeg2k_decode(data))
    samples = samples.reshape(*samples.shape[:2], -1)
    if not size.signed and samples.shape[2] == len(size.bits):  # a colour table gives others
        samples = stretch(samples, 2 ** size.bits[0] - 1)
    head = [part for one in found if one.kind == b"jp2h" for part in boxes.read_boxes(one.content)]
    meanings = next((_meanings(part.content) for part in head if part.kind == b"cdef"), {})
    clear = meanings.get(samples.shape[2] - 1, 0)
    if any(meaning for channel, meaning in meanings.items() if channel != samples.shape[2] - 1):
        raise CodecError("has its alpha among other channels", "put one alpha channel last")
    if clear == PREMULTIPLIED:
        samples = unmultiplied(samples)
    alpha = clear in (OPACITY, PREMULTIPLIED)
    channels = samples.shape[2] - alpha
    colours = 3 if channels >= 3 and not _is_gray(head) else 1
    several = len(_streams(data)) - 1
    lost = (f"further pictures in the JPEG 2000, {several}, are left out",) if several else ()
    block = _exif(found)
    said = _resolution(head) or flat.resolution_of(block)
    return Raster(
        samples,
        alpha,
        Metadata(_profile(head), block, said),
        exif.orientation(exif.parse(block)),
        notes=_left(found),
        extra=channels - colours,
        lost=lost,
    )


def _meanings(content: bytes) -> dict[int, int]:
    """What each channel is: 0 a colour, 1 opacity, 2 opacity that the colours are multiplied with."""
    (count,) = struct.unpack_from(">H", content)
    entries = (struct.unpack_from(">3H", content, 2 + 6 * k) for k in range(count))
    return {channel: meaning for channel, meaning, _ in entries if meaning in (1, 2)}


def _is_gray(head: Sequence[Box]) -> bool:
    return any(
        part.content[0] == ENUMERATED and part.content[3:7] == struct.pack(">I", GRAY)
        for part in head
        if part.kind == b"colr"
    )


def _profile(head: Sequence[Box]) -> bytes | None:
    """The colour profile, restricted (2) or any (3)."""
    found = (p.content[3:] for p in head if p.kind == b"colr" and p.content[0] in (2, 3))
    return next(found, None)


def _resolution(head: Sequence[Box]) -> Resolution | None:
    """The pixels per metre at which the picture was taken, or is to be shown."""
    inner = [p for one in head if one.kind == b"res " for p in boxes.read_boxes(one.content)]
    for part in sorted(inner, key=lambda p: p.kind):  # resc before resd
        down, by, across, over, power_down, power = struct.unpack(">4H2b", part.content[:10])
        if by and over:
            x = Fraction(across, over) * Fraction(10) ** power
            return resolution(x, Fraction(down, by) * Fraction(10) ** power_down, Unit.METER)
    return None


def _exif(found: Sequence[Box]) -> bytes | None:
    block = next((b.content[16:] for b in found if b.content[:16] == EXIF_UUID), None)
    return exif.bare(block)


def _left(found: Sequence[Box]) -> tuple[str, ...]:
    others = [b for b in found if b.kind in NAMES and b.content[:16] != EXIF_UUID]
    words = dict.fromkeys(NAMES[b.kind] for b in others)
    return (f"{', '.join(words)} of the JPEG 2000 is left out",) if words else ()


def encode(rasters: Sequence[Raster], quality: int) -> bytes:
    """Encodes one picture, uint8 or uint16; nothing is lost from quality 95 on."""
    (raster,) = rasters
    samples = np.ascontiguousarray(raster.samples)
    level = 0 if quality >= LOSSLESS else 25 + 0.27 * quality  # dB; 0: no loss
    whole = samples[..., 0] if samples.shape[2] == 1 else samples
    colours = samples.shape[2] - raster.alpha - raster.extra
    data = bytes(
        _library().jpeg2k_encode(whole, level=level, reversible=level == 0, mct=colours == 3)
    )
    out = b""
    for kind, content in boxes.read_boxes(data):
        if kind != b"jp2h":
            out += box(kind, content)
            continue
        head = [box(*p) for p in boxes.read_boxes(content) if p.kind not in (b"colr", b"cdef")]
        head.append(box(b"colr", _colour(raster.metadata.icc, colours)))
        if raster.alpha:
            head.append(box(b"cdef", _channels(samples.shape[2])))
        if raster.metadata.resolution is not None:
            head.append(_stated(raster.metadata.resolution))
        out += box(b"jp2h", b"".join(head))
        if raster.metadata.exif:
            out += box(b"uuid", EXIF_UUID + raster.metadata.exif)
    return out


def _colour(profile: bytes | None, colours: int) -> bytes:
    if profile is not None:
        return b"\x02\0\0" + profile
    return b"\x01\0\0" + struct.pack(">I", GRAY if colours == 1 else SRGB)


def _channels(count: int) -> bytes:
    """Says that the last channel is the opacity of the whole picture."""
    colours = b"".join(struct.pack(">3H", k, 0, k + 1) for k in range(count - 1))
    return struct.pack(">H", count) + colours + struct.pack(">3H", count - 1, OPACITY, 0)


def _stated(said: Resolution) -> bytes:
    """The box of a resolution; fractions of 16 bits are near enough for any."""
    if said.unit is Unit.NONE:
        return b""
    metre = PER_INCH[said.unit] / PER_INCH[Unit.METER]
    values = [_small(said.y * metre), _small(said.x * metre)]
    (down, power_down), (across, power) = values
    numbers = (down.numerator, down.denominator, across.numerator, across.denominator)
    return box(b"res ", box(b"resc", struct.pack(">4H2b", *numbers, power_down, power)))


def _small(value: Fraction) -> tuple[Fraction, int]:
    """Gives a fraction of two 16-bit numbers and the power of ten that it is multiplied with."""
    power = 0
    while value >= 60000:
        value, power = value / 10, power + 1
    while value < 1 and power > -100:
        value, power = value * 10, power - 1
    most = max(1, int(65535 / value))
    return value.limit_denominator(min(65535, most)), power
