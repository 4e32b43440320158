"""The tiles of one picture as calls for an `Executor`: each reads its own window and writes its own file."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from chnorm_cli.scaling.tiles.tile_store import Floats, save

if TYPE_CHECKING:
    from torch import Tensor

    from chnorm_cli.images import Slide
    from chnorm_cli.restoration.tiles.tile_work import Place, TileWork

TRIES = 3
AHEAD = 2  # calls that wait at a worker, so that none is idle


class Source(Protocol):
    """Where windows of the picture come from."""

    def pixels(self, rows: slice, columns: slice) -> Floats:
        """Give (h, w, C), nominal [0, 1]."""
        ...


@dataclass(frozen=True)
class Held:
    """Pixels (H, W, C) in a file of numpy's."""

    path: Path

    def pixels(self, rows: slice, columns: slice) -> Floats:
        """Give (h, w, C)."""
        whole = np.load(self.path, mmap_mode="r")
        return np.array(whole[rows, columns], order="C")  # torch warns of what it cannot write to


@dataclass(frozen=True)
class Windows:
    """Windows of a TIFF as pixels."""

    slide: Slide

    def pixels(self, rows: slice, columns: slice) -> Floats:
        """Give (h, w, C)."""
        return self.slide.read(rows, columns).visible_pixels()


@dataclass(frozen=True)
class TileJob:
    """What one call needs: paths rather than pixels. Tiles are restored with `threads` threads.

    `known` is the file of the pixels (H, W), bool, that are to go by; None: all are.
    """

    number: int
    window: tuple[slice, slice]
    source: Source
    learnt: Path
    target: Path
    device: str = "auto"
    threads: int = 1
    known: Path | None = None


@dataclass(frozen=True)
class Done:
    """A tile that is finished."""

    number: int


@dataclass(frozen=True)
class GivenUp:
    """A tile that failed as often as is tried, and why the last time."""

    number: int
    reason: str


def restore_tile(job: TileJob) -> int:
    """Restore one tile and write its file; wherever that is done, the bytes are the same."""
    import torch

    from chnorm_cli.device import choose_device
    from chnorm_cli.restoration.tiles.tile_work import Place

    torch.set_num_threads(job.threads)
    device = choose_device(job.device)
    work = _learnt(job.learnt, job.learnt.stat().st_mtime_ns, str(device))
    pixels = np.ascontiguousarray(job.source.pixels(*job.window), dtype=np.float32)
    y = torch.from_numpy(pixels).movedim(-1, 0).contiguous().to(device)
    known = None
    if job.known is not None:
        there = np.load(job.known, mmap_mode="r")[job.window]
        known = None if there.all() else torch.from_numpy(there.copy()).to(device)
    rows, columns = job.window
    x = within_memory(work, y, known, Place(job.number, (rows.start, columns.start)))
    if not bool(torch.isfinite(x).all()):
        raise ValueError("its pixels are not finite")
    save(job.target, np.ascontiguousarray(x.float().cpu().movedim(0, -1).numpy()))
    return job.number


@lru_cache(maxsize=2)
def _learnt(path: Path, _: int, device: str) -> TileWork:
    """Give what was learnt; each process reads it once."""
    from chnorm_cli.restoration.tiles.sending import unpacked

    return unpacked(path.read_bytes(), device)


def within_memory(work: TileWork, y: Tensor, known: Tensor | None, place: Place) -> Tensor:
    """Restore y (C, h, w), `known` (h, w) or all of it; where a GPU's memory runs out, in tiles of half its side, and so on."""
    import torch

    from chnorm_cli.fitting.settings import LEAST_TILE
    from chnorm_cli.restoration.tiles.tiled import joined

    side = max(y.shape[1:])
    while True:
        try:
            if side >= max(y.shape[1:]):
                return work.restore(y, known, place)
            return joined(work, y, side, known, place)
        except torch.OutOfMemoryError:
            side //= 2
            if side < LEAST_TILE:
                raise
            torch.cuda.empty_cache()


def run_tiles(jobs: Sequence[TileJob], executor: Executor, slots: int) -> Iterator[Done | GivenUp]:
    """Run the calls, at most `slots` and a few ahead at once; each ends with one of both."""
    waiting, running = deque(jobs), dict[Future[int], TileJob]()
    failed = Counter[int]()
    while waiting or running:
        while waiting and len(running) < AHEAD * slots:
            job = waiting.popleft()
            running[executor.submit(restore_tile, job)] = job
        over, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in over:
            job = running.pop(future)
            error = future.exception()
            if error is None:
                yield Done(job.number)
                continue
            failed[job.number] += 1
            if failed[job.number] < TRIES:
                waiting.append(job)
            else:
                yield GivenUp(job.number, " ".join(str(error).split()) or type(error).__name__)
