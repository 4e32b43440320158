"""An OME-Zarr with one plane that is read and written window by window, however large it is."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chnorm_cli.images import ome_zarr, ome_zarr_new
from chnorm_cli.images.axes import Place
from chnorm_cli.images.errors import CodecError, ImageError, reason
from chnorm_cli.images.folders import Folder, write_folder
from chnorm_cli.images.metadata import Metadata
from chnorm_cli.images.ome_zarr_levels import fill_windows, stored_together
from chnorm_cli.images.ome_zarr_writing import Again
from chnorm_cli.images.picture import Picture
from chnorm_cli.images.raster import Raster
from chnorm_cli.images.samples import SampleRule
from chnorm_cli.images.slide_writing import WindowWriting
from chnorm_cli.images.slides import LEAST_BYTES, MOST_CHUNK, Slide


class ZarrSlide(Slide):
    """The plane (H, W) of an OME-Zarr. Sent to another process, it opens its folder there again."""

    form = "zarr"

    def __init__(self, path: Path, name: str, rule: SampleRule | None = None) -> None:
        super().__init__(path, name, rule)
        self._layout: ome_zarr.Layout | None = None
        self._told: tuple[Metadata, Place] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs."""
        return super().__getstate__() | {"_layout": None, "_told": None}

    @property
    def layout(self) -> ome_zarr.Layout:
        """What its metadata say."""
        if self._layout is None:
            self._layout = ome_zarr.opened(self.path)
        return self._layout

    def _tell(self) -> tuple[Metadata, Place]:
        if self._told is None:
            index = (0,) * len(self.layout.sizes)
            self._told = ome_zarr.metadata_of(self.layout, self.path, index)
        return self._told

    @property
    def size(self) -> tuple[int, int]:
        """(H, W)."""
        return self.layout.length("Y"), self.layout.length("X")

    @property
    def tile(self) -> tuple[int, int] | None:
        """Height and width of what is stored together."""
        return stored_together(self.layout.arrays[0], self.layout.axes)

    @property
    def plausible(self) -> bool:
        """Whether the files are long enough for the pixels that the metadata state."""
        height, width = self.size
        size, least = 0, LEAST_BYTES * height * width
        for root, _, names in os.walk(self.path / self.layout.paths[0]):
            size += sum((Path(root) / name).stat().st_size for name in names)
            if size >= least:
                return True
        return False

    def head(self) -> Picture:
        """The first pixel, with the metadata of the whole."""
        picture = self.read(slice(0, 1), slice(0, 1))
        metadata, place = self._tell()
        return replace(picture, metadata=metadata, place=place)

    def _raster(self, rows: slice, columns: slice) -> Raster:
        axes = self.layout.axes
        at = {"Y": rows, "X": columns}
        plane = self.layout.arrays[0][tuple(at.get(letter, 0) for letter in axes)]
        plane = plane.T if axes.index("X") < axes.index("Y") else plane
        samples = np.ascontiguousarray(plane).astype(plane.dtype.newbyteorder("="))
        return Raster(samples[..., None], metadata=self._tell()[0])


class ZarrSlideWriting(WindowWriting):
    """Writes an OME-Zarr; its chunks are those of the input, or of any new one."""

    form = "zarr"

    def _begin(self, head: Picture, raster: Raster, tile: tuple[int, int] | None) -> Sequence[str]:
        size, place, channels = self.size, raster.metadata.zarr, raster.samples.shape[2]
        self.writing: Again | ome_zarr_new.New
        if place is not None and channels == 1:
            self.writing = Again(place, size, raster.samples.dtype)
        else:
            axes = "YX" if channels == 1 else "CYX"
            low, span = head.value_range
            shape = size if channels == 1 else (channels, *size)
            notes = ome_zarr_new.notes_on(raster, "")
            self.writing = ome_zarr_new.New(axes, shape, raster, (low, low + span), notes)
        return self.writing.notes

    def write(self, path: Path, say: Callable[[float], None] = lambda _: None) -> tuple[str, ...]:
        """Write the folder, which takes the place of ``path`` when it is whole; give no notes."""
        write_folder(path, Folder(lambda part: self._make(part, say)))
        return ()

    def _make(self, part: Path, say: Callable[[float], None]) -> None:
        writing = self.writing
        writing.make(
            part,
            lambda arrays: fill_windows(arrays, writing.axes, writing.levels, self._samples, say),
        )

    def _samples(self, rows: slice, columns: slice) -> NDArray[Any]:
        made = self._sheet(rows, columns)
        self.clipped += made.clipped
        return made.raster.samples


def open_slide(path: Path, name: str) -> ZarrSlide | None:
    """Opens an OME-Zarr that can be read window by window; None for any other folder.

    It has one plane, in chunks that are not too large to be held.
    """
    try:
        slide = ZarrSlide(path.absolute(), name)
        layout = slide.layout
        down, right = stored_together(layout.arrays[0], layout.axes)
        if math.prod(layout.sizes) != 1:
            return None
        if down * right * layout.arrays[0].dtype.itemsize > MOST_CHUNK:
            return None
        slide._raster(slice(0, 1), slice(0, 1))
    except CodecError:
        return None  # whoever reads it whole says why it cannot be
    except Exception as error:
        cause = f"cannot be opened ({reason(error)})"
        raise ImageError(name, cause, "the file is damaged") from error
    return slide
