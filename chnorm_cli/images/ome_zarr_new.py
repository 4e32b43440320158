"""Pictures of another format become an OME-Zarr 0.4, which most programs read."""

import math
import warnings
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from chnorm_cli.images import exif, ome_xml
from chnorm_cli.images.errors import CodecError
from chnorm_cli.images.folders import Folder
from chnorm_cli.images.metadata import PER_INCH, Unit
from chnorm_cli.images.ome_zarr import library
from chnorm_cli.images.ome_zarr_levels import Level, fill_whole, of_new_file
from chnorm_cli.images.raster import Raster
from chnorm_cli.images.samples import FIXED_SPANS

VERSION = "0.4"
CHUNK = 1024  # pixels a side at most
MICROMETERS_PER_INCH = 25400
TYPES = {"T": "time", "C": "channel", "Z": "space", "Y": "space", "X": "space"}
COLOURS = (("red", "FF0000"), ("green", "00FF00"), ("blue", "0000FF"))
GRAY = "FFFFFF"
COMPRESSOR = {"id": "blosc", "cname": "zstd", "clevel": 5, "shuffle": 1, "blocksize": 0}
ORDER = "TCZYX"  # time, then what is no space, then space


def folder_of(rasters: Sequence[Raster]) -> Folder:
    """Gives what writes the pictures; raises `CodecError` where they are no one array."""
    if len({(r.samples.shape, r.samples.dtype.name) for r in rasters}) > 1:
        raise CodecError("its pages have several sizes, and a Zarr has one", "write a TIFF")
    axes, sizes = _axes_before(rasters)
    planes = np.stack([raster.samples for raster in rasters])
    whole = planes.reshape(*sizes, *planes.shape[1:])
    letters = axes + "YX"
    if planes.shape[-1] == 1:
        whole = whole[..., 0]
    elif "C" in axes or set(axes) - set(TYPES):
        raise CodecError("has channels in two ways, and an OME-Zarr has one", "write a TIFF")
    else:
        letters += "C"
    order = sorted(letters, key=lambda letter: ORDER.index(letter if letter in TYPES else "C"))
    whole = np.transpose(whole, [letters.index(letter) for letter in order])
    shown = (float(whole.min()), float(whole.max()))
    new = New("".join(order), whole.shape, rasters[0], shown, notes_on(rasters[0], axes))
    return Folder(
        lambda part: new.make(part, lambda arrays: fill_whole(arrays, whole, new.levels)), new.notes
    )


def _axes_before(rasters: Sequence[Raster]) -> tuple[str, tuple[int, ...]]:
    """The axes of the pages and their lengths; those of pages that nobody named are I."""
    place, count = rasters[0].place, len(rasters)
    if count == 1:
        return "", ()
    if place is None or count != math.prod(place.sizes):
        return "I", (count,)
    if len({r.place.series for r in rasters if r.place is not None}) > 1:
        return "I", (count,)
    strange = [letter for letter in place.before if letter not in "TCZ"]
    if len(strange) + ("C" in place.before) > 1 or len(set(place.before)) < len(place.before):
        return "I", (count,)  # an OME-Zarr has one axis that is neither time nor space
    return place.before, place.sizes


class New:
    """A new OME-Zarr of a shape, in which floats are ``shown`` from the lowest to the highest."""

    def __init__(
        self,
        axes: str,
        shape: tuple[int, ...],
        first: Raster,
        shown: tuple[float, float],
        notes: tuple[str, ...],
    ) -> None:
        self.axes, self.notes, self.dtype = axes, notes, first.samples.dtype
        self.levels = of_new_file(shape)
        white = FIXED_SPANS.get(self.dtype.name)
        self.attributes = _attributes(
            axes, self.levels, first, shown if white is None else (0.0, white)
        )

    def make(self, part: Path, fill: Callable[[Sequence[Any]], None]) -> None:
        """Write the folder; ``fill`` writes the pixels into the arrays of the levels."""
        zarr = library()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            zarr.open_group(str(part), mode="w", zarr_format=2, attributes=self.attributes)
            fill([self._create(part, n, shape) for n, (shape, _) in enumerate(self.levels)])

    def _create(self, part: Path, number: int, shape: tuple[int, ...]) -> Any:
        return library().create_array(
            str(part),
            name=str(number),
            shape=shape,
            dtype=self.dtype,
            chunks=(*(1 for _ in shape[:-2]), *(min(side, CHUNK) for side in shape[-2:])),
            compressors=dict(COMPRESSOR),
            filters=None,
            fill_value=0,
            zarr_format=2,
            chunk_key_encoding={"name": "v2", "separator": "/"},
        )


