"""The course of one request: file → picture → fit → file, told as events.

course = Course(request)
for event in course:
    view.show(event)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from chnorm_cli.fitting.solution import Solution
from chnorm_cli.scaling.answers import encode_answers, encode_as
from chnorm_cli.scaling.bad_masks import check_mask_pages, encode_bad_masks
from chnorm_cli.scaling.error_maps import check_map_pages, encode_error_maps
from chnorm_cli.scaling.events import LAYOUTS, Event, Finished, Opened, Prepared
from chnorm_cli.scaling.failures import ExitCode, Failure
from chnorm_cli.scaling.parts import parts_of, together
from chnorm_cli.scaling.preparing import prepare_restoration
from chnorm_cli.scaling.report import describe_fit, describe_result
from chnorm_cli.scaling.requests import Inpaint, Request, Superres, Task
from chnorm_cli.scaling.stack import Stack

if TYPE_CHECKING:
    from chnorm_cli.images import Picture
    from chnorm_cli.images.samples import FloatArray
    from chnorm_cli.restoration import Restoration

SAME = "the law of the noise was found in {} of the files together (--same-noise)"


class Course:
    """One request on its way; iterate over it once.

    After an interruption `partial` ends the course with the best picture so far.
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self.restoration: Restoration | None = None
        self._pictures: list[Picture] = []
        self._solutions: list[Solution] = []
        self._notes: list[str] = []

    @property
    def activity(self) -> str:
        """What is happening right now, for views that poll."""
        return self.restoration.activity if self.restoration else "starting"

    def __iter__(self) -> Iterator[Event]:
        """Yield the events; raise what `failures.explain` explains."""
        from chnorm_cli.images import read_pictures

        request = self.request
        check_target(request)
        self._pictures = list(
            read_pictures(
                request.source,
                name=request.name,
                page=request.reading.page,
                max_pixels=request.reading.max_pixels,
                streamed=True,
            )
        )
        check_replaced(
            self._pictures, request.source, request.target, request.name, scale_of(request.task)
        )
        check_form(self._pictures, request)
        if request.uncertainty is not None:
            check_map_pages(request.uncertainty, len(self._pictures))
        if request.bad_mask is not None:
            check_mask_pages(request.bad_mask, len(self._pictures))
        rehearse(self._pictures, request)
        self._notes += doubts(request.task)
        self._notes += [note for p in self._pictures for note in (*p.notes, *p.lost)]
        if request.laws is not None:
            self._notes.append(SAME.format(request.laws.found_in))
        if len(self._pictures) > 1 and self._pictures[0].streamed:
            self._notes.append(
                f"{len(self._pictures)} pictures follow one another: all are restored"
            )
        stack = Stack(self._pictures, request)
        for number, picture in enumerate(self._pictures):
            solutions = []
            for part in parts_of(picture):
                self.restoration = None
                yield Opened(
                    request.name,
                    request.task.name,
                    size_of(picture),
                    layout_of(picture),
                    number + 1,
                    len(self._pictures),
                    part.number,
                    part.count,
                )
                law = stack.law(number, part)
                joint = stack.joint(number, part, law)
                asked = part.asked(request)
                self.restoration, notes = prepare_restoration(part.picture, asked, law, joint)
                self._notes += notes
                yield Prepared(dict(self.restoration.header))
                yield from self.restoration
                solution = self.restoration.solution
                solutions.append(solution if joint is None else joint.own(solution))
                check_outcome(solutions[-1], request.name)
            self._solutions.append(together(solutions))
        yield self._finish()

    def partial(self) -> Finished | None:
        """Write the best so far after an interruption; None when there is nothing worth keeping.

        Only a picture with one page, restored as one, has a partial answer: half of a stack is not a
        stack.
        """
        if self.restoration is None or len(self._pictures) != 1 or self._solutions:
            return None
        if len(parts_of(self._pictures[0])) > 1:
            return None
        solution = self.restoration.best_so_far()
        if solution is None:
            return None
        self._solutions = [solution]
        return self._finish()

    def _finish(self) -> Finished:
        """Encode the answer, write it where it belongs, and report."""
        from chnorm_cli.images import axes_of, write_atomically

        request = self.request
        restored = [
            answered(picture, solution.pixels, request.task)
            for picture, solution in zip(self._pictures, self._solutions, strict=True)
        ]
        encoded = encode_answers(self._pictures, restored, self._solutions, request.writing)
        written: tuple[str, ...] = ()
        mapped = request.uncertainty is not None and all(s.error_map for s in self._solutions)
        maps = b""
        if mapped and request.uncertainty is not None:  # made before anything is written
            maps = encode_error_maps(
                request.uncertainty,
                self._pictures,
                self._solutions,
                encoded.depth,
                filled=isinstance(request.task, Inpaint),
            )
        if request.target is not None:
            written = encoded.write(request.target)
        if mapped and request.uncertainty is not None:
            written += write_atomically(request.uncertainty, maps)
        if request.bad_mask is not None:
            masks = encode_bad_masks(request.bad_mask, self._pictures, self._solutions)
            written += write_atomically(request.bad_mask, masks)
        report = describe_result(
            request,
            input_size=size_of(self._pictures[0]),
            output_size=size_of(restored[0]),
            layout=layout_of(self._pictures[0]),
            axes=axes_of(self._pictures),
            fits=[describe_fit(solution) for solution in self._solutions],
            clipped=encoded.clipped,
            mapped=mapped,
            notes=list(dict.fromkeys([*self._notes, *encoded.notes, *written])),
        )
        return Finished(report, encoded.data if request.target is None else None)


