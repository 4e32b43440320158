"""A TIFF written tile by tile, of a picture that is never held whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chnorm_cli.images import descriptions, tiff
from chnorm_cli.images.atomic import written_by
from chnorm_cli.images.encoding import sheet, written_metadata
from chnorm_cli.images.formats import BY_NAME
from chnorm_cli.images.metadata import Metadata
from chnorm_cli.images.picture import Depth, Picture
from chnorm_cli.images.raster import Raster

TILE = (256, 256)  # pixels, where the input has none
STEP = 16  # of which the sides of a TIFF's tiles are multiples
ReadWindow = Callable[[slice, slice], Picture]


class SlideWriting:
    """Writes the TIFF of a picture of (H, W) pixels, of which ``read`` gives windows.

    ``head`` is its first pixel, with the metadata of the whole. ``clipped`` counts the pixels that
    lay beyond black or white, and ``notes`` say what the file could not hold.
    """

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
        self.size, self.read = size, read
        self.tile = tile if tile and not (tile[0] % STEP or tile[1] % STEP) else TILE
        self.depth, self.strip = depth, strip
        row = BY_NAME["tiff"]
        first = sheet(head, row, depth, strip)
        self.stored_depth = first.depth
        notes = list(first.raster.notes)
        self.raster: Raster = replace(first.raster, metadata=self._metadata(head, notes))
        self.notes: tuple[str, ...] = tuple(notes)
        self.clipped = 0

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
                    made = sheet(self.read(*window), BY_NAME["tiff"], self.depth, self.strip)
                    self.clipped += made.clipped if plane == 0 else 0
                    samples = made.raster.samples
                    missing = [
                        (0, n - have) for n, have in zip(self.tile, samples.shape, strict=False)
                    ]
                    samples = np.pad(samples, [*missing, (0, 0)], mode="edge")
                    if planar:
                        samples = samples[..., plane : plane + 1]
                    yield samples[..., 0] if samples.shape[2] == 1 else samples

    def _metadata(self, head: Picture, notes: list[str]) -> Metadata:
        if self.strip:
            return head.metadata.stripped()
        return written_metadata(head, BY_NAME["tiff"], notes, (self.size[1], self.size[0]))
