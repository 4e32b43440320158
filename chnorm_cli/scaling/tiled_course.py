"""The course of one large picture whose tiles are files: they can be taken up, and made anywhere.

    read windows → learn → tiles, by whoever works → join them into the result

A TIFF is read and written window by window, so that it never has to fit into memory.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chnorm_cli import __version__
from chnorm_cli.fitting.solution import Step
from chnorm_cli.scaling.cluster import cluster
from chnorm_cli.scaling.course import (
    check_outcome,
    check_replaced,
    check_target,
    doubts,
    layout_of,
    rehearse,
)
from chnorm_cli.scaling.events import Activity, Event, Finished, Opened, Prepared
from chnorm_cli.scaling.failures import Failure
from chnorm_cli.scaling.own_numbers import noise_arguments
from chnorm_cli.scaling.parts import parts_of
from chnorm_cli.scaling.processes import Here, Processes
from chnorm_cli.scaling.report import describe_fit, describe_result, describe_task
from chnorm_cli.scaling.requests import Request
from chnorm_cli.scaling.same_noise import law_in
from chnorm_cli.scaling.spawned import usable_cores
from chnorm_cli.scaling.tile_jobs import Done, Held, Source, TileJob, Windows, run_tiles
from chnorm_cli.scaling.tile_store import TileStore
from chnorm_cli.scaling.tiled_result import write_whole, write_windows

if TYPE_CHECKING:
    from chnorm_cli.images import Picture, Slide
    from chnorm_cli.restoration import Restoration
    from chnorm_cli.restoration.tiling import Tiling

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
        check_replaced([picture], request.source, request.target, request.name)
        rehearse([picture], request)
        self.notes += [*doubts(request.task), *picture.notes, *picture.lost]
        height, width = self.size
        yield Opened(request.name, request.task.name, (width, height), layout_of(picture), 1, 1)
        with self._workers() as executor:
            self.store.begin(
                self._plan(), resume=request.tiles.resume or request.tiles.shard is not None
            )
            if self.slide is None:
                self.store.hold(picture.visible_pixels())
            fit = self.store.fit
            if fit is None:
                fit = yield from self._learn()
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
        if picture.missing is not None:
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
        from chnorm_cli.restoration.tiling import tiling_for_workers

        return tiling_for_workers(self.request.settings.tile, self.picture.pixels.shape[2])

    def _learn(self) -> Generator[Event, None, dict[str, Any]]:
        """Learn from windows; leave what was learnt in the folder, and give what the report says."""
        from chnorm_cli.restoration.beginning import Said
        from chnorm_cli.restoration.from_parts import learn_to_denoise
        from chnorm_cli.restoration.sending import packed
        from chnorm_cli.restoration.tiled import with_tiles_ahead
        from chnorm_cli.restoration.tiling import tile_windows

        self.activity = "looking at the picture"
        request = self.request
        said = Said(**noise_arguments(self.picture, request.task.noise))
        settings = replace(request.settings, threads=self.threads)
        laws = request.laws
        told = None if laws is None else law_in(laws, parts_of(self.picture)[0], request)
        lesson = learn_to_denoise(self.source.pixels, self.size, said, settings, self.tiling, told)
        restoration = lesson.restoration
        yield Prepared(dict(restoration.header))
        for step in restoration:
            self.activity = restoration.activity
            height, width = self.size
            self.last = with_tiles_ahead(step, lesson.tile_seconds(height * width) / self._hands())
            yield self.last
        check_outcome(restoration.solution, request.name)
        work = None if lesson.learnt is None else packed(lesson.learnt())
        assert self.tiling.tile is not None
        tiles = 0 if work is None else len(tile_windows(self.size, self.tiling.tile))
        self.store.keep_learnt(work, {**describe_fit(restoration.solution), "tiles": tiles})
        fit = self.store.fit
        assert fit is not None
        return fit

    def _restore(self, count: int, executor: Executor) -> Iterator[Event]:
        """Restore the tiles of this run that are not there yet, and say how long it takes."""
        from chnorm_cli.restoration.tiled import progress

        finished = self.store.finished(count)
        share, shares = self.request.tiles.shard or (1, 1)
        todo = [n for n in range(count)[share - 1 :: shares] if n not in finished]
        if not todo:
            return
        given_up, done, began = [], 0, time.perf_counter()
        self.activity = f"0 of {len(todo)} tiles"
        slots = len(todo) if self.request.tiles.dask is not None else self._hands()
        for end in run_tiles([self._job(number) for number in todo], executor, slots):
            if isinstance(end, Done):
                done += 1
            else:
                given_up.append(end)
            self.activity = progress(done + len(given_up), len(todo), time.perf_counter() - began)
            yield Activity(self.activity)
        if given_up:
            kept = len(self.store.finished(count))
            others = f", and so did {len(given_up) - 1} more" if len(given_up) > 1 else ""
            raise Failure(
                f"{self.request.name}: tile {given_up[0].number + 1} failed three times"
                f" ({given_up[0].reason}){others};"
                f" {kept} of {count} tiles are kept, and {TAKE_UP}"
            )

    def _job(self, number: int) -> TileJob:
        from chnorm_cli.restoration.tiling import tile_windows

        assert self.tiling.tile is not None
        window = tile_windows(self.size, self.tiling.tile)[number]
        return TileJob(
            number,
            window,
            self.source,
            self.store.learnt,
            self.store.tile(number),
            self.request.settings.device,
            self.threads,
        )

    @contextlib.contextmanager
    def _workers(self) -> Iterator[Executor]:
        """Give whoever restores tiles; processes begin when there is work for them."""
        asked = self.request.tiles
        if asked.dask is not None:
            with cluster(asked.dask) as executor:
                yield executor
            return
        if asked.jobs == 0:
            yield Here()
            return
        executor = Processes(self._hands(), threads=self.threads)
        try:
            yield executor
        finally:
            executor.shutdown(cancel_futures=True)

    def _hands(self) -> int:
        """Say how many processes there are: as asked, or as cores and memory have room for."""
        from chnorm_cli.memory import free_memory

        if self.request.tiles.jobs is not None:
            return max(1, self.request.tiles.jobs)
        cores = max(1, usable_cores() // self.threads)
        free = free_memory()
        return cores if free is None else max(1, min(cores, free // self.tiling.memory))

    def _finish(self, fit: Mapping[str, Any]) -> Finished:
        """Join the tiles into the result."""
        self.activity = "join the tiles"
        joined = None
        if fit["tiles"]:
            assert self.tiling.tile is not None
            joined = self.store.joined(self.size, self.tiling.tile)
        if self.slide is None:
            clipped, notes = write_whole(self.request, self.picture, joined)
        else:
            clipped, notes = write_windows(self.request, self.slide, joined, self._say)
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
        size = (self.size[1], self.size[0])
        told = {key: value for key, value in fit.items() if key != "tiles"}
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
            output_size=size,
            layout=layout_of(self.picture),
            axes=None,
            fits=[told],
            clipped=clipped,
            mapped=False,
            notes=said,
        )
        return report if written else {**report, "output": None}

    def _plan(self) -> dict[str, Any]:
        """What has to be the same for tiles to be taken up."""
        request, source = self.request, self.request.source
        assert isinstance(source, Path)
        state = source.stat()
        settings = request.settings.as_dict() | {"threads": self.threads, "tile": self.tiling.tile}
        return {
            "version": __version__,
            "source": [str(source.absolute()), state.st_size, state.st_mtime_ns],
            "size": list(self.size),
            "page": request.reading.page,
            "settings": settings,
            "task": describe_task(request),
            "law_of_files": request.laws is not None,
        }
