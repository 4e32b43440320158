"""Restored planes become an OME-Zarr of the kind of the input, with all that this had beside them."""

import copy
import json
import os
import shutil
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chnorm_cli.images import ome_zarr_new
from chnorm_cli.images.folders import Folder
from chnorm_cli.images.metadata import ZarrPlace
from chnorm_cli.images.ome_zarr import CONSOLIDATED, library, opened, others_in
from chnorm_cli.images.ome_zarr_levels import Level, fill_whole, shapes_after
from chnorm_cli.images.raster import Raster
from chnorm_cli.images.samples import FIXED_SPANS

Fill = Callable[[Sequence[Any]], None]
LABELS = "labels"  # of which pixels belong to what, as OME-Zarr calls the group


def folder_of(rasters: Sequence[Raster]) -> Folder:
    """Gives what writes planes of one size (H, W, 1); raises `CodecError` where zarr is not installed."""
    library()
    place = rasters[0].metadata.zarr
    if place is None or rasters[0].samples.shape[2] != 1:
        return ome_zarr_new.folder_of(rasters)
    height, width, _ = rasters[0].samples.shape
    again = Again(place, (height, width), rasters[0].samples.dtype)
    whole = again.pixels(rasters)
    return Folder(
        lambda part: again.make(part, lambda arrays: fill_whole(arrays, whole, again.levels)),
        again.notes,
    )


