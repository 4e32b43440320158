"""A large picture restored tile by tile: what is to be learnt is learnt once, from a part of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor

from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.settings import LEAST_TILE
from chnorm_cli.fitting.solution import Outcome, Step
from chnorm_cli.fitting.stages import RunningFit
from chnorm_cli.noise.sampling import Window, mosaic
from chnorm_cli.restoration.bootstrap import Restorer
from chnorm_cli.restoration.tiling import tile_weight, tile_windows

PART, PARTS = 512, 2  # PARTS² windows of PART² pixels are learnt from
LEARNING_SHARE = 0.4  # of --time; the tiles take what they take


class Learner(Restorer, Protocol):
    """What learns from one picture, and restores others like it without learning again."""

    @property
    def fit(self) -> RunningFit:
        """The fit to be run first."""
        ...

    def restore_seconds(self, pixels: int) -> float:
        """Estimate what a picture of so many pixels takes in `restore`."""
        ...


def part_to_learn_from(z: Tensor) -> Tensor:
    """Give windows of (C, H, W), spread over it, as one picture."""
    return mosaic(lambda window: z[:, *window], (z.shape[1], z.shape[2]), PART, PARTS)


def learning_budget(budget: Budget) -> Budget:
    """Give the part of the time that is for learning."""
    seconds = None if budget.seconds is None else LEARNING_SHARE * budget.seconds
    return replace(budget, seconds=seconds)


class InTiles:
    """Run the learner's fit, then restore z (C, H, W) in tiles of `side`² pixels.

    Each tile is restored from itself alone, so neither their order nor who restores them matters.
    On a GPU whose memory runs out the tiles become smaller.
    """

    def __init__(self, learner: Learner, z: Tensor, side: int) -> None:
        self.learner = learner
        self.z, self.side = z, side
        self.budget = learner.fit.budget
        self.outcome: Outcome | None = None
        self.answer: Tensor | None = None
        self._doing = ""

    @property
    def fit(self) -> RunningFit:
        """The fit and the tiles."""
        return self

    @property
    def risk(self) -> float | None:
        """What the learner's trials told of its errors."""
        return self.learner.risk

    def restore_seconds(self, pixels: int) -> float:
        """Estimate what a picture of so many pixels takes in `restore`."""
        return self.learner.restore_seconds(pixels)

    @property
    def activity(self) -> str:
        """What is happening right now, and how long the tiles still take."""
        return self._doing or self.learner.fit.activity

    def __iter__(self) -> Iterator[Step]:
        """Learn, then restore all tiles."""
        height, width = self.z.shape[1:]
        for step in self.learner.fit:
            # The tiles take about as long, for each pixel, as the part that is learnt from did.
            learning = step.seconds / max(step.share_done, 1e-6)
            after = self.learner.restore_seconds(height * width)
            yield replace(step, share_done=step.seconds / max(learning + after, 1e-6))
        outcome = self.learner.fit.outcome
        if outcome is not Outcome.DIVERGED:
            self.answer = self.restore(self.z)
        self._doing = ""
        self.outcome = outcome

    def estimate(self) -> Tensor | None:
        """Give the restored picture (C, H, W), or None before all tiles are there."""
        return self.answer

    @torch.no_grad()
    def restore(self, noisy: Tensor) -> Tensor:
        """Restore a picture (C, H, W) tile by tile."""
        while True:
            try:
                return self._joined(noisy)
            except torch.OutOfMemoryError:
                if self.side // 2 < LEAST_TILE:
                    raise
                self.side //= 2
                torch.cuda.empty_cache()

    def _joined(self, noisy: Tensor) -> Tensor:
        size = (noisy.shape[1], noisy.shape[2])
        windows = tile_windows(size, self.side)
        total = torch.zeros_like(noisy)
        began = time.perf_counter()
        for done, window in enumerate(windows):
            self._doing = _progress(done, len(windows), time.perf_counter() - began)
            weight = tile_weight(window, size, self.side).to(noisy)
            total[:, *window] += weight * self.restore_tile(noisy, window)
        return total

    def restore_tile(self, noisy: Tensor, window: Window) -> Tensor:
        """Restore one tile (C, h, w) of (C, H, W)."""
        return self.learner.restore(noisy[:, *window].contiguous())


def _progress(done: int, count: int, seconds: float) -> str:
    """Say which tile it is, and how long the others take as those before did."""
    left = "" if not done else f", {_clock(seconds / done * (count - done))} left"
    return f"tile {done + 1} of {count}{left}"


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"
