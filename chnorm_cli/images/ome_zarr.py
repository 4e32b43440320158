"""OME-Zarr (0.1 to 0.5) through zarr: a folder that is one picture, with its axes and smaller levels.

It is passed on as its path in bytes, as files are passed on as their bytes. Its planes are pages.
"""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from chnorm_cli.images import exif, ifd
from chnorm_cli.images.axes import Place
from chnorm_cli.images.errors import CodecError
from chnorm_cli.images.folders import MARKS
from chnorm_cli.images.metadata import Metadata, Resolution, Unit, ZarrPlace, resolution
from chnorm_cli.images.ome_xml import OmeShape, ome_xml
from chnorm_cli.images.raster import Raster

ASCII = 2  # field type of a TIFF
OLDEST = "TCZYX"  # the axes of 0.1 and 0.2, which do not name them
BY_TYPE = {"time": "T", "channel": "C"}
MICROMETERS = {
    "angstrom": 1e-4,
    "nanometer": 1e-3,
    "micrometer": 1.0,
    "millimeter": 1e3,
    "centimeter": 1e4,
    "meter": 1e6,
    "inch": 25400.0,
}
CONSOLIDATED = ".zmetadata"  # of format 2: all metadata in one file
GROUPS = {  # what they are, and where their pictures lie: of a plate in rows, columns and fields
    "plate": ("a plate", "*/*/*"),
    "well": ("a well", "*"),
    "bioformats2raw.layout": ("several pictures", "*"),
}
INTEGERS = ("int8", "int16")  # beside those that are nominal; larger ones may not fit into floats
MOST_PLANES = 10**6  # what states more is damaged: no stack has them


@dataclass(frozen=True)
class Layout:
    """What the metadata say: ``axes`` in the order of the arrays, as letters of `axes`, the arrays of
    the levels, the full resolution first, and what the group says (``ome``) and how it is nested.
    """

    axes: str
    paths: tuple[str, ...]
    arrays: tuple[Any, ...]
    ome: Mapping[str, Any]
    attributes: Mapping[str, Any]
    format: int  # of Zarr

    @property
    def before(self) -> str:
        """The axes that are not those of a plane."""
        return "".join(letter for letter in self.axes if letter not in "YX")

    @property
    def multiscale(self) -> Mapping[str, Any]:
        """What is said of the levels."""
        found: Mapping[str, Any] = self.ome["multiscales"][0]
        return found

    def length(self, letter: str) -> int:
        """The length of an axis."""
        return int(self.arrays[0].shape[self.axes.index(letter)])

    @property
    def sizes(self) -> tuple[int, ...]:
        """The lengths of the axes before those of a plane."""
        return tuple(self.length(letter) for letter in self.before)


def library() -> Any:
    """Gives zarr; raises `CodecError` where it is not installed."""
    try:
        import zarr
    except ImportError:
        raise CodecError("needs zarr for OME-Zarr", "pip install 'chnorm[zarr]'") from None
    return zarr


def opened(path: Path) -> Layout:
    """Reads the metadata; raises `CodecError` for a Zarr that is no picture of OME-Zarr."""
    zarr = library()
    try:
        # What is consolidated may be older than the metadata beside the arrays.
        group = zarr.open_group(str(path), mode="r", use_consolidated=False)
    except Exception:  # it names no group by several exceptions
        raise CodecError(
            "is a folder without the metadata of OME-Zarr", "give one with multiscales"
        ) from None
    attributes = group.attrs.asdict()
    ome = attributes["ome"] if isinstance(attributes.get("ome"), dict) else attributes
    found = ome.get("multiscales")
    if not isinstance(found, list) or not found:
        for key, (what, below) in GROUPS.items():
            if key in ome:
                example = _first_picture(path, below)
                raise CodecError(f"is {what} in one Zarr", f"name one of them, e.g. {example}")
        raise CodecError("is a Zarr without the metadata of OME (multiscales)", "convert it first")
    if len(found) > 1:
        raise CodecError(f"holds {len(found)} multiscales in one group", "give each a Zarr")
    paths = tuple(str(level["path"]) for level in found[0]["datasets"])
    for one in paths:
        if PurePosixPath(one).is_absolute() or ".." in PurePosixPath(one).parts:
            raise CodecError(f"names the level {one!r}, outside of it", "the file is damaged")
    arrays = tuple(group[one] for one in paths)
    axes = _letters(found[0].get("axes"), arrays[0].ndim)
    lengths = zip(axes, arrays[0].shape, strict=True)
    planes = math.prod(length for letter, length in lengths if letter not in "YX")
    if planes > MOST_PLANES:
        raise CodecError(f"states {planes} planes", "the metadata are damaged")
    return Layout(axes, paths, arrays, ome, attributes, int(group.metadata.zarr_format))


def _first_picture(path: Path, below: str) -> str:
    """Names a picture in a group."""
    marks = (".zattrs", "zarr.json")
    named = (place for place in sorted(path.glob(below)) if place.name.isdecimal())
    found = (place for place in named if any((place / mark).is_file() for mark in marks))
    return str(next(found, path / "0"))