class Again:
    """The OME-Zarr ``place`` with other pixels: ``levels`` of planes of ``size`` (H, W)."""

    def __init__(self, place: ZarrPlace, size: tuple[int, int], dtype: np.dtype[Any]) -> None:
        self.place = place
        self.layout = opened(place.path)
        axes = self.layout.axes
        self.keep = range(len(axes)) if place.whole else [axes.index(a) for a in axes if a in "YX"]
        self.axes = "".join(axes[at] for at in self.keep)
        lengths = dict(zip(self.layout.before, self.layout.sizes, strict=True))
        lengths |= {"Y": size[0], "X": size[1]}
        shape = tuple(lengths[letter] for letter in self.axes)
        before = [tuple(a.shape[at] for at in self.keep) for a in self.layout.arrays]
        self.levels: list[Level] = [(shape, (1,) * len(shape)), *shapes_after(before, shape)]
        self.whole = place.whole and place.scale == 1
        self.dtype = dtype
        self.notes = tuple(self._notes())

    def make(self, part: Path, fill: Fill) -> None:
        """Write the folder; ``fill`` writes the pixels into the arrays of the levels."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # zarr's, about what its formats leave open
            self._make(part, fill)

    def _make(self, part: Path, fill: Fill) -> None:
        zarr, source = library(), self.place.path
        if self.whole:
            shutil.copytree(source, part, ignore=self._levels_in, dirs_exist_ok=True)
        group = zarr.open_group(
            str(part),
            mode="r+" if self.whole else "w",
            zarr_format=self.layout.format,
            use_consolidated=False,
        )
        group.attrs.put(self._attributes())
        fill([self._create(part, number, shape) for number, (shape, _) in enumerate(self.levels)])
        if self._is_consolidated:
            zarr.consolidate_metadata(str(part), zarr_format=self.layout.format)

    @property
    def _is_consolidated(self) -> bool:
        source = self.place.path
        if self.layout.format == 2:
            return (source / CONSOLIDATED).is_file()
        return bool(json.loads((source / "zarr.json").read_bytes()).get("consolidated_metadata"))

    def pixels(self, rasters: Sequence[Raster]) -> NDArray[Any]:
        """The planes in the order of the arrays."""
        planes = np.stack([raster.samples[..., 0] for raster in rasters])
        before = self.layout.before if self.place.whole else ""
        letters = before + "YX"
        sizes = self.layout.sizes if self.place.whole else ()
        whole = planes.reshape(*sizes, *planes.shape[1:])
        return np.transpose(whole, [letters.index(letter) for letter in self.axes])

    def _create(self, part: Path, number: int, shape: tuple[int, ...]) -> Any:
        """Make the array of a level, stored as that of the input is."""
        old, keep = self.layout.arrays[number], self.keep
        same = old.dtype.name == self.dtype.name
        as_before = same and len(keep) == len(self.layout.axes)
        options: dict[str, Any] = {
            "name": self.layout.paths[number],
            "shape": shape,
            "dtype": old.dtype if same else self.dtype,
            "chunks": tuple(old.chunks[at] for at in keep),
            "attributes": old.attrs.asdict(),
            "fill_value": old.fill_value if same else 0,
            "zarr_format": self.layout.format,
            "compressors": old.compressors or None,
            "overwrite": True,
        }
        if self.layout.format == 2:
            separator = old.metadata.dimension_separator
            options |= {"chunk_key_encoding": {"name": "v2", "separator": separator}}
            options |= {"order": old.order}
        else:
            names = old.metadata.dimension_names
            options |= {
                "shards": None if old.shards is None else tuple(old.shards[at] for at in keep),
                "chunk_key_encoding": old.metadata.chunk_key_encoding,
                "dimension_names": None if names is None else [names[at] for at in keep],
            }
            if as_before:
                options["serializer"] = old.serializer
        if as_before:  # else they may be of other samples or axes
            options["filters"] = old.filters or None
        return library().create_array(str(part), **options)

    def _levels_in(self, folder: str, names: list[str]) -> set[str]:
        """The arrays of the levels, which are written anew."""
        here = PurePosixPath(Path(os.path.relpath(folder, self.place.path)).as_posix())
        levels = {str(PurePosixPath(path)) for path in self.layout.paths}
        left = {name for name in names if str(here / name) in levels}
        if len(here.parts) == 0:
            left |= {CONSOLIDATED, *self._left_out} & set(names)
        return left

    def _notes(self) -> list[str]:
        notes = []
        if len(self.levels) < len(self.layout.arrays):
            gone = ", ".join(self.layout.paths[len(self.levels) :])
            notes.append(
                f"levels of the OME-Zarr that are no averages are left out: {gone}; make them anew"
            )
        if self._left_out and not self.place.bare:
            gone = ", ".join(self._left_out)
            notes.append(f"left out, because it is of the picture as it was: {gone}")
        if self._window_factor is None and (self.layout.ome.get("omero") or {}).get("channels"):
            notes.append(
                "the channels are shown from black to white (omero): their numbers changed"
            )
        return notes

    @property
    def _left_out(self) -> list[str]:
        """What of the folder does not come back: labels fit as long as the planes stay what they are."""
        others = others_in(self.layout, self.place.path)
        if self.whole and self.place.bare:
            return [name for name in others if name != LABELS]
        return [] if self.whole else others

    @property
    def _window_factor(self) -> float | None:
        """By what the numbers of the input are multiplied; None where that is not all."""
        full = [
            FIXED_SPANS.get(name) for name in (self.layout.arrays[0].dtype.name, self.dtype.name)
        ]
        if full[0] is not None:
            return (full[1] or 1.0) / full[0]
        return 1.0 if full[1] is None else None

    def _attributes(self) -> dict[str, Any]:
        attributes = copy.deepcopy(dict(self.layout.attributes))
        nested = self.layout.ome is not self.layout.attributes
        ome = attributes["ome"] if nested else attributes
        if self.place.bare:
            ome = {key: ome[key] for key in ("version", "multiscales") if key in ome}
            attributes = {"ome": ome} if nested else ome
        multiscale = ome["multiscales"][0]
        if isinstance(multiscale.get("axes"), list):
            multiscale["axes"] = [multiscale["axes"][at] for at in self.keep]
        multiscale["datasets"] = multiscale["datasets"][: len(self.levels)]
        for level in multiscale["datasets"]:
            self._transform(level, self.place.scale)
        self._transform(multiscale, 1)
        if len(self.levels) > 1 and "type" in multiscale:  # how the levels are made
            multiscale["type"] = "mean"
            multiscale.pop("metadata", None)
        if isinstance(ome.get("omero"), dict):
            ome["omero"] = self._shown(ome["omero"])
        return attributes

    def _transform(self, said: dict[str, Any], scale: int) -> None:
        for step in said.get("coordinateTransformations") or []:
            for kind in ("scale", "translation"):
                values = step.get(kind)
                if isinstance(values, list) and len(values) == len(self.layout.axes):
                    step[kind] = [values[at] for at in self.keep]
                    if kind == "scale" and scale != 1:
                        step[kind] = [
                            value / scale if letter in "YX" else value
                            for value, letter in zip(step[kind], self.axes, strict=True)
                        ]

    def _shown(self, omero: dict[str, Any]) -> dict[str, Any]:
        channels = omero.get("channels")
        if not isinstance(channels, list):
            return omero
        if not self.place.whole:
            at = self.layout.before.find("C")
            number = self.place.index[at] if at >= 0 else 0
            channels = channels[number : number + 1]
            omero.pop("rdefs", None)
        factor = self._window_factor
        for channel in channels:
            window = channel.get("window")
            if not isinstance(window, dict):
                continue
            if factor is None:
                white = FIXED_SPANS[self.dtype.name]
                channel["window"] = {"min": 0.0, "max": white, "start": 0.0, "end": white}
            elif factor != 1.0:
                channel["window"] = _multiplied(window, factor)
        return {**omero, "channels": channels}


def _multiplied(window: Mapping[str, Any], factor: float) -> dict[str, Any]:
    numbers = {key: value for key, value in window.items() if isinstance(value, int | float)}
    return {**window, **{key: value * factor for key, value in numbers.items()}}