def check_outcome(solution: Solution, name: str) -> None:
    """Raise `Failure` for a fit that leaves no picture."""
    if solution.outcome.failed:
        raise Failure(
            f"{name}: {solution.outcome.value} Nothing was written; "
            "try another --seed, --generator or --normalization",
            ExitCode.DIVERGED,
        )


def answered(picture: Picture, pixels: FloatArray, task: Task) -> Picture:
    """Return the picture with restored pixels; filled holes that were transparent become opaque."""
    if isinstance(task, Inpaint) and task.mask is None:
        picture = picture.opaque()
    return picture.with_pixels(pixels, scale_of(task))


def scale_of(task: Task) -> int:
    """How much wider and higher the answer is."""
    return task.scale if isinstance(task, Superres) else 1


def doubts(task: Task) -> list[str]:
    """Return what looks like a mistake but may be meant."""
    sigma = task.noise.sigma_of_white
    if sigma is None or not 0 < sigma < 1:
        return []
    return [f"σ is on the 0–255 scale; {sigma:g} of 1 would be --sigma {sigma * 255:g}"]


def rehearse(pictures: Sequence[Picture], request: Request) -> None:
    """Encode one pixel of each page, so that what cannot be written is known before the fit."""
    corners = [
        replace(
            picture,
            pixels=picture.pixels[:1, :1],
            alpha=None if picture.alpha is None else picture.alpha[:1, :1],
            stored=None,
            missing=None,
        )
        for picture in pictures
    ]
    encode_as(corners, request.writing)


def check_replaced(
    pictures: Sequence[Picture],
    source: Path | bytes,
    target: Path | None,
    name: str,
    scale: int = 1,
) -> None:
    """Raise, before anything is done, where the result would replace what it does not hold."""
    from chnorm_cli.images import check_replacing

    if not isinstance(source, Path) or target is None:
        return
    if target.exists() and source.samefile(target):
        check_replacing(pictures, name, scale)
    elif source.is_dir() and source.resolve() in target.resolve().parents:
        raise Failure(f"{target}: lies in {name}, the picture itself; give another place")
    elif target.resolve() in source.resolve().parents:
        raise Failure(f"{target}: holds {name}, and would replace it; give another place")


def check_form(pictures: Sequence[Picture], request: Request) -> None:
    """Raise where several pictures would end in one file of a kind that is known to hold one.

    Few programs look behind the first. On standard output, and from a file of that form to
    another, they follow one another as they came.
    """
    form, target = request.writing.format, request.target
    if target is None or form == "tiff" or len(pictures) == 1 or not pictures[0].streamed:
        return
    if isinstance(request.source, Path) and all(p.source_format == form for p in pictures):
        return
    raise Failure(
        f"{request.name}: {len(pictures)} pictures do not fit into {target}; give it the ending"
        " .tif, write to standard output, or choose one with --page"
    )


def check_target(request: Request) -> None:
    """Raise before the fit what would otherwise only be found after it."""
    for path in (request.target, request.uncertainty, request.bad_mask):
        if path is not None:
            check_writable(path)


def check_writable(path: Path) -> None:
    """Raise `Failure` when nothing can be written at `path`."""
    from chnorm_cli.images import ImageError
    from chnorm_cli.images import check_writable as check

    try:
        check(path)
    except ImageError as error:
        raise Failure(str(error)) from error


def layout_of(picture: Picture) -> str:
    """The channels in words."""
    channels = picture.pixels.shape[2] + (picture.alpha is not None)
    if picture.extra:
        alpha = " + alpha" if picture.alpha is not None else ""
        return f"{picture.pixels.shape[2]} channels{alpha}"
    return LAYOUTS.get(channels, f"{channels} channels")


def size_of(picture: Picture) -> tuple[int, int]:
    """(width, height) in pixels."""
    height, width = picture.pixels.shape[:2]
    return width, height