def _letters(stated: Any, count: int) -> str:
    """The letters of the axes; raises `CodecError` where they are not those of planes."""
    if stated is None and count == len(OLDEST):
        return OLDEST
    if not isinstance(stated, list) or len(stated) != count:
        raise CodecError("does not name its axes", "the metadata are damaged")
    named = [{"name": axis} if isinstance(axis, str) else dict(axis) for axis in stated]
    letters = [_letter(axis) for axis in named]
    if "Y" not in letters or "X" not in letters:  # however they are called, the last of space
        space = [at for at, axis in enumerate(named) if axis.get("type") == "space"]
        for letter, at in zip("XYZ", reversed(space), strict=False):
            letters[at] = letter
    found = "".join(letters)
    if len(set(found)) != count or not {"Y", "X"} <= set(found):
        names = ", ".join(str(axis.get("name")) for axis in named)
        raise CodecError(f"has the axes {names}, which are not those of planes", "cut out planes")
    return found


def _letter(axis: Mapping[str, Any]) -> str:
    name = str(axis.get("name", "")).upper()
    if name in {"T", "C", "Z", "Y", "X"}:
        return name
    known = BY_TYPE.get(str(axis.get("type")))
    return known or (name if len(name) == 1 and name.isalpha() and name != "S" else "Q")


def _layout(data: bytes) -> Layout:
    return opened(Path(os.fsdecode(data)))


def survey(data: bytes) -> list[tuple[int, int]]:
    """The (width, height) of each plane."""
    layout = _layout(data)
    size = layout.length("X"), layout.length("Y")
    return [size] * math.prod(layout.sizes)


def standing(data: bytes) -> list[Place | None]:
    """Where each plane stands."""
    layout = _layout(data)
    return [_place(layout, index) for index in np.ndindex(*layout.sizes)]


def _place(layout: Layout, index: tuple[int, ...]) -> Place:
    return Place(layout.before + "YX", layout.sizes, index)


def decode(data: bytes, pages: Sequence[int]) -> Iterator[Raster]:
    """Decodes planes (counted from 0, in the order of the array)."""
    layout, path = _layout(data), Path(os.fsdecode(data))
    array, indices = layout.arrays[0], list(np.ndindex(*layout.sizes))
    planes_first = [layout.axes.index(letter) for letter in layout.before + "YX"]
    whole = array[...] if len(pages) == len(indices) else None  # a chunk may hold several planes
    for page in pages:
        index = indices[page]
        if whole is not None:
            plane = np.transpose(whole, planes_first)[index]
        else:
            at = dict(zip(layout.before, index, strict=True))
            plane = array[tuple(at.get(letter, slice(None)) for letter in layout.axes)]
            if layout.axes.index("X") < layout.axes.index("Y"):
                plane = plane.T
        plane = np.asarray(plane)
        samples = plane.astype(plane.dtype.newbyteorder("="))[..., None]
        metadata, place = metadata_of(layout, path, index)
        yield Raster(samples, metadata=metadata, place=place)


def metadata_of(layout: Layout, path: Path, index: tuple[int, ...]) -> tuple[Metadata, Place]:
    """What comes back with the plane at an index of the axes before those of a plane, and its place."""
    described = None if any(index) else _described(layout)
    kind = layout.arrays[0].dtype.name
    place = ZarrPlace(path, index, integers=kind if kind in INTEGERS else None)
    metadata = Metadata(None, described, _resolution(layout), zarr=place)
    return metadata, _place(layout, index)


def pixel_sizes(layout: Layout) -> dict[str, float]:
    """The lengths of a pixel along the axes of space, in µm, where they are stated."""
    sizes = dict[str, float]()
    scales = [
        [float(value) for value in step["scale"]]
        for said in (layout.multiscale["datasets"][0], layout.multiscale)
        for step in said.get("coordinateTransformations") or []
        if step.get("type") == "scale" and len(step.get("scale", [])) == len(layout.axes)
    ]
    for at, letter in enumerate(layout.axes):
        axis = (layout.multiscale.get("axes") or [None] * len(layout.axes))[at]
        unit = MICROMETERS.get(str(axis.get("unit")), 0.0) if isinstance(axis, dict) else 0.0
        length = float(np.prod([scale[at] for scale in scales])) * unit
        if letter in "ZYX" and scales and length > 0:
            sizes[letter] = length
    return sizes


def _resolution(layout: Layout) -> Resolution | None:
    sizes = pixel_sizes(layout)
    if not {"X", "Y"} <= sizes.keys():
        return None
    across, down = (
        Fraction(10**4 / sizes[letter]).limit_denominator(10**6) for letter in ("X", "Y")
    )
    return resolution(across, down, Unit.CENTIMETER)


def _described(layout: Layout) -> bytes | None:
    """A description for a TIFF, which tells the axes, the sizes of a pixel and the channels."""
    text = ome_xml(
        OmeShape(
            layout.before,
            layout.sizes,
            (layout.length("Y"), layout.length("X")),
            layout.arrays[0].dtype.name,
            pixel_sizes(layout),
            channel_names(layout.ome),
        )
    )
    if text is None:
        return None
    return ifd.block({exif.DESCRIPTION: ifd.Entry(ASCII, len(text), text)})


def channel_names(ome: Mapping[str, Any]) -> list[str]:
    """The names of the channels, as far as they are told."""
    channels = (ome.get("omero") or {}).get("channels") or []
    return [str(channel.get("label") or "") for channel in channels if isinstance(channel, dict)]


def others_in(layout: Layout, path: Path) -> list[str]:
    """What the folder of an OME-Zarr holds beside the levels and the metadata of the group."""
    levels = {PurePosixPath(one).parts[0] for one in layout.paths}
    known = levels | {*MARKS, CONSOLIDATED}
    return sorted(item.name for item in path.iterdir() if item.name not in known)
