"""One law of the noise for many files: one camera or one film took them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from chnorm_cli.scaling.failures import Failure
from chnorm_cli.scaling.own_numbers import numbers_of
from chnorm_cli.scaling.parts import Part, parts_of
from chnorm_cli.scaling.preparing import observed
from chnorm_cli.scaling.requests import LawsOfFiles, NoiseAsked, Request

if TYPE_CHECKING:
    from chnorm_cli.images import Picture
    from chnorm_cli.images.samples import FloatArray
    from chnorm_cli.noise.law import Law

ENOUGH = 8  # files, evenly spread over all, tell what all of them would
UNLIKE = (
    "{}: has {} channels, and other files have {}; --same-noise is about files of one camera or"
    " film: restore the others apart"
)
SEVERAL = (
    "{}: has several channels, each with a law of its own; --same-noise is about pictures with one:"
    " leave it out, or choose a --page"
)


def to_be_found(asked: NoiseAsked) -> bool:
    """Whether the picture has to say how strong its noise is."""
    given = asked.sigma is not None or asked.gain is not None or asked.read_noise is not None
    return not given and asked.strength > 0


def examples_of(sources: Sequence[Request]) -> list[Request]:
    """Choose the files that are looked at."""
    few = np.linspace(0, len(sources) - 1, min(ENOUGH, len(sources))).round().astype(int)
    return [sources[index] for index in few]


def with_laws(requests: Sequence[Request], examples: Sequence[Request]) -> tuple[Request, ...]:
    """Give the requests with the law that is found in all examples together.

    Files that cannot be read are left to their own turn. Raises `Failure` for files that cannot be
    of one camera.
    """
    if not requests or not to_be_found(requests[0].task.noise):
        return tuple(requests)
    laws = _laws_of(examples)
    return tuple(replace(request, laws=laws) for request in requests)


def law_in(laws: LawsOfFiles, part: Part, request: Request) -> Law:
    """Give the law of one part of a page, in its own units and with its own flat areas."""
    from chnorm_cli.restoration import law_on_plane

    if part.count != len(laws.laws):
        raise Failure(UNLIKE.format(request.name, part.count, len(laws.laws)))
    law = laws.laws[part.number - 1]
    channels = part.picture.pixels.shape[2]
    if channels != len(law.level.read):
        raise Failure(UNLIKE.format(request.name, channels, len(law.level.read)))
    offset, span = numbers_of(part.picture)
    law = law.scaled(laws.span / span, (laws.offset - offset) / span)
    pixels, mask = observed(part.picture, request)
    return law_on_plane(law, pixels, None if mask is None else mask.missing)


def _laws_of(examples: Sequence[Request]) -> LawsOfFiles | None:
    """Find the laws of all parts of the pictures; None where no file can be read."""
    from chnorm_cli.images import ImageError, read_pictures
    from chnorm_cli.restoration import law_of_planes

    pages: list[tuple[Picture, Request]] = []
    for request in examples:
        reading = request.reading
        try:
            pictures = read_pictures(
                request.source,
                name=request.name,
                page=reading.page,
                max_pixels=reading.max_pixels,
                streamed=True,  # as the course reads it
            )
        except (ImageError, OSError):
            continue
        if len({picture.place.channel for picture in pictures if picture.place is not None}) > 1:
            raise Failure(SEVERAL.format(request.name))
        pages.append((pictures[len(pictures) // 2], request))
    if not pages:
        return None
    shape = pages[0][0].pixels.shape[2]
    for picture, request in pages:
        if picture.pixels.shape[2] != shape:
            raise Failure(UNLIKE.format(request.name, picture.pixels.shape[2], shape))
    offset, span = _widest([picture for picture, _ in pages])
    width = min(picture.shape[1] for picture, _ in pages)
    parts = [[_shown(part, request, width) for part in parts_of(p)] for p, request in pages]
    laws = []
    for same in zip(*parts, strict=True):
        planes = [
            ((pixels * own[1] + own[0] - offset) / span).astype(np.float32)
            for pixels, _, own in same
        ]
        holes = [missing for _, missing, _ in same]
        law = law_of_planes(
            planes,
            pages[0][1].task.noise.kind,
            missing=holes if any(mask.any() for mask in holes) else None,
        )
        assert law is not None  # nobody doubts that the files are of one camera
        laws.append(replace(law, flat=None))
    return LawsOfFiles(tuple(laws), offset, span, len(pages))


def _widest(pictures: Sequence[Picture]) -> tuple[float, float]:
    """Give (offset, span) of units in which all the pictures lie in [0, 1] nominal."""
    numbers = [numbers_of(picture) for picture in pictures]
    low = min(offset for offset, _ in numbers)
    return low, max(offset + span for offset, span in numbers) - low


def _shown(
    part: Part, request: Request, width: int
) -> tuple[FloatArray, np.ndarray, tuple[float, float]]:
    """Give `width` columns from the middle of a picture, what is missing there, and its units."""
    pixels, mask = observed(part.picture, request)
    missing = np.zeros(part.picture.shape, bool) if mask is None else mask.missing
    left = (pixels.shape[1] - width) // 2
    middle = np.s_[:, left : left + width]
    return pixels[middle], missing[middle], numbers_of(part.picture)
