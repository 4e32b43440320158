"""Boxes: length, kind, content. JPEG 2000 and JPEG XL files are made of them."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from chnorm_cli.images.errors import CodecError
from chnorm_cli.images.raster import Bytes


class Box(NamedTuple):
    """A box, without its head."""

    kind: bytes
    content: bytes


def read_boxes(data: Bytes) -> Iterator[Box]:
    """Gives the boxes of a file, or of the content of one; raises `CodecError` where one is cut off."""
    at = 0
    while at < len(data):
        start, end = _extent(data, at)
        if end > len(data) or start > end:
            raise CodecError("is cut off", "get a complete copy of the file")
        yield Box(bytes(data[at + 4 : at + 8]), bytes(data[start:end]))
        at = end


def _extent(data: Bytes, at: int) -> tuple[int, int]:
    """Where the content of the box at an offset begins and ends; 0 for a length means: at the end."""
    if at + 8 > len(data):
        return at, len(data) + 1
    (size,) = struct.unpack_from(">I", data, at)
    if size == 0:
        return at + 8, len(data)
    if size == 1 and at + 16 <= len(data):
        (size,) = struct.unpack_from(">Q", data, at + 8)
        return at + 16, at + size
    return at + 8, at + size


def box(kind: bytes, content: bytes) -> bytes:
    """Makes a box."""
    if len(content) + 8 < 2**32:
        return struct.pack(">I", len(content) + 8) + kind + content
    return struct.pack(">I", 1) + kind + struct.pack(">Q", len(content) + 16) + content


def of_boxes(data: Bytes) -> int:
    """Where a file ends that begins with a box of a kind that none of its others has."""
    first, at = bytes(data[4:8]), 0
    while at + 8 <= len(data):
        kind = bytes(data[at + 4 : at + 8])
        if (kind == first and at) or not all(32 <= byte < 127 for byte in kind):
            return at
        _, end = _extent(data, at)
        if end <= at:
            return len(data)
        at = end
    return min(at, len(data))
