"""Where the first picture of some bytes ends, for every format that says so.

What lies behind that place is another picture, or something that would be lost without a word. Each
function takes bytes that begin with its format and gives an offset; bytes that are cut off or
damaged end at their end, for the decoder to complain about. TIFF leads everywhere by offsets and
has no end.
"""

import re
import struct
from typing import cast

from chnorm_cli.images import pnm
from chnorm_cli.images.raster import Bytes

LONE_MARKERS = {0x01, *range(0xD0, 0xD8)}  # of JPEG: they have no length
ENTROPY_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
MPF = b"MPF\0"


def of_png(data: Bytes) -> int:
    """Behind IEND."""
    at = 8
    while at + 12 <= len(data):
        size, kind = cast(tuple[int, bytes], struct.unpack_from(">I4s", data, at))
        at += 12 + size
        if kind == b"IEND":
            return min(at, len(data))
    return len(data)


def of_jpeg(data: Bytes) -> int:
    """Behind the EOI of the first picture, or of the last that its multi-picture index names."""
    at, last = 2, 0
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return len(data)
        marker = data[at + 1]
        if marker == 0xD9:
            return max(at + 2, min(last, len(data)))
        if marker == 0xFF or marker in LONE_MARKERS:
            at += 1 if marker == 0xFF else 2
            continue
        (size,) = struct.unpack_from(">H", data, at + 2)
        if marker == 0xE2 and data[at + 4 : at + 8] == MPF:
            last = _last_of_mpf(data[at + 8 : at + 2 + size], at + 8)
        at += 2 + size
        if marker == 0xDA:  # coded pixels follow, until the next marker that is one
            found = ENTROPY_END.search(data, at)
            at = found.start() if found else len(data)
    return max(at + 2, last) if data[at : at + 2] == b"\xff\xd9" else len(data)


def _last_of_mpf(index: Bytes, base: int) -> int:
    """Where the last picture ends that a multi-picture index at offset ``base`` names."""
    order = {b"II": "<", b"MM": ">"}.get(bytes(index[:2]))
    try:
        if order is None:
            return 0
        (at,) = struct.unpack_from(order + "I", index, 4)
        (count,) = struct.unpack_from(order + "H", index, at)
        for entry in range(at + 2, at + 2 + 12 * count, 12):
            tag, _, size, start = struct.unpack_from(order + "HHII", index, entry)
            if tag == 0xB002:
                entries = (
                    struct.unpack_from(order + "III", index, place)
                    for place in range(start, start + size, 16)
                )
                return max((base + e[2] + e[1] for e in entries if e[2]), default=0)
    except struct.error:
        pass
    return 0


def of_riff(data: Bytes) -> int:
    """Behind the RIFF of a WebP."""
    size = 8 + int.from_bytes(data[4:8], "little")
    return min(size + size % 2, len(data))


def of_gif(data: Bytes) -> int:
    """Behind the trailer."""
    at = 13 + (3 << (data[10] & 7) + 1 if len(data) > 10 and data[10] & 128 else 0)
    while at < len(data):
        kind = data[at]
        if kind == 0x3B:
            return at + 1
        if kind == 0x21:
            at += 2
        elif kind == 0x2C and at + 10 < len(data):
            at += 11 + (3 << (data[at + 9] & 7) + 1 if data[at + 9] & 128 else 0)
        else:
            return len(data)
        while at < len(data) and data[at]:
            at += 1 + data[at]
        at += 1
    return len(data)


def of_bmp(data: Bytes) -> int:
    """Behind the pixels, where the length that the header states agrees with their number.

    Some writers leave that length at 0 or get it wrong.
    """
    if len(data) < 34:
        return len(data)
    size, _, start, header, width, height, _, bits, packed = struct.unpack_from(
        "<IIIIiiHHI", data, 2
    )
    if header < 40 or packed not in (0, 3) or not start <= size <= len(data):
        return len(data)
    rows = (abs(width) * bits + 31) // 32 * 4 * abs(height)
    return size if rows <= size - start < rows + 4 else len(data)


def of_boxes(data: Bytes) -> int:
    """Behind the last box of an AVIF, before the `ftyp` of another file."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if (kind == b"ftyp" and at) or not kind.isalnum():
            return at
        if size == 1 and at + 16 <= len(data):
            (size,) = struct.unpack_from(">Q", data, at + 8)
        if size < 8:  # 0: it goes on to the end
            return len(data)
        at += size
    return min(at, len(data))


def of_pnm(data: Bytes) -> int:
    """Behind the samples that the header states; only raw formats can be followed by another."""
    return pnm.extent(data)
