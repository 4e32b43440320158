"""PNG: pixels through libpng (imagecodecs), at 8 and 16 bits alike; chunks read and written here.

Pillow would read 16-bit RGB as 8 bits without a word, hence not Pillow.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from chnorm_cli.images import exif
from chnorm_cli.images.errors import CodecError
from chnorm_cli.images.metadata import PER_INCH, TIMING, Metadata, Unit, resolution
from chnorm_cli.images.raster import Raster

SIGNATURE = b"\x89PNG\r\n\x1a\n"
INDEXED = 3
# Chunks that say how the samples look or what the picture is; they go back as they came.
KEPT = frozenset({b"gAMA", b"cHRM", b"sRGB", b"cICP", b"tEXt", b"zTXt", b"iTXt"})
METADATA = KEPT | {b"iCCP", b"eXIf", b"pHYs"}
# What libpng is given to decode: it would print its opinion of the rest on stderr.
PIXELS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"acTL", b"fcTL", b"fdAT", b"IDAT"})
# Hints for palettes and backgrounds, significant bits, and the time of the last change.
HARMLESS = frozenset({b"bKGD", b"hIST", b"sPLT", b"sBIT", b"tIME", b"sTER", b"iDOT", b"dSIG"})
# Text that repeats what chnorm keeps or changes elsewhere (XMP, EXIF in hexadecimal).
STALE_TEXT = (b"XML:com.adobe.xmp", b"Raw profile type")
LARGEST_PROFILE = 2**24  # bytes; a profile is compressed, so its size is not bounded by the file's


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields the (type, body) of each chunk up to IEND.

    Damaged metadata has the type ``bad?``; other damage raises `CodecError`.
    """
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if at + 12 + size > len(data):
            break
        body = data[at + 8 : at + 8 + size]
        at += 12 + size
        if kind == b"IEND":
            return
        if zlib.crc32(body, zlib.crc32(kind)) == struct.unpack_from(">I", data, at - 4)[0]:
            yield kind, body
        elif kind in METADATA:
            yield b"bad?", b""
        else:
            raise CodecError("is damaged", "get an intact copy of the file")
    raise CodecError("is cut off", "get a complete copy of the file")


def survey(data: bytes) -> list[tuple[int, int]]:
    """The (width, height) of each frame, from the headers alone."""
    size, frames, still = None, 1, True
    for kind, body in chunks(data):
        if kind == b"IHDR" and size is None and len(body) == 13:
            size = struct.unpack_from(">II", body)
        elif kind == b"acTL" and len(body) == 8:
            frames = struct.unpack_from(">I", body)[0]
        elif kind == b"fcTL":
            still = False
        elif kind == b"IDAT":
            # Without a word before it, it stands in for the animation and is not one of its frames.
            frames += still and frames > 1
            break
    if size is None:
        raise CodecError("has no intact PNG header", "get a complete copy of the file")
    # A frame takes 38 bytes at least, so a larger count is damage and not an animation.
    return [size] * max(1, min(frames, len(data) // 38))


def decode(data: bytes, pages: Sequence[int]) -> Iterator[Raster]:
    """Decodes frames (counted from 0)."""
    import imagecodecs

    found = list(chunks(data))
    animated = any(kind == b"acTL" for kind, _ in found)
    metadata, notes = _metadata(found)
    palette = found[0][1][9] == INDEXED
    data = (
        SIGNATURE + b"".join(_chunk(*pair) for pair in found if pair[0] in PIXELS) + _chunk(b"IEND")
    )
    for page in pages:
        samples = (
            imagecodecs.apng_decode(data, index=page) if animated else imagecodecs.png_decode(data)
        )
        samples = samples.reshape(*samples.shape[:2], -1)
        directory = exif.parse(metadata.exif)
        yield Raster(
            samples,
            alpha=samples.shape[2] in (2, 4),
            metadata=metadata,
            orientation=exif.orientation(directory),
            palette=palette,
            notes=notes,
        )


def _metadata(found: list[tuple[bytes, bytes]]) -> tuple[Metadata, tuple[str, ...]]:
    metadata, kept, damaged = Metadata(), [], False
    for kind, body in found:
        if kind == b"iCCP":
            try:
                metadata = replace(metadata, icc=_inflate(body[body.index(b"\0") + 2 :]))
            except (ValueError, zlib.error):
                damaged = True
        elif kind == b"eXIf":
            metadata = replace(metadata, exif=exif.bare(body))
        elif kind == b"pHYs" and len(body) == 9:
            across, down, unit = struct.unpack(">IIB", body)
            found_unit = Unit.METER if unit == 1 else Unit.NONE
            metadata = replace(
                metadata, resolution=resolution(Fraction(across), Fraction(down), found_unit)
            )
        elif kind in KEPT and not body.startswith(STALE_TEXT):
            kept.append((kind, body))
        damaged = damaged or kind == b"bad?"
    notes: tuple[str, ...] = ("damaged metadata was left out",) if damaged else ()
    known = METADATA | PIXELS | HARMLESS
    left = dict.fromkeys(kind.decode("latin-1") for kind, _ in found if kind not in known)
    left.pop("bad?", None)
    if any(kind in KEPT and body.startswith(STALE_TEXT) for kind, body in found):
        left["XMP"] = None
    if left:
        notes += (f"{', '.join(left)} of the PNG is left out",)
    if any(kind == b"acTL" for kind, _ in found):
        notes += (TIMING,)
    return replace(metadata, chunks=tuple(kept)), notes


def _inflate(compressed: bytes) -> bytes:
    stream = zlib.decompressobj()
    profile = stream.decompress(compressed, LARGEST_PROFILE)
    if not stream.eof:
        raise ValueError("the profile is cut off or beyond all measure")
    return profile


def encode(rasters: Sequence[Raster], quality: int) -> bytes:
    """Encodes one picture, uint8 or uint16; ``quality`` means nothing here, PNG is lossless."""
    import imagecodecs

    (raster,) = rasters
    samples = np.ascontiguousarray(raster.samples)
    pixels = bytes(imagecodecs.png_encode(samples[..., 0] if samples.shape[2] == 1 else samples))
    extra = b"".join(_chunk(kind, body) for kind, body in _chunks_of(raster.metadata))
    after_header = len(SIGNATURE) + 12 + 13
    return pixels[:after_header] + extra + pixels[after_header:]


def _chunks_of(metadata: Metadata) -> Iterator[tuple[bytes, bytes]]:
    """The chunks in the order of the standard: colour first, and all before the pixels."""
    if metadata.icc is not None:
        yield b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc, 9)
    for kind, body in metadata.chunks:
        if not (
            kind == b"sRGB" and metadata.icc is not None
        ):  # the standard allows only one of both
            yield kind, body
    r = metadata.resolution
    if r is not None and (r.unit is not Unit.NONE or r.x != r.y):  # else it says nothing
        factor = 1 if r.unit is Unit.NONE else PER_INCH[r.unit] / PER_INCH[Unit.METER]
        across, down = (min(max(1, round(value * factor)), 2**31 - 1) for value in (r.x, r.y))
        yield b"pHYs", struct.pack(">IIB", across, down, r.unit is not Unit.NONE)
    if metadata.exif is not None:
        yield b"eXIf", metadata.exif


def _chunk(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
