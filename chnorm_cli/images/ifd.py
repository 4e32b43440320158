"""Image file directories: the tag tables that TIFF files and EXIF blocks are made of.

A directory is read into a plain dict of entries whose bytes are little-endian, whatever the file
was, and packed again at any offset. That is all it takes to carry EXIF from a JPEG into a TIFF and
back without knowing what the tags mean.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

# Field type: (bytes of one value, bytes of one number in it; a rational is two numbers).
SIZES = {
    1: (1, 1), 2: (1, 1), 3: (2, 2), 4: (4, 4), 5: (8, 4), 6: (1, 1), 7: (1, 1),
    8: (2, 2), 9: (4, 4), 10: (8, 4), 11: (4, 4), 12: (8, 8), 13: (4, 4),
}  # fmt: skip
SHORT, LONG, RATIONAL = 3, 4, 5
EXIF_POINTER, GPS_POINTER, INTEROP_POINTER = 34665, 34853, 40965
POINTERS = (EXIF_POINTER, GPS_POINTER, INTEROP_POINTER)
DEEPEST = 3  # IFD0 → Exif → Interop


@dataclass(frozen=True)
class Entry:
    """One tag: its field type, how many values, their little-endian bytes; or a directory below."""

    kind: int
    count: int
    value: bytes
    child: "dict[int, Entry] | None" = None


Directory = dict[int, Entry]


class Place(NamedTuple):
    """Where a tag's value lies in the block."""

    tag: int
    kind: int
    number: int
    position: int
    size: int


def header(block: bytes) -> tuple[str, int]:
    """Reads a TIFF header: the byte order (``<`` or ``>``) and the first directory's offset."""
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None or len(block) < 8 or struct.unpack_from(order + "H", block, 2)[0] != 42:
        raise ValueError("no TIFF header")
    return order, struct.unpack_from(order + "I", block, 4)[0]


def places(block: bytes | bytearray, offset: int, order: str) -> Iterator[Place]:
    """Walks the tags of one directory; raises ValueError where it is not in the block."""
    if offset + 2 > len(block):
        raise ValueError("a directory lies outside the block")
    (count,) = struct.unpack_from(order + "H", block, offset)
    if offset + 2 + 12 * count > len(block):
        raise ValueError("a directory is cut off")
    for at in range(offset + 2, offset + 2 + 12 * count, 12):
        tag, kind, number = struct.unpack_from(order + "HHI", block, at)
        if kind not in SIZES:
            continue
        size = SIZES[kind][0] * number
        position = at + 8 if size <= 4 else struct.unpack_from(order + "I", block, at + 8)[0]
        if position + size > len(block):
            continue  # one careless tag is no reason to lose the others
        yield Place(tag, kind, number, position, size)


def little_endian(value: bytes, kind: int, order: str) -> bytes:
    """Turns the bytes of a value into little-endian order."""
    width = SIZES[kind][1]
    if order == "<" or width == 1:
        return value
    return b"".join(value[at : at + width][::-1] for at in range(0, len(value), width))


def read(block: bytes, offset: int, order: str, depth: int = 1) -> Directory:
    """Reads a directory and those below it, as far as they are intact."""
    directory: Directory = {}
    for tag, kind, number, position, size in places(block, offset, order):
        value = little_endian(block[position : position + size], kind, order)
        child = None
        if tag in POINTERS and size == 4:
            if depth == DEEPEST:
                raise ValueError("directories are nested too deep")
            try:
                child = read(block, struct.unpack("<I", value)[0], order, depth + 1)
            except (ValueError, struct.error):
                continue
        directory[tag] = Entry(kind, number, value, child)
    return directory


def pack(directory: Directory, base: int) -> bytes:
    """Writes a directory, little-endian, for a place ``base`` bytes into its file."""
    tags = sorted(directory)
    table, tail = bytearray(struct.pack("<H", len(tags))), bytearray()
    after = base + 2 + 12 * len(tags) + 4
    for tag in tags:
        entry = directory[tag]
        start = after + len(tail)
        if entry.child is not None:
            table += struct.pack("<HHII", tag, LONG, 1, start)
            tail += pack(entry.child, start)
        elif len(entry.value) <= 4:
            table += struct.pack("<HHI4s", tag, entry.kind, entry.count, entry.value)
        else:
            table += struct.pack("<HHII", tag, entry.kind, entry.count, start)
            tail += entry.value
        tail += b"\0" * (len(tail) % 2)  # offsets are even
    return bytes(table + struct.pack("<I", 0) + tail)


def block(directory: Directory) -> bytes | None:
    """Writes a whole little-endian EXIF block; None where there is nothing to write."""
    return b"II*\0\x08\0\0\0" + pack(directory, 8) if directory else None
