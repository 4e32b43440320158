"""EXIF blocks: read the orientation, and keep the few tags true that the restoration changes.

Everything else in the block stays byte for byte where it is, because maker notes hold offsets that
break when they are moved.
"""

import struct
from fractions import Fraction

from chnorm_cli.images import ifd

ORIENTATION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 274, 282, 283, 296
DESCRIPTION = 270
PIXEL_WIDTH, PIXEL_HEIGHT = 40962, 40963

# Tags that describe a picture rather than its layout in the file: document name, description,
# maker, model, page name and number, software, date, artist, host, copyright, rating, XP texts;
# XMP, IPTC, and what electron microscopes (Zeiss, FEI) and Micro-Manager say of an exposure.
DESCRIPTIVE = frozenset(
    {269, DESCRIPTION, 271, 272, 285, 297, 305, 306, 315, 316, 18246, 33432}
    | {700, 33723, 34118, 34680, 34682, 51123}
    | {40091, 40092, 40093, 40094, 40095, ifd.EXIF_POINTER, ifd.GPS_POINTER}
)
GEOGRAPHY = frozenset({33550, 33922, 34264, 34735, 34736, 34737, 42112, 42113})
IMAGEJ = frozenset({50838, 50839})
STRUCTURE = IMAGEJ | {DESCRIPTION}
KEPT = DESCRIPTIVE | GEOGRAPHY | IMAGEJ
# How descriptions begin that state the shape and the number of pages of their file.
STRUCTURED = (b"ImageJ=", b"<?xml", b"<OME", b'{"shape"')


def parse(exif: bytes | None) -> ifd.Directory:
    """Reads a block; an absent or a damaged one is empty."""
    if exif is None:
        return {}
    try:
        order, offset = ifd.header(exif)
        return ifd.read(exif, offset, order)
    except (ValueError, struct.error):
        return {}


def bare(exif: bytes | None) -> bytes | None:
    r"""Takes off the ``Exif\0\0`` prefix that JPEG puts before the block."""
    if exif is None:
        return None
    return exif.removeprefix(b"Exif\0\0") or None


def orientation(directory: ifd.Directory) -> int:
    """The orientation 1…8 (1 where none or nonsense is stated)."""
    entry = directory.get(ORIENTATION)
    if entry is None or entry.kind != ifd.SHORT or entry.count != 1:
        return 1
    value: int = struct.unpack("<H", entry.value)[0]
    return value if 1 <= value <= 8 else 1


def resolution(directory: ifd.Directory) -> tuple[Fraction, Fraction, int] | None:
    """Pixels per unit across and down, and the unit (1 none, 2 inch, 3 cm); None if not stated."""
    values = []
    for tag in (X_RESOLUTION, Y_RESOLUTION):
        entry = directory.get(tag)
        if entry is None or entry.kind != ifd.RATIONAL or entry.count != 1:
            return None
        over, under = struct.unpack("<II", entry.value)
        if not over or not under:
            return None
        values.append(Fraction(over, under))
    unit = directory.get(RESOLUTION_UNIT)
    known = unit is not None and unit.kind == ifd.SHORT and unit.count == 1
    return values[0], values[1], struct.unpack("<H", unit.value)[0] if unit and known else 2


def rational(value: Fraction) -> tuple[int, int]:
    """The nearest fraction whose two parts fit 32 bits."""
    limit = max(1, min(10**6, int((2**32 - 1) / max(value, Fraction(1)))))
    near = value.limit_denominator(limit)
    return min(near.numerator, 2**32 - 1), near.denominator


def revised(
    exif: bytes | None, size: tuple[int, int], dpi: tuple[float, float] | None
) -> bytes | None:
    """Sets, in place, an upright orientation, the pixel size (W, H) and the resolution if stated.

    The thumbnail is unlinked: it shows the picture before it was restored. A damaged block gives
    None.
    """
    if exif is None:
        return None
    revision = bytearray(exif)
    try:
        order, offset = ifd.header(exif)
        directories = [offset]
        for place in ifd.places(exif, offset, order):
            if place.tag == ifd.EXIF_POINTER and place.size == 4:
                directories.append(struct.unpack_from(order + "I", exif, place.position)[0])
        places = [place for start in directories for place in ifd.places(exif, start, order)]
        (count,) = struct.unpack_from(order + "H", exif, offset)
        struct.pack_into(order + "I", revision, offset + 2 + 12 * count, 0)
        for place in places:
            _revise(revision, place, order, size, dpi)
    except (ValueError, struct.error):
        return None
    return bytes(revision)


def _revise(
    block: bytearray,
    place: ifd.Place,
    order: str,
    size: tuple[int, int],
    dpi: tuple[float, float] | None,
) -> None:
    numbers = {ORIENTATION: 1, PIXEL_WIDTH: size[0], PIXEL_HEIGHT: size[1]}
    if dpi is not None:
        numbers[RESOLUTION_UNIT] = 2
    if place.number != 1:
        return
    if place.tag in numbers and place.kind in (ifd.SHORT, ifd.LONG):
        number = numbers[place.tag]
        if place.kind == ifd.LONG or number <= 65535:
            struct.pack_into(
                order + ("H" if place.kind == ifd.SHORT else "I"), block, place.position, number
            )
    elif (
        place.tag in (X_RESOLUTION, Y_RESOLUTION) and place.kind == ifd.RATIONAL and dpi is not None
    ):
        value = rational(Fraction(dpi[place.tag == Y_RESOLUTION]))
        struct.pack_into(order + "II", block, place.position, *value)


def stating_resolution(exif: bytes | None, dpi: tuple[float, float]) -> bytes | None:
    """Adds the resolution to a block, or makes one, for WebP, which has no other place for it."""
    directory = parse(exif)
    if X_RESOLUTION in directory:
        return exif
    for tag, value in zip((X_RESOLUTION, Y_RESOLUTION), dpi, strict=True):
        parts = struct.pack("<II", *rational(Fraction(value)))
        directory[tag] = ifd.Entry(ifd.RATIONAL, 1, parts)
    directory[RESOLUTION_UNIT] = ifd.Entry(ifd.SHORT, 1, struct.pack("<H", 2))
    return ifd.block(directory)


def without(exif: bytes | None, tags: frozenset[int]) -> bytes | None:
    """Leaves tags out; of descriptions only those that state the structure of their file."""
    directory = parse(exif)
    description = directory.get(DESCRIPTION)
    if description is None or not description.value.lstrip(b"\xef\xbb\xbf").startswith(STRUCTURED):
        tags = tags - {DESCRIPTION}
    if not tags & directory.keys():
        return exif  # untouched, byte for byte
    return ifd.block({tag: entry for tag, entry in directory.items() if tag not in tags})
