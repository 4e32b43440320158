"""What is known so far of one restoration; every view draws from this."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping

from chnorm_cli.fitting.solution import Step
from chnorm_cli.scaling.events import Activity, Event, Opened, Prepared
from chnorm_cli.terminal.curves import Trace

RATE_SECONDS = 5.0  # the step rate is that of the last few seconds


class Status:
    """Collects events; `activity` is what happens where no step can tell."""

    def __init__(self, name: str = "", task: str = "") -> None:
        self.name = name
        self.task = task
        self.opened: Opened | None = None
        self.header: Mapping[str, str] = {}
        self.activity = "starting"
        self.step: Step | None = None
        self.loss = Trace()
        self.gradient = Trace()
        self._recent: deque[tuple[float, int]] = deque()
        self._first: Step | None = None
        self._stepped_at = time.monotonic()
        self._opened_at = time.monotonic()

    def update(self, event: Event) -> None:
        """Take in what has happened."""
        match event:
            case Opened():
                self.opened, self.header, self.step = event, {}, None
                self.name, self.task = event.name, event.task
                self.loss, self.gradient = Trace(), Trace()
                self._recent.clear()
                self._first, self._opened_at = None, time.monotonic()
            case Prepared(header):
                self.header = header
            case Activity(text):
                self.activity = text
            case Step():
                told_again = self.step is not None and self.step.index == event.index
                self.step = event
                self._stepped_at = time.monotonic()
                self._first = self._first or event
                if told_again:  # with the time left, while tiles are made
                    return
                self.loss.add(event.loss)
                self.gradient.add(event.grad_norm)
                self._recent.append((event.seconds, event.index))
                while event.seconds - self._recent[0][0] > RATE_SECONDS:
                    self._recent.popleft()

    @property
    def picture(self) -> str:
        """Size and layout, e.g. "512×512 RGB, page 2 of 7"."""
        if self.opened is None:
            return ""
        opened, (width, height) = self.opened, self.opened.size
        where = f", page {opened.page} of {opened.pages}" if opened.pages > 1 else ""
        where += f", channel {opened.channel} of {opened.channels}" if opened.channels > 1 else ""
        return f"{width}×{height} {opened.layout}{where}"

    @property
    def rate(self) -> float | None:
        """Steps per second, lately."""
        if len(self._recent) < 2:
            return None
        (start, first), (end, last) = self._recent[0], self._recent[-1]
        return (last - first) / (end - start) if end > start else None

    @property
    def seconds_left(self) -> float | None:
        """An estimate from the speed of the fit, less what has passed since its last step."""
        if self.step is None or self._first is None:
            return None
        share = self.step.share_done - self._first.share_done
        seconds = self.step.seconds - self._first.seconds
        if share < 0.01 or seconds < 1:
            return None
        since = time.monotonic() - self._stepped_at
        return max(0.0, seconds / share * max(0.0, 1 - self.step.share_done) - since)

    @property
    def waited(self) -> float:
        """Seconds since the picture was opened."""
        return time.monotonic() - self._opened_at

    @property
    def aside(self) -> str:
        """What happens between steps, or the stop rule that is near."""
        if self.step is None or self.between_steps:
            return self.activity if self.step else ""
        return self.step.near

    @property
    def between_steps(self) -> bool:
        """Whether something else than the fit goes on: before its first step, or after its last."""
        fit = "starting", "fit", self.step.stage if self.step else ""
        return self.activity.rpartition(": ")[-1] not in fit
