"""Progress as lines of text, for logs, and no progress at all."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Self

from chnorm_cli.fitting.solution import Step
from chnorm_cli.scaling.events import Activity, Event, Opened, Prepared
from chnorm_cli.terminal.console import say, shown
from chnorm_cli.terminal.curves import clock, number
from chnorm_cli.terminal.status import Status

LINE_SECONDS = 5.0
JSON_SECONDS = 0.1


class PlainView:
    """One line when the fit begins, and one every few seconds."""

    def __init__(self, clock_now: Callable[[], float] = time.monotonic) -> None:
        self.status = Status()
        self._now = clock_now
        self._told = clock_now()
        self._header = ""  # the last one: the planes of a stack have much in common

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing open."""

    def show(self, event: Event) -> None:
        """Print what a log wants to hold."""
        status = self.status
        status.update(event)
        match event:
            case Opened():
                say(f"{status.task} {shown(status.name)}: {status.picture}")
            case Prepared(header):
                line = "  " + ", ".join(f"{key} {shown(value)}" for key, value in header.items())
                if line != self._header:
                    say(line)
                self._header = line
            case Step() | Activity() if self._is_time():
                say("  " + describe_progress(status))

    def _is_time(self) -> bool:
        now = self._now()
        if now - self._told < LINE_SECONDS:
            return False
        self._told = now
        return True


def describe_progress(status: Status) -> str:
    """Return the facts of the last step on one line, or what happens where no step is taken."""
    step = status.step
    if step is None or status.between_steps:
        return f"{status.activity}, {clock(status.waited)}"
    rate = f", {status.rate:.1f} steps/s" if status.rate else ""
    return (
        f"{step.stage} {step.share_done:.0%}, step {step.index}, "
        f"loss {number(step.loss).strip()}, gradient norm {number(step.grad_norm).strip()}"
        f"{rate}, {clock(step.seconds)}, {clock(status.seconds_left)} left"
    )


class SilentView:
    """Nothing at all."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing open."""

    def show(self, event: Event) -> None:
        """Let it pass."""
