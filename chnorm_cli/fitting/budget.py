"""How long a fit may go on: steps and seconds."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from chnorm_cli.fitting.solution import Outcome


@dataclass
class Budget:
    """`steps` and `seconds` bound a restoration as a whole, first guess included; None is no bound.

    `planned` is the number of steps of the recipe; asking for steps replaces it.
    """

    planned: int
    steps: int | None = None
    seconds: float | None = None
    started: float = field(default_factory=time.perf_counter)

    @property
    def elapsed(self) -> float:
        """Seconds since the restoration began."""
        return time.perf_counter() - self.started

    @property
    def last_step(self) -> int:
        """The step after which the fit ends at the latest."""
        return self.planned if self.steps is None else self.steps

    def share_done(self, index: int) -> float:
        """Estimate in [0, 1] how much of the work is done after step `index`."""
        share = index / max(self.last_step, 1)
        if self.seconds is not None:
            share = max(share, self.elapsed / self.seconds)
        return min(share, 1.0)

    def part(self, done: float, until: float, *, keep: float = 0.0) -> Budget:
        """Give the stage from share `done` to `until` its steps, of those asked for, and its time.

        What earlier stages left over of their time is the stage's to use; a share `keep` of the
        time is nobody's, for what comes after the stages.
        """
        steps = None if self.steps is None else round(self.steps * until) - round(self.steps * done)
        seconds = (
            None
            if self.seconds is None
            else max(0.0, until * (1.0 - keep) * self.seconds - self.elapsed)
        )
        return Budget(self.planned, steps, seconds)

    def short_of(self, seconds: float) -> bool:
        """Say whether work of so many seconds would not end in time."""
        return self.seconds is not None and self.elapsed + seconds > self.seconds

    def in_time(self) -> bool:
        """Say whether there is time left."""
        return not self.short_of(0.0)

    def exhausted(self, index: int, *, reserve: float = 0.0) -> Outcome | None:
        """Give the reason to end after step `index`, keeping `reserve` seconds for what follows."""
        if index >= self.last_step:
            return Outcome.STEPS if self.steps is None else Outcome.STEPS_ASKED
        if self.seconds is not None and self.elapsed + reserve >= self.seconds:
            return Outcome.TIME
        return None
