"""Finished tiles become the file that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from chnorm_cli.scaling.answers import encode_as
from chnorm_cli.scaling.course import answered, scale_of
from chnorm_cli.scaling.requests import Request

if TYPE_CHECKING:
    from chnorm_cli.images import Picture, Slide
    from chnorm_cli.images.samples import FloatArray
    from chnorm_cli.restoration.tiles.joining import Joined

Written = tuple[int, list[str]]  # pixels that were clipped, and notes
ROUNDING = 1e-6  # by which values differ that went through two tiles
AROUND = 4  # pixels around a window, from which its alpha is enlarged


@dataclass(frozen=True)
class TiledResult:
    """What is written: the joined tiles, or (None) the picture as it is.

    With `keeps` the values that the tiles have not touched are those of the picture bit for bit.
    """

    request: Request
    joined: Joined | None
    keeps: bool = False

    def write_whole(self, picture: Picture) -> Written:
        """Write a picture that is held."""
        request, (height, width) = self.request, picture.shape
        assert request.target is not None
        answer = self._answer(picture, slice(0, height), slice(0, width))
        encoded = encode_as([answer], request.writing)
        notes = encoded.write(request.target)
        return encoded.clipped, [*encoded.notes, *notes]

    def write_windows(self, slide: Slide, say: Callable[[float], None]) -> Written:
        """Write a TIFF or OME-Zarr window by window, reading what the restoration does not touch from the input."""
        from chnorm_cli.images import IN_WINDOWS, Depth

        request, asked, scale = self.request, self.request.writing, scale_of(self.request.task)
        assert request.target is not None
        head, (height, width) = slide.head(), slide.size
        one = np.repeat(np.repeat(head.pixels, scale, 0), scale, 1)
        writing = IN_WINDOWS[asked.format](
            answered(head, one, request.task),
            (scale * height, scale * width),
            lambda rows, columns: self._window(slide, rows, columns),
            tile=slide.tile,
            depth=None if asked.depth is None else Depth(asked.depth),
            strip=asked.strip,
        )
        notes = writing.write(request.target, say)
        return writing.clipped, [*writing.notes, *notes]

    def _window(self, slide: Slide, rows: slice, columns: slice) -> Picture:
        """Give a window of the answer."""
        scale = scale_of(self.request.task)
        if scale == 1:
            return self._answer(slide.read(rows, columns), rows, columns)
        small = [
            slice(
                max(0, part.start // scale - AROUND), min(-(-part.stop // scale) + AROUND, length)
            )
            for part, length in zip((rows, columns), slide.size, strict=True)
        ]
        answer = self._answer(slide.read(*small), *small)
        window = tuple(
            slice(part.start - scale * whole.start, part.stop - scale * whole.start)
            for part, whole in zip((rows, columns), small, strict=True)
        )
        alpha = None if answer.alpha is None else answer.alpha[window]
        return replace(answer, pixels=answer.pixels[window], alpha=alpha)

    def _answer(self, picture: Picture, rows: slice, columns: slice) -> Picture:
        """Give the answer to a window of the picture, or to all of it."""
        if self.joined is None:
            return picture
        scale = scale_of(self.request.task)
        large = (slice(scale * part.start, scale * part.stop) for part in (rows, columns))
        pixels: FloatArray = self.joined.read(*large)
        if self.keeps:
            same = np.abs(pixels - picture.pixels) <= ROUNDING
            pixels = np.where(same, picture.pixels, pixels)
        return answered(picture, pixels, self.request.task)
