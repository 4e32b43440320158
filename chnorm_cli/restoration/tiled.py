"""A large picture restored tile by tile: what is to be learnt is learnt once, from a part of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.settings import LEAST_TILE
from chnorm_cli.fitting.solution import DivergedError, Outcome, Step
from chnorm_cli.fitting.stages import RunningFit
from chnorm_cli.noise.sampling import Window, mosaic
from chnorm_cli.restoration.bootstrap import Restorer
from chnorm_cli.restoration.tile_work import TileWork
from chnorm_cli.restoration.tiling import tile_weight, tile_windows

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
        """Learn, then restore all tiles."""
        for step in self.learning.fit:
            # The tiles take about as long, for each pixel, as the part that is learnt from did.
            learning = step.seconds / max(step.share_done, 1e-6)
            after = self.learning.tile_seconds(self.y[0].numel())
            yield replace(step, share_done=step.seconds / max(learning + after, 1e-6))
        outcome = self.learning.fit.outcome
        if outcome is not Outcome.DIVERGED:
            try:
                self.answer = self.restored(self.learning.work())
            except DivergedError:
                outcome = Outcome.DIVERGED
        self._doing = ""
        self.outcome = outcome

    def estimate(self) -> Tensor | None:
        """Give the restored picture (C, H, W), or None before all tiles are there."""
        return self.answer

    def restored(self, work: TileWork) -> Tensor:
        """Restore all tiles and join them."""
        while True:
            try:
                return joined(work, self.y, self.side, self.known, self._say)
            except torch.OutOfMemoryError:
                if self.side // 2 < LEAST_TILE // work.scale:
                    raise
                self.side //= 2
                torch.cuda.empty_cache()

    def _say(self, activity: str) -> None:
        self._doing = activity


def joined(
    work: TileWork,
    y: Tensor,
    side: int,
    known: Tensor | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Tensor:
    """Restore y (C, H, W) tile by tile, each from itself alone, and let them fade into each other."""
    size, scale = (y.shape[1], y.shape[2]), work.scale
    windows = tile_windows(size, side)
    total: Tensor | None = None
    began = time.perf_counter()
    for number, window in enumerate(windows):
        say(progress(number, len(windows), time.perf_counter() - began))
        there = None if known is None else known[window]
        there = None if there is None or bool(there.all()) else there
        part = work.restore(y[:, *window].contiguous(), there, number)
        if total is None:  # only an answer says how many channels there are
            total = part.new_zeros(len(part), scale * size[0], scale * size[1])
        total[:, *enlarged(window, scale)] += tile_weight(window, size, side, scale).to(part) * part
    assert total is not None
    return total


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

    def restore(self, y: Tensor, known: Tensor | None, number: int) -> Tensor:
        return self.restorer.restore(y)


def enlarged(window: Window, scale: int) -> Window:
    """Give the window of the answer that belongs to one of the picture."""
    rows, columns = window
    return (
        slice(scale * rows.start, scale * rows.stop),
        slice(scale * columns.start, scale * columns.stop),
    )


def progress(done: int, count: int, seconds: float) -> str:
    """Say which tile it is, and how long the others take as those before did."""
    left = "" if not done else f", {_clock(seconds / done * (count - done))} left"
    return f"tile {done + 1} of {count}{left}"


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"
