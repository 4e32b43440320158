"""What is learnt once for all tiles of a picture, and which of its pixels are to be filled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from chnorm_cli.fitting.settings import FitSettings
from chnorm_cli.scaling.compression import jpeg_of
from chnorm_cli.scaling.own_numbers import noise_arguments
from chnorm_cli.scaling.parts import parts_of
from chnorm_cli.scaling.preparing import observed
from chnorm_cli.scaling.requests import Inpaint, Request, Superres
from chnorm_cli.scaling.same_noise import law_in
from chnorm_cli.scaling.tiles.tile_jobs import Source

if TYPE_CHECKING:
    from chnorm_cli.images import Picture, Slide
    from chnorm_cli.images.samples import FloatArray
    from chnorm_cli.restoration.tiles.from_parts import Lesson
    from chnorm_cli.restoration.tiles.tiling import Tiling

LOOK = 2048  # rows whose alpha is looked at together


@dataclass(frozen=True)
class Holes:
    """Which pixels (H, W) are missing, what is filled of the picture already, and what to know of it."""

    missing: NDArray[np.bool_]
    pixels: FloatArray | None
    notes: Sequence[str]


def holes_in(request: Request, picture: Picture) -> Holes:
    """Find the holes of a picture that is held, and fill those that are wide."""
    from chnorm_cli.restoration.beginning import Said
    from chnorm_cli.restoration.tiles.from_parts_filling import wide_holes_filled

    pixels, mask = observed(picture, request)
    assert mask is not None
    said = Said(**noise_arguments(picture, request.task.noise))
    filled, missing, notes = wide_holes_filled(pixels, mask.missing, said, request.settings)
    return Holes(missing, filled, (*mask.notes, *notes))


def holes_in_slide(request: Request, slide: Slide) -> Holes:
    """Find the holes of a picture that is read window by window; the mask is held."""
    task, (height, width) = request.task, slide.size
    assert isinstance(task, Inpaint)
    head, alpha = slide.head(), None
    if task.mask is None and head.alpha is not None:
        alpha = np.empty((height, width), np.float32)
        for top in range(0, height, LOOK):
            rows = slice(top, min(top + LOOK, height))
            alpha[rows] = slide.read(rows, slice(0, width)).alpha
    picture = replace(head, pixels=np.zeros((height, width, 1), np.float32), alpha=alpha)
    largest = max(request.reading.max_pixels, height * width)
    reading = replace(request.reading, max_pixels=largest)
    _, mask = observed(picture, replace(request, reading=reading))
    assert mask is not None
    return Holes(mask.missing, None, mask.notes)


def lesson_for(
    request: Request,
    picture: Picture,
    source: Source,
    size: tuple[int, int],
    tiling: Tiling,
    settings: FitSettings,
    missing: NDArray[np.bool_] | None,
) -> Lesson:
    """Prepare what is learnt of a picture of `size` (H, W), of which `picture` may be the first pixel."""
    from chnorm_cli.restoration.beginning import Said
    from chnorm_cli.restoration.tiles.from_parts import Parts, learn_to_denoise
    from chnorm_cli.restoration.tiles.from_parts_enlarging import learn_to_enlarge
    from chnorm_cli.restoration.tiles.from_parts_filling import learn_to_fill

    task, laws, whole = request.task, request.laws, picture.shape == size
    said = Said(**noise_arguments(picture, task.noise))
    told = None if laws is None else law_in(laws, parts_of(picture)[0], request)
    jpeg = jpeg_of(picture, request.reading.jpeg) if whole else None
    parts = Parts(source.pixels, size, jpeg)
    if isinstance(task, Superres):
        return learn_to_enlarge(parts, task.scale, task.kernel, said, settings, tiling, told)
    if isinstance(task, Inpaint):
        assert missing is not None
        return learn_to_fill(
            parts, missing, said, settings, tiling, clean=task.clean, wide=not whole, told=told
        )
    return learn_to_denoise(parts, said, settings, tiling, told)
