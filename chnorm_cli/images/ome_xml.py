"""What OME-XML and ImageJ say of a stack beside its shape: sizes of a pixel and names of channels."""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from chnorm_cli.images.descriptions import BOM, OME_TYPES, PIXELS, is_ome

NAMESPACE = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
MICROMETERS = {
    **{"Å": 1e-4, "nm": 1e-3, "µm": 1.0, "μm": 1.0, "um": 1.0, "micron": 1.0, "microns": 1.0},
    **{"mm": 1e3, "cm": 1e4, "m": 1e6, "inch": 25400.0, "in": 25400.0},
}


@dataclass(frozen=True)
class OmeShape:
    """A stack: the axes before those of a plane and their lengths, (H, W), samples, µm along axes."""

    before: str
    sizes: tuple[int, ...]
    plane: tuple[int, int]
    dtype: str
    pixel: Mapping[str, float]
    channels: Sequence[str]


def ome_xml(shape: OmeShape) -> bytes | None:
    """Describe the pages of a TIFF, in the order of the axes; None where OME-XML has no such axes."""
    if not set(shape.before) <= set("TCZ"):
        return None
    lengths = {"T": 1, "C": 1, "Z": 1} | dict(zip(shape.before, shape.sizes, strict=True))
    order = "XY" + shape.before[::-1] + "".join(axis for axis in "ZCT" if axis not in shape.before)
    height, width = shape.plane
    # Where the samples become floats, that is said when it is written.
    kind = OME_TYPES.get(shape.dtype, b"float").decode()
    sizes = "".join(
        f' PhysicalSize{axis}="{shape.pixel[axis]!r}"' for axis in "XYZ" if axis in shape.pixel
    )
    named = [*shape.channels, *[""] * lengths["C"]][: lengths["C"]]
    channels = "".join(
        f'<Channel ID="Channel:0:{number}"'
        + (f" Name={quoteattr(name)}" if name else "")
        + ' SamplesPerPixel="1"/>'
        for number, name in enumerate(named)
    )
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?><OME xmlns="{NAMESPACE}"><Image ID="Image:0">'
        f'<Pixels ID="Pixels:0" DimensionOrder="{order}" Type="{kind}" SizeX="{width}" SizeY="{height}"'
        + "".join(f' Size{axis}="{lengths[axis]}"' for axis in "ZCT")
        + f"{sizes}>{channels}<TiffData/></Pixels></Image></OME>"
    )
    return text.encode("ascii", "xmlcharrefreplace") + b"\0"


def pixel_sizes(text: bytes) -> dict[str, float]:
    """The lengths of a pixel along X, Y and Z that OME-XML states, or ImageJ of Z, in µm."""
    if is_ome(text):
        tag = next(iter(PIXELS.findall(text)), b"").decode("utf-8", "replace")
        return {axis: size for axis in "XYZ" if (size := _stated(tag, axis)) > 0}
    said = imagej(text)
    unit = MICROMETERS.get(said.get("unit", "").replace("\\u00B5", "µ"), 0.0)
    spacing = _number(said.get("spacing")) * unit
    return {"Z": spacing} if spacing > 0 else {}


def imagej_unit(text: bytes) -> float:
    """The length in µm that ImageJ counts pixels on; 0 where it says none."""
    return MICROMETERS.get(imagej(text).get("unit", "").replace("\\u00B5", "µ"), 0.0)


def imagej(text: bytes) -> dict[str, str]:
    """The lines of a description of ImageJ's."""
    bare = text.removeprefix(BOM).lstrip().rstrip(b"\0")
    if not bare.startswith(b"ImageJ="):
        return {}
    lines = bare.decode("latin-1").splitlines()
    return {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)}


def names_of_channels(text: bytes) -> list[str]:
    """The names of the channels that OME-XML states, "" where one has none."""
    if not is_ome(text):
        return []
    tags = re.findall(r"<(?:\w+:)?Channel\b[^>]*>", text.decode("utf-8", "replace"))
    return [_attribute(tag, "Name") or "" for tag in tags]


def _stated(tag: str, axis: str) -> float:
    unit = _attribute(tag, f"PhysicalSize{axis}Unit") or "µm"
    return _number(_attribute(tag, f"PhysicalSize{axis}")) * MICROMETERS.get(unit, 0.0)


def _attribute(tag: str, name: str) -> str | None:
    found = re.search(rf'\s{name}="([^"]*)"', tag)
    return html.unescape(found[1]) if found else None


def _number(text: str | None) -> float:
    try:
        value = float(text or 0)
    except ValueError:
        return 0.0
    return value if 0 < value < float("inf") else 0.0
