"""A large picture restored tile by tile: what is to be learnt is learnt once, from a part of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.settings import LEAST_TILE
from chnorm_cli.fitting.solution import DivergedError, Outcome, Step
from chnorm_cli.fitting.stages import RunningFit, with_time_after
from chnorm_cli.noise.sampling import Window, mosaic
from chnorm_cli.restoration.bootstrap import Restorer
from chnorm_cli.restoration.tiles.tile_work import Place, TileWork
from chnorm_cli.restoration.tiles.tiling import tile_weight, tile_windows

PART, PARTS = 512, 2  # PARTS² windows of PART² pixels are learnt from
LEARNING_SHARE = 0.4  # of --time; the tiles take what they take


class Learning(Protocol):
    """What learns from a part of a picture, and then says what is to be done in each tile."""

    @property
    def fit(self) -> RunningFit:
        """The fit to be run first."""
        ...

    def work(self) -> TileWork:
        """Give what has been learnt."""
        ...

    def tile_seconds(self, pixels: int) -> float:
        """Estimate what tiles of so many pixels take; 0 where nothing is known."""
        ...


def part_to_learn_from(z: Tensor) -> Tensor:
    """Give windows of (C, H, W), spread over it, as one picture."""
    return mosaic(lambda window: z[:, *window], (z.shape[1], z.shape[2]), PART, PARTS)


def learning_budget(budget: Budget) -> Budget:
    """Give the part of the time that is for learning."""
    seconds = None if budget.seconds is None else LEARNING_SHARE * budget.seconds
    return replace(budget, seconds=seconds)


class InTiles:
    """Run a learning fit, then restore y (C, H, W) in tiles of `side`² pixels.

    Each tile is restored from itself alone, so neither their order nor who restores them matters.
    Of tiles whose pixels are not all `known` (H, W), bool, these are gone by. On a GPU whose memory
    runs out the tiles become smaller.
    """

    def __init__(
        self, learning: Learning, y: Tensor, side: int, known: Tensor | None = None
    ) -> None:
        self.learning = learning
        self.y, self.side, self.known = y, side, known
        self.budget = learning.fit.budget
        self.outcome: Outcome | None = None
        self.answer: Tensor | None = None
        self._doing = ""

    @property
    def activity(self) -> str:
        """What is happening right now, and how long the tiles still take."""
        return self._doing or self.learning.fit.activity

    def __iter__(self) -> Iterator[Step]:
        """Learn, then restore all tiles; after each the last step is told again, with the time left."""
        last: Step | None = None
        for step in self.learning.fit:
            last = with_time_after(step, self.learning.tile_seconds(self.y[0].numel()))
            yield last
        outcome = self.learning.fit.outcome
        if outcome is not Outcome.DIVERGED:
            try:
                for share in self._restoring(self.learning.work()):
                    if last is not None:
                        yield replace(last, seconds=self.budget.elapsed, share_done=share)
            except DivergedError:
                outcome = Outcome.DIVERGED
        self._doing = ""
        self.outcome = outcome

    def estimate(self) -> Tensor | None:
        """Give the restored picture (C, H, W), or None before all tiles are there."""
        return self.answer

    def _restoring(self, work: TileWork) -> Iterator[float]:
        """Restore all tiles and join them; give the share of all the time that is over after each."""
        learning = self.budget.elapsed
        while True:
            joining = Joining(work, self.y, self.side, self.known)
            try:
                for done in joining:
                    tiles = self.budget.elapsed - learning
                    self._doing = progress(done, joining.count, tiles)
                    yield share_of_time(learning, tiles, done, joining.count)
            except torch.OutOfMemoryError:
                if self.side // 2 < LEAST_TILE // work.scale:
                    raise
                self.side //= 2
                torch.cuda.empty_cache()
            else:
                self.answer = joining.total
                return


def share_of_time(learning: float, tiles: float, done: int, count: int) -> float:
    """Give the share of the time that is over, where `done` of `count` like tiles took `tiles` seconds."""
    return (learning + tiles) / max(learning + tiles * count / done, 1e-6)


class Joining:
    """Restore y (C, H, W) tile by tile, each from itself alone; `total` is where they fade into each other.

    y is the whole picture, or itself a tile `within` it. Iterate for the number of tiles that are done.
    """

    def __init__(
        self,
        work: TileWork,
        y: Tensor,
        side: int,
        known: Tensor | None = None,
        within: Place | None = None,
    ) -> None:
        self.work, self.y, self.side, self.known = work, y, side, known
        self.within = within
        self.size = (y.shape[1], y.shape[2])
        self.windows = tile_windows(self.size, side)
        self.count = len(self.windows)
        self.total: Tensor | None = None

    def __iter__(self) -> Iterator[int]:
        """Restore them in order."""
        scale = self.work.scale
        for number, window in enumerate(self.windows):
            known = None if self.known is None else self.known[window]
            known = None if known is None or bool(known.all()) else known
            place = self._place(number, window)
            part = self.work.restore(self.y[:, *window].contiguous(), known, place).detach()
            with torch.no_grad():
                if self.total is None:  # only an answer says how many channels there are
                    self.total = part.new_zeros(len(part), *(scale * n for n in self.size))
                weight = tile_weight(window, self.size, self.side, scale).to(part)
                self.total[:, *enlarged(window, scale)] += weight * part
            yield number + 1

    def _place(self, number: int, window: Window) -> Place:
        rows, columns = window
        if self.within is None:
            return Place(number, (rows.start, columns.start))
        top, left = self.within.corner
        return Place(self.within.number + number, (top + rows.start, left + columns.start))


def joined(
    work: TileWork,
    y: Tensor,
    side: int,
    known: Tensor | None = None,
    within: Place | None = None,
) -> Tensor:
    """Restore y (C, H, W) tile by tile."""
    joining = Joining(work, y, side, known, within)
    for _ in joining:
        pass
    assert joining.total is not None
    return joining.total


@dataclass(frozen=True)
class RestorerInTiles:
    """A restorer of pictures of any size, which are restored in tiles of `side`² pixels."""

    restorer: Restorer
    side: int

    @property
    def risk(self) -> float | None:
        """What the trials told of its errors."""
        return self.restorer.risk

    def restore(self, noisy: Tensor) -> Tensor:
        """Restore a picture (C, H, W) tile by tile."""
        return joined(_Each(self.restorer), noisy, self.side)


@dataclass(frozen=True)
class _Each:
    restorer: Restorer
    scale: int = 1

    def restore(self, y: Tensor, known: Tensor | None, place: Place) -> Tensor:
        return self.restorer.restore(y)


def enlarged(window: Window, scale: int) -> Window:
    """Give the window of the answer that belongs to one of the picture."""
    rows, columns = window
    return (
        slice(scale * rows.start, scale * rows.stop),
        slice(scale * columns.start, scale * columns.stop),
    )


def progress(done: int, count: int, seconds: float) -> str:
    """Say how many tiles are done, and how long the others take as those before did."""
    return f"{done} of {count} tiles, {_clock(seconds / done * (count - done))} left"


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"