def _attributes(
    letters: str, levels: Sequence[Level], first: Raster, shown: tuple[float, float]
) -> dict[str, Any]:
    sizes = _pixel_sizes(first)
    axes = []
    for letter in letters:
        axis = {"name": letter.lower()}
        if letter in TYPES:
            axis["type"] = TYPES[letter]
        if letter in sizes:
            axis["unit"] = "micrometer"
        axes.append(axis)
    datasets = []
    scale = [sizes.get(letter, 1.0) for letter in letters]
    for number, (_, blocks) in enumerate(levels):
        scale = [length * block for length, block in zip(scale, blocks, strict=True)]
        step = {"type": "scale", "scale": scale}
        datasets.append({"path": str(number), "coordinateTransformations": [step]})
    multiscale: dict[str, Any] = {"version": VERSION, "axes": axes, "datasets": datasets}
    if len(datasets) > 1:
        multiscale["type"] = "mean"
    attributes: dict[str, Any] = {"multiscales": [multiscale]}
    count = levels[0][0][letters.index("C")] if "C" in letters else 0
    channels = _channels(count, first, shown)
    if channels:
        attributes["omero"] = {"version": VERSION, "channels": channels}
    return attributes


def _channels(count: int, first: Raster, shown: tuple[float, float]) -> list[dict[str, Any]]:
    """How channels are called and shown, where they are colours or have names."""
    names = ome_xml.names_of_channels(_description(first))
    if first.samples.shape[2] - first.extra == 3:
        named = [*COLOURS, *[("", GRAY)] * count][:count]
    elif count and any(names):
        named = [(name, GRAY) for name in [*names, *[""] * count][:count]]
    else:
        return []
    low, high = shown
    window = {"min": low, "max": high, "start": low, "end": high}
    return [
        {"label": name, "color": colour, "active": True, "window": window} for name, colour in named
    ]


def _description(first: Raster) -> bytes:
    entry = exif.parse(first.metadata.exif).get(exif.DESCRIPTION)
    return b"" if entry is None else entry.value


def _pixel_sizes(first: Raster) -> dict[str, float]:
    """µm along the axes of space, as a resolution, OME-XML or ImageJ states them."""
    text, stated = _description(first), first.metadata.resolution
    sizes = ome_xml.pixel_sizes(text)
    unit = Fraction(0)
    if stated is not None and stated.unit is not Unit.NONE:
        unit = MICROMETERS_PER_INCH / PER_INCH[stated.unit]
    elif stated is not None:
        unit = Fraction(ome_xml.imagej_unit(text))
    if stated is not None and unit and not {"X", "Y"} <= sizes.keys():
        sizes |= {"X": float(unit / stated.x), "Y": float(unit / stated.y)}
    return sizes


def notes_on(first: Raster, axes: str) -> tuple[str, ...]:
    """Say what of a TIFF's description does not come back, and of axes (those before a plane's)."""
    notes = []
    if exif.parse(first.metadata.exif).keys() & exif.STRUCTURE:
        notes.append(
            "what the TIFF says of the stack: its axes, the sizes of a pixel and the names of channels"
            " are kept, the rest is left out"
        )
    if axes == "I" and first.place is not None and len(first.place.before) > 1:
        notes.append(
            f"the axes {first.place.before} are written as one, which OME-Zarr has room for"
        )
    return tuple(notes)
