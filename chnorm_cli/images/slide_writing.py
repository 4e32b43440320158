"""A TIFF written tile by tile, of a picture that is never held whole."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from chnorm_cli.images import descriptions, tiff
from chnorm_cli.images.atomic import written_by
from chnorm_cli.images.encoding import Sheet, sheet, written_metadata
from chnorm_cli.images.formats import BY_NAME
from chnorm_cli.images.picture import Depth, Picture
from chnorm_cli.images.raster import Raster

TILE = (256, 256)  # pixels, where the input has none
STEP = 16  # of which the sides of a TIFF's tiles are multiples
ReadWindow = Callable[[slice, slice], Picture]


class WindowWriting(ABC):
    """Writes the file of a picture of (H, W) pixels, of which ``read`` gives windows.

    ``head`` is its first pixel, with the metadata of the whole. ``clipped`` counts the pixels that
    lay beyond black or white, and ``notes`` say what the file could not hold.
    """

    form: ClassVar[str]

    def __init__(
        self,
        head: Picture,
        size: tuple[int, int],
        read: ReadWindow,
        *,
        tile: tuple[int, int] | None = None,
        depth: Depth | None = None,
        strip: bool = False,
    ) -> None:
        self.size, self.read, self.depth, self.strip = size, read, depth, strip
        row, self.clipped = BY_NAME[self.form], 0
        first = sheet(head, row, depth, strip)
        self.stored_depth, notes = first.depth, list(first.raster.notes)
        metadata = head.metadata.stripped()
        if not strip:
            metadata = written_metadata(head, row, notes, (size[1], size[0]))
        notes += self._begin(head, replace(first.raster, metadata=metadata), tile)
        self.notes: tuple[str, ...] = tuple(dict.fromkeys(notes))

    @abstractmethod
    def _begin(self, head: Picture, raster: Raster, tile: tuple[int, int] | None) -> Sequence[str]:
        """Take what the file begins with: ``raster`` is that of ``head``; give further notes."""

    @abstractmethod
    def write(self, path: Path, say: Callable[[float], None] = lambda _: None) -> tuple[str, ...]:
        """Write the file, which takes the place of ``path`` when it is whole; give what could not be kept."""

    def _sheet(self, rows: slice, columns: slice) -> Sheet:
        """Give a window as it is stored."""
        return sheet(self.read(rows, columns), BY_NAME[self.form], self.depth, self.strip)


class SlideWriting(WindowWriting):
    """Writes a TIFF tile by tile."""

    form = "tiff"

    def _begin(self, head: Picture, raster: Raster, tile: tuple[int, int] | None) -> Sequence[str]:
        self.tile = tile if tile and not (tile[0] % STEP or tile[1] % STEP) else TILE
        self.raster = raster
        return ()

    def write(self, path: Path, say: Callable[[float], None] = lambda _: None) -> tuple[str, ...]:
        """Write the file, which takes the place of ``path`` when it is whole; give what could not be kept."""
        return written_by(path, lambda part: self._write(part, say))

    def _write(self, part: Path, say: Callable[[float], None]) -> None:
        from tifffile import TiffWriter

        count = self.raster.samples.shape[2]
        planar = self.raster.metadata.planar and count > 1
        height, width = self.size
        shape = (count, height, width) if planar else (height, width, count)[: 2 + (count > 1)]
        dtype = self.raster.samples.dtype
        stated = descriptions.Shape(1, height, width, count, planar, dtype.name)
        directory = tiff.tags_of(self.raster.metadata, stated)
        big = height * width * count * dtype.itemsize > tiff.BIG
        with TiffWriter(part, bigtiff=big, byteorder="<") as writer:
            writer.write(
                self._tiles(count, planar, say),
                shape=shape,
                dtype=dtype,
                tile=self.tile,
                **tiff.arguments(self.raster, count, directory, big),
            )
        if not big and any(entry.child is not None for entry in directory.values()):
            part.write_bytes(tiff.linked(part.read_bytes(), [directory]))
        with part.open("rb+") as file:
            os.fsync(file.fileno())

    def _tiles(
        self, count: int, planar: bool, say: Callable[[float], None]
    ) -> Iterator[NDArray[np.generic]]:
        """Give the tiles row by row, those at the edges filled up; planes one after another."""
        (height, width), (deep, wide) = self.size, self.tile
        for plane in range(count if planar else 1):
            for top in range(0, height, deep):
                say((plane + top / height) / (count if planar else 1))
                for left in range(0, width, wide):
                    window = (
                        slice(top, min(top + deep, height)),
                        slice(left, min(left + wide, width)),
                    )
                    made = self._sheet(*window)
                    self.clipped += made.clipped if plane == 0 else 0
                    samples = made.raster.samples
                    missing = [
                        (0, n - have) for n, have in zip(self.tile, samples.shape, strict=False)
                    ]
                    samples = np.pad(samples, [*missing, (0, 0)], mode="edge")
                    if planar:
                        samples = samples[..., plane : plane + 1]
                    yield samples[..., 0] if samples.shape[2] == 1 else samples
