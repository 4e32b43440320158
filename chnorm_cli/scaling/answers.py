"""From restored pictures to a file: as the request wants it, and a JPEG so that the work is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from chnorm_cli.fitting.solution import Solution
from chnorm_cli.scaling.requests import Writing

if TYPE_CHECKING:
    from chnorm_cli.images import Encoded, Picture

USUAL = 95  # quality of lossy formats
# At that quality a third of what was gained on JPEGs of quality 80 is lost again, and at 98 a sixth.
FINER = ((70, 98), (50, 97))  # from such a quality of the input on
LOSSY = ("jpeg", "webp", "avif", "heic")
WORTH_SAYING = 0.35  # of the change that was made: so much is changed again by saving it
AS_IT_CAME = "nothing was changed, and the file is kept byte for byte"
LOSSLESS = (
    "saving as {} changes the result by {:.1f} of 255, which is {:.0f} % of what was changed; a"
    " lossless format keeps all of it (-o with .png or .tif)"
)


def encode_as(pictures: Sequence[Picture], writing: Writing) -> Encoded:
    """Encode as the request wants it."""
    from chnorm_cli.images import Depth, encode

    depth = None if writing.depth is None else Depth(writing.depth)
    return encode(
        pictures,
        format=writing.format,
        depth=depth,
        strip=writing.strip,
        quality=USUAL if writing.quality is None else writing.quality,
    )


def encode_answers(
    pictures: Sequence[Picture],
    restored: Sequence[Picture],
    solutions: Sequence[Solution],
    writing: Writing,
) -> Encoded:
    """Encode what became of `pictures`; JPEG files that nothing has changed are kept as they came."""
    kept = _as_they_came(pictures, restored, writing)
    if kept is not None:
        return kept
    if writing.quality is None:
        writing = replace(writing, quality=_quality(solutions))
    encoded = encode_as(restored, writing)
    note = _loss(pictures, restored, solutions, writing, encoded.data)
    return encoded if note is None else replace(encoded, notes=(*encoded.notes, note))


def _as_they_came(
    pictures: Sequence[Picture], restored: Sequence[Picture], writing: Writing
) -> Encoded | None:
    """Give the bytes of JPEG files whose pictures are as they were; None where anything is asked of them."""
    from chnorm_cli.images import Depth, Encoded

    asked = writing.strip or writing.quality is not None
    if writing.format != "jpeg" or asked or any(p.held != len(pictures) for p in pictures):
        return None
    found = []
    for before, after in zip(pictures, restored, strict=True):
        if before.jpeg is None or before.lost or not np.array_equal(before.pixels, after.pixels):
            return None
        found.append(before.jpeg.data)
    return Encoded(b"".join(found), 0, Depth.EIGHT, (AS_IT_CAME,))


def _quality(solutions: Sequence[Solution]) -> int:
    """Give the quality that keeps what was done to JPEGs; it is finer than theirs."""
    finest = max((s.jpeg["quality"] for s in solutions if s.jpeg is not None), default=0)
    return next((finer for from_on, finer in FINER if finest >= from_on), USUAL)


def _loss(
    pictures: Sequence[Picture],
    restored: Sequence[Picture],
    solutions: Sequence[Solution],
    writing: Writing,
    data: bytes,
) -> str | None:
    """Say how much of what was done to a JPEG is lost by saving it, where that is much."""
    if len(pictures) != 1 or solutions[0].jpeg is None or writing.format not in LOSSY:
        return None
    if pictures[0].pixels.shape != restored[0].pixels.shape:
        return None
    from chnorm_cli.images import read_pictures

    (saved,) = read_pictures(data, name="the result")
    lost = _apart(saved, restored[0])
    share = lost / max(_apart(restored[0], pictures[0]), 1e-9)
    name = {"jpeg": "JPEG", "webp": "WebP"}.get(writing.format, writing.format.upper())
    return None if share < WORTH_SAYING else LOSSLESS.format(name, 255 * lost, 100 * share)


def _apart(one: Picture, other: Picture) -> float:
    """Give the root mean square of the difference of two pictures of one size."""
    return float(np.sqrt(np.square(one.pixels.clip(0, 1) - other.pixels.clip(0, 1)).mean()))
