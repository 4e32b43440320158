"""Which course a request takes: whole in memory, or in tiles that are files."""

from __future__ import annotations

from pathlib import Path

from chnorm_cli.scaling.course import Course, scale_of
from chnorm_cli.scaling.failures import Failure, usage
from chnorm_cli.scaling.requests import Request
from chnorm_cli.scaling.tiles.tiled_course import TiledCourse

STREAMED = 30_000_000  # pixels of a TIFF or OME-Zarr, from which on it is read and written window by window


def course_for(request: Request) -> Course | TiledCourse:
    """Give the course; raise `Failure` where what was asked of tiles is not possible."""
    from chnorm_cli.images import IN_WINDOWS, ImageError, open_slide

    asked = request.tiles.kept
    source, target = request.source, request.target
    possible = isinstance(source, Path) and target is not None
    if not possible or request.uncertainty is not None or request.bad_mask is not None:
        if asked:
            raise usage(
                "--resume, --dask and --shard of one picture are from a file to a file, without"
                " --uncertainty and --save-mask"
            )
        return Course(request)
    assert isinstance(source, Path)
    slide = None
    # A page beyond the first is not there, which whoever reads the picture whole says.
    if request.writing.format in IN_WINDOWS and request.reading.page in (None, "all", 1):
        try:
            slide = open_slide(source, request.name)
        except ImageError as error:
            raise Failure(str(error)) from error
    if slide is not None:
        pixels = slide.size[0] * slide.size[1]
        most = request.reading.max_pixels
        if pixels > most and not slide.plausible:
            return Course(request)  # which says that it is too large
        if asked or pixels > most or scale_of(request.task) ** 2 * pixels > STREAMED:
            return TiledCourse(request, slide)
    return TiledCourse(request, None) if asked else Course(request)
