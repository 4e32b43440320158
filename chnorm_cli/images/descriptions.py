"""Descriptions that state the shape of their file, kept true: ImageJ, OME-XML, tifffile's shape."""

import json
import math
import re
from dataclasses import dataclass
from fractions import Fraction

BOM = b"\xef\xbb\xbf"
OME_TYPES = {"uint8": b"uint8", "uint16": b"uint16", "float32": b"float"}
PIXELS = re.compile(rb"<(?:\w+:)?Pixels\b[^>]*>")


@dataclass(frozen=True)
class Shape:
    """What is written: pages of one size (H, W), samples of a pixel, and how they are stored."""

    pages: int
    height: int
    width: int
    samples: int
    planar: bool
    dtype: str


def fitting(text: bytes, shape: Shape | None) -> bytes | None:
    """The description as it is true of ``shape`` (None: pages of several sizes), None if it is not.

    Other descriptions are returned as they are.
    """
    bare = text.removeprefix(BOM).lstrip()
    if bare.startswith(b'{"shape"'):
        return _true_shape(text, shape) if shape is not None else None
    if bare.startswith(b"ImageJ="):
        return text if _same_images(bare, shape) else None
    if is_ome(text):
        return _true_ome(text, shape)
    return text


def images_stated(text: bytes) -> int:
    """The number of pictures that ImageJ or OME-XML states; 1 where they state none."""
    if is_ome(text):
        axes = (b"Z", b"C", b"T")
        tags = PIXELS.findall(text)
        return sum(math.prod(_number(tag, b"Size" + axis) for axis in axes) for tag in tags)
    found = re.search(rb"^images=(\d{1,9})\s*$", text.rstrip(b"\0"), re.MULTILINE)
    return int(found[1]) if text.startswith(b"ImageJ=") and found else 1


def is_ome(text: bytes) -> bool:
    """Whether it is OME-XML."""
    bare = text.removeprefix(BOM).lstrip()
    return bare.startswith((b"<?xml", b"<OME")) and b"<OME" in bare


def _same_images(text: bytes, shape: Shape | None) -> bool:
    if shape is None:
        return images_stated(text) == 1
    planes = {shape.pages, shape.pages * shape.samples}  # samples may count as channels
    return images_stated(text) in planes


def _true_shape(text: bytes, shape: Shape) -> bytes | None:
    """Tifffile's shape with pages of the size that is written; None where it is of other pages.

    It says no longer that most of the stack has no directory: now all of it has.
    """
    try:
        stated = json.loads(text.removeprefix(BOM).rstrip(b"\0"))
        sizes = [int(size) for size in stated["shape"]]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    page = [shape.height, shape.width]
    if shape.samples > 1:
        page = [shape.samples, *page] if shape.planar else [*page, shape.samples]
    alone = [1] if sizes[-1:] == [1] and shape.samples == 1 and len(sizes) > 2 else []
    leading = sizes[: len(sizes) - len(page) - len(alone)]
    fits = len(sizes) >= len(page) + len(alone) and len(sizes) <= 12
    if not fits or math.prod(leading) != shape.pages:
        return None
    true = [*leading, *page, *alone]
    if true == sizes and not stated.get("truncated", False):
        return text
    stated.pop("truncated", None)
    return json.dumps(stated | {"shape": true}).encode() + b"\0"


def _true_ome(text: bytes, shape: Shape | None) -> bytes | None:
    """OME-XML with the size and type of what is written; None where its planes are others."""
    found = PIXELS.findall(text)
    if shape is None:
        return text if found else None
    # More than are written lie in other files of the same data set.
    if images_stated(text) < shape.pages * shape.samples or shape.dtype not in OME_TYPES:
        return None
    for tag in dict.fromkeys(found):
        text = text.replace(tag, _true_pixels(tag, shape))
    return text


def _true_pixels(tag: bytes, shape: Shape) -> bytes:
    revised = _stating(tag, b"Type", OME_TYPES[shape.dtype])
    for axis, size in ((b"X", shape.width), (b"Y", shape.height)):
        before = _number(tag, b"Size" + axis)
        length = re.search(rb"\bPhysicalSize" + axis + rb'="([\d.]{1,40})"', revised)
        if length and before > 0 and before != size:
            value = float(Fraction(length[1].decode())) * before / size
            revised = _stating(revised, b"PhysicalSize" + axis, repr(value).encode())
        revised = _stating(revised, b"Size" + axis, str(size).encode())
    # What is stated of significant bits is of the samples as they came.
    return tag if revised == tag else re.sub(rb'\s+SignificantBits="\d+"', b"", revised)


def _number(tag: bytes, name: bytes) -> int:
    found = re.search(rb"\b" + name + rb'="(\d{1,9})"', tag)
    return int(found[1]) if found else 0


def _stating(tag: bytes, name: bytes, value: bytes) -> bytes:
    return re.sub(rb"\b" + name + rb'="[^"]*"', name + b'="' + value + b'"', tag, count=1)
