"""The course of one large picture whose tiles are files: they can be taken up, and made anywhere.

    read windows → learn → tiles, by whoever works → join them into the result

A TIFF is read and written window by window, so that it never has to fit into memory.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from chnorm_cli.fitting.solution import Step
from chnorm_cli.memory import give_back
from chnorm_cli.scaling.course import (
    check_outcome,
    check_replaced,
    check_target,
    doubts,
    layout_of,
    rehearse,
    scale_of,
)
from chnorm_cli.scaling.events import Activity, Event, Finished, Opened, Prepared
from chnorm_cli.scaling.failures import Failure
from chnorm_cli.scaling.report import describe_fit, describe_result
from chnorm_cli.scaling.requests import Inpaint, Request
from chnorm_cli.scaling.spawned import usable_cores
from chnorm_cli.scaling.tiles.tile_jobs import Done, Held, Source, TileJob, Windows, run_tiles
from chnorm_cli.scaling.tiles.tile_plan import plan_of
from chnorm_cli.scaling.tiles.tile_store import TileStore
from chnorm_cli.scaling.tiles.tile_workers import TileWorkers
from chnorm_cli.scaling.tiles.tiled_lesson import holes_in, holes_in_slide, lesson_for
from chnorm_cli.scaling.tiles.tiled_result import TiledResult

if TYPE_CHECKING:
    from chnorm_cli.images import Picture, Slide
    from chnorm_cli.restoration import Restoration
    from chnorm_cli.restoration.tiles.tiling import Tiling

TAKE_UP = "--resume takes them up"


class TiledCourse:
    """One request on its way, as `Course`; the picture is `slide`, or is read whole and kept in a file."""

    def __init__(self, request: Request, slide: Slide | None) -> None:
        assert request.target is not None
        self.request, self.slide = request, slide
        self.target = request.target
        self.store = TileStore(self.target)
        self.restoration: Restoration | None = None
        self.last: Step | None = None  # of the learning
        self.activity = "starting"
        self.notes: list[str] = []
        self.began = time.perf_counter()

    def partial(self) -> Finished | None:
        """None: there is no picture before all tiles are there, but the finished ones are kept."""
        return None

    @property
    def kept(self) -> str:
        """What a person should know who stops it."""
        fit = self.store.fit if self.store.folder.exists() else None
        if fit is None or not fit["tiles"]:
            return ""
        return f"{len(self.store.finished(fit['tiles']))} of {fit['tiles']} tiles are kept, and {TAKE_UP}"

    def __iter__(self) -> Iterator[Event]:
        """Yield the events; raise what `failures.explain` explains."""
        request = self.request
        check_target(request)
        picture = self.picture
        check_replaced(
            [picture], request.source, request.target, request.name, scale_of(request.task)
        )
        rehearse([picture], request)
        self.notes += [*doubts(request.task), *picture.notes, *picture.lost]
        height, width = self.size
        yield Opened(request.name, request.task.name, (width, height), layout_of(picture), 1, 1)
        with self.workers.executor() as executor:
            self.store.begin(
                plan_of(request, self.size, self.tiling.tile, self.threads),
                resume=request.tiles.resume or request.tiles.shard is not None,
            )
            self._hold()
            fit = self.store.fit
            if fit is None:
                fit = yield from self._learn()
                give_back()  # the tiles need it
            if fit["tiles"]:
                yield from self._restore(fit["tiles"], executor)
        missing = fit["tiles"] - len(self.store.finished(fit["tiles"]))
        if missing:  # the other shares are for others
            yield Finished(self._report(fit, 0, written=False, missing=missing))
            return
        yield self._finish(fit)

    @cached_property
    def picture(self) -> Picture:
        """The picture, or of a slide its first pixel with what the file says of the whole."""
        if self.slide is not None:
            return self.slide.head()
        from chnorm_cli.images import read_pictures

        reading = self.request.reading
        pictures = read_pictures(
            self.request.source,
            name=self.request.name,
            page=reading.page,
            max_pixels=reading.max_pixels,
        )
        if len(pictures) != 1 or pictures[0].extra:
            raise Failure(
                f"{self.request.name}: has several pages or further channels, which are not restored"
                " in tiles that are kept; choose one with --page, or leave --resume, --shard and --dask out"
            )
        picture = pictures[0]
        if picture.missing is not None and not isinstance(self.request.task, Inpaint):
            from chnorm_cli.restoration import fill_missing

            pixels = fill_missing(picture.visible_pixels(), picture.missing)
            picture = replace(picture, pixels=pixels)
        return picture

    @property
    def size(self) -> tuple[int, int]:
        """(H, W)."""
        return self.picture.shape if self.slide is None else self.slide.size

    @property
    def source(self) -> Source:
        """Where the tiles come from."""
        return Held(self.store.held()) if self.slide is None else Windows(self.slide)

    @property
    def threads(self) -> int:
        """Threads of whoever works: one, so that the bytes are the same with any number of them."""
        return self.request.settings.threads or 1

    @cached_property
    def tiling(self) -> Tiling:
        """Tiles whose size depends on no machine, and what one worker needs for one."""
        from chnorm_cli.restoration.tiles.tiling import tiling_for_workers

        return tiling_for_workers(self.request.settings.tile, self.picture.pixels.shape[2])

    @cached_property
    def workers(self) -> TileWorkers:
        """Whoever restores the tiles."""
        return TileWorkers(self.request.tiles, self.threads, self.tiling.memory)

    @cached_property
    def windows(self) -> list[tuple[slice, slice]]:
        """The windows of the picture that tiles are made of."""
        from chnorm_cli.restoration.tiles.tiling import tile_windows

        return tile_windows(self.size, self._side)

    @property
    def _side(self) -> int:
        from chnorm_cli.restoration.tiles.tiling import small_side

        assert self.tiling.tile is not None
        return small_side(self.tiling.tile, scale_of(self.request.task))

    def _hold(self) -> None:
        """Keep in the folder what of the picture is not read window by window, and its holes."""
        request, store = self.request, self.store
        if not isinstance(request.task, Inpaint):
            if self.slide is None:
                store.hold(self.picture.visible_pixels())
            return
        if not store.known().exists():
            self.activity = "looking at the holes"
            slide = self.slide
            holes = (
                holes_in(request, self.picture) if slide is None else holes_in_slide(request, slide)
            )
            if holes.pixels is not None:
                store.hold(holes.pixels)
            store.hold_known(~holes.missing, holes.notes)
        self.notes += store.notes

    def _learn(self) -> Generator[Event, None, dict[str, Any]]:
        """Learn from windows; leave what was learnt in the folder, and give what the report says."""
        from chnorm_cli.restoration.tiles.sending import packed

        self.activity = "looking at the picture"
        request, known = self.request, self.store.known()
        lesson = lesson_for(
            request,
            self.picture,
            self.source,
            self.size,
            self.tiling,
            replace(request.settings, threads=self.threads),
            ~np.load(known) if known.exists() else None,
        )
        restoration = lesson.restoration
        yield Prepared(dict(restoration.header))
        for step in lesson.steps(usable_cores(), self.size, self.workers.count):
            self.last = step
            self.activity = restoration.activity
            yield step
        check_outcome(restoration.solution, request.name)
        work = None if lesson.learnt is None else packed(lesson.learnt())
        tiles = 0 if work is None else len(self.windows)
        told = {**describe_fit(restoration.solution), "tiles": tiles, "keeps": lesson.keeps}
        self.store.keep_learnt(work, told)
        fit = self.store.fit
        assert fit is not None
        return fit

    def _restore(self, count: int, executor: Executor) -> Iterator[Event]:
        """Restore the tiles of this run that are not there yet, and say how long it takes."""
        from chnorm_cli.restoration.tiles.tiled import progress, share_of_time

        finished = self.store.finished(count)
        share, shares = self.request.tiles.shard or (1, 1)
        todo = [n for n in range(count)[share - 1 :: shares] if n not in finished]
        if not todo:
            return
        given_up, done, began = [], 0, time.perf_counter()
        self.activity = f"0 of {len(todo)} tiles"
        slots = len(todo) if self.request.tiles.dask is not None else self.workers.count
        for end in run_tiles([self._job(number) for number in todo], executor, slots):
            if isinstance(end, Done):
                done += 1
            else:
                given_up.append(end)
            over = done + len(given_up)
            seconds = time.perf_counter() - began
            self.activity = progress(over, len(todo), seconds)
            yield Activity(self.activity)
            if self.last is not None:  # told again, as the time left has changed
                past = share_of_time(self.last.seconds, seconds, over, len(todo))
                yield replace(self.last, seconds=self.last.seconds + seconds, share_done=past)
        if given_up:
            kept = len(self.store.finished(count))
            others = f", and so did {len(given_up) - 1} more" if len(given_up) > 1 else ""
            raise Failure(
                f"{self.request.name}: tile {given_up[0].number + 1} failed three times"
                f" ({given_up[0].reason}){others};"
                f" {kept} of {count} tiles are kept, and {TAKE_UP}"
            )

    def _job(self, number: int) -> TileJob:
        known = self.store.known()
        return TileJob(
            number,
            self.windows[number],
            self.source,
            self.store.learnt,
            self.store.tile(number),
            self.request.settings.device,
            self.threads,
            known if known.exists() else None,
        )

    def _finish(self, fit: Mapping[str, Any]) -> Finished:
        """Join the tiles into the result."""
        self.activity = "join the tiles"
        joined, scale = None, scale_of(self.request.task)
        if fit["tiles"]:
            joined = self.store.joined(self.size, self._side, scale)
        result = TiledResult(self.request, joined, fit["keeps"])
        if self.slide is None:
            clipped, notes = result.write_whole(self.picture)
        else:
            clipped, notes = result.write_windows(self.slide, self._say)
        report = self._report(fit, clipped, notes=notes)
        self.store.remove()
        return Finished(report)

    def _say(self, share: float) -> None:
        self.activity = f"join the tiles, {share:.0%}"

    def _report(
        self,
        fit: Mapping[str, Any],
        clipped: int,
        *,
        written: bool = True,
        missing: int = 0,
        notes: Sequence[str] = (),
    ) -> dict[str, Any]:
        from chnorm_cli.images import axes_of

        scale, size = scale_of(self.request.task), (self.size[1], self.size[0])
        told = {key: value for key, value in fit.items() if key not in ("tiles", "keeps")}
        told["seconds"] = round(time.perf_counter() - self.began, 3)
        said = list(dict.fromkeys([*self.notes, *notes]))
        if missing:
            said.append(
                f"{missing} of {fit['tiles']} tiles are still to be made by other shares;"
                " when all are there, the same command with --resume in the place of --shard joins them"
            )
        report = describe_result(
            self.request,
            input_size=size,
            output_size=(scale * size[0], scale * size[1]),
            layout=layout_of(self.picture),
            axes=axes_of([self.picture], self.size),
            fits=[told],
            clipped=clipped,
            mapped=False,
            notes=said,
        )
        return report if written else {**report, "output": None}
