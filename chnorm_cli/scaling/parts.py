"""What of a picture is restored together: its colours; every other channel has a law of its own.

Measured with `fast` on a microscope's two fields in one file, which share nothing: one by one 31.4
and 37.7 dB, together 28.1 and 31.2. On two stains of one field: 35.1 and 26.9 dB, together 34.5 and 27.7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from chnorm_cli.fitting.solution import ErrorMap, Solution
from chnorm_cli.scaling.compression import OFF
from chnorm_cli.scaling.requests import Request

if TYPE_CHECKING:
    from chnorm_cli.images import Picture


@dataclass(frozen=True)
class Part:
    """One of the `count` parts of a page that are restored by themselves; `number` is from 1."""

    picture: Picture
    number: int = 1
    count: int = 1

    def asked(self, request: Request) -> Request:
        """What is asked for of this part: channels that are no colours were never in a JPEG."""
        if self.count == 1:
            return request
        return replace(request, reading=replace(request.reading, jpeg=OFF))


def parts_of(picture: Picture) -> list[Part]:
    """Take a picture apart: its colours, or its first channel, and each further channel."""
    if not picture.extra:
        return [Part(picture)]
    colours = picture.pixels.shape[2] - picture.extra
    ends = [0, *range(colours, picture.pixels.shape[2] + 1)]
    slices = [slice(start, end) for start, end in pairwise(ends)]
    gone = picture.missing_values  # a value that one channel lacks, the others have
    return [
        Part(
            replace(
                picture,
                pixels=np.ascontiguousarray(picture.pixels[..., part]),
                stored=None if picture.stored is None else picture.stored[..., part],
                extra=0,
                missing=picture.missing
                if gone is None
                else np.asarray(gone[..., part].any(axis=2)),
                missing_values=None,
            ),
            number,
            len(slices),
        )
        for number, part in enumerate(slices, start=1)
    ]


def together(solutions: Sequence[Solution]) -> Solution:
    """Put the solutions of the parts of a page together; what differs is told under `channels`."""
    first = solutions[0]
    if len(solutions) == 1:
        return first
    fitted = [s for s in solutions if s.steps] or [first]
    notes = by_part([s.notes for s in solutions], "channel")
    masks = [s.bad_mask for s in solutions if s.bad_mask is not None]
    return replace(
        first,
        pixels=np.concatenate([s.pixels for s in solutions], axis=2),
        outcome=fitted[0].outcome,
        steps=sum(s.steps for s in solutions),
        seconds=sum(s.seconds for s in solutions),
        loss=float(np.mean([s.loss for s in fitted])),
        grad_norm=float(np.mean([s.grad_norm for s in fitted])),
        layer_grad_norms={},
        sigma=None,
        noise=None,
        generator=fitted[0].generator,
        parameters=fitted[0].parameters,
        plan=fitted[0].plan,
        notes=tuple(notes),
        bad_mask=np.logical_or.reduce(masks) if masks else None,
        bad_pixels=_bad(solutions, masks),
        banding=max(
            (s.banding for s in solutions if s.banding is not None),
            key=lambda one: one["sigma_rows"] + one["sigma_columns"],
            default=None,
        ),
        error_map=_errors(solutions),
        expected_rms=_rms(
            [None if s.expected_rms is None else s.expected_rms**2 for s in solutions],
            [s.pixels.shape[2] for s in solutions],
        ),
        channels=tuple(solutions),
    )


def by_part(lines: Sequence[Sequence[str]], what: str) -> list[str]:
    """Return the lines of all parts, each once; those that are not of every part say of which.

    >>> by_part([["done"], ["done", "dark"], ["done"]], "page")
    ['done', 'page 2: dark']
    """
    parts: dict[str, list[int]] = {}
    for number, said in enumerate(lines, start=1):
        for line in dict.fromkeys(said):
            parts.setdefault(line, []).append(number)
    return [
        line if len(where) == len(lines) else f"{_numbers(where, what)}: {line}"
        for line, where in parts.items()
    ]


def _numbers(parts: Sequence[int], what: str) -> str:
    """Return `page 2`, or `pages 1–3, 5` of [1, 2, 3, 5]."""
    runs: list[list[int]] = []
    for part in parts:
        if runs and part == runs[-1][-1] + 1:
            runs[-1].append(part)
        else:
            runs.append([part])
    texts = [str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs]
    return f"{what}{'s' if len(parts) > 1 else ''} {', '.join(texts)}"


def _bad(solutions: Sequence[Solution], masks: Sequence[Any]) -> dict[str, Any] | None:
    told = [s.bad_pixels for s in solutions if s.bad_pixels is not None]
    if not told or not masks:
        return None
    pixels = np.logical_or.reduce(masks)
    return {
        "count": int(pixels.sum()),
        "share": float(f"{pixels.mean():.6g}"),
        "dead_rows": max(one["dead_rows"] for one in told),
        "dead_columns": max(one["dead_columns"] for one in told),
    }


def _errors(solutions: Sequence[Solution]) -> ErrorMap | None:
    """Give the root mean square over the channels; None where one of them has no map."""
    maps = [s.error_map for s in solutions]
    weights = np.array([s.pixels.shape[2] for s in solutions], np.float64)
    if any(one is None for one in maps):
        return None
    squares = np.stack([np.square(one.error, dtype=np.float64) for one in maps if one is not None])
    error = np.sqrt(np.tensordot(weights / weights.sum(), squares, 1)).astype(np.float32)
    return ErrorMap(error, sum(one.seconds for one in maps if one is not None))


def _rms(squares: Sequence[float | None], weights: Sequence[int]) -> float | None:
    known = [square for square in squares if square is not None]
    if len(known) < len(squares):
        return None
    return float(np.sqrt(np.average(known, weights=weights)))
