"""Finished tiles become the file that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chnorm_cli.scaling.answers import encode_as
from chnorm_cli.scaling.requests import Request

if TYPE_CHECKING:
    from chnorm_cli.images import Picture, Slide
    from chnorm_cli.restoration.joining import Joined

Written = tuple[int, list[str]]  # pixels that were clipped, and notes


def write_whole(request: Request, picture: Picture, joined: Joined | None) -> Written:
    """Write a picture that is held; without tiles it is left as it is."""
    from chnorm_cli.images import write_atomically

    assert request.target is not None
    if joined is not None:
        height, width = picture.shape
        picture = picture.with_pixels(joined.read(slice(0, height), slice(0, width)))
    encoded = encode_as([picture], request.writing)
    notes = write_atomically(request.target, encoded.data)
    return encoded.clipped, [*encoded.notes, *notes]


def write_windows(
    request: Request, slide: Slide, joined: Joined | None, say: Callable[[float], None]
) -> Written:
    """Write a TIFF tile by tile, reading what the restoration does not touch from the input."""
    from chnorm_cli.images import Depth, SlideWriting

    assert request.target is not None
    asked = request.writing

    def read(rows: slice, columns: slice) -> Picture:
        window = slide.read(rows, columns)
        return window if joined is None else window.with_pixels(joined.read(rows, columns))

    writing = SlideWriting(
        slide.head(),
        slide.size,
        read,
        tile=slide.tile,
        depth=None if asked.depth is None else Depth(asked.depth),
        strip=asked.strip,
    )
    notes = writing.write(request.target, say)
    return writing.clipped, [*writing.notes, *notes]
