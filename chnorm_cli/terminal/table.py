"""One live table for many pictures, whatever the number of processes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Self

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from chnorm_cli.fitting.solution import Step
from chnorm_cli.scaling.events import Activity, Event, Finished
from chnorm_cli.scaling.failures import Failure
from chnorm_cli.scaling.report import describe_failure
from chnorm_cli.scaling.requests import Request
from chnorm_cli.terminal.console import complain, console, say
from chnorm_cli.terminal.curves import bar, clock, number
from chnorm_cli.terminal.json_lines import JSON_SECONDS, write_event, write_json_line
from chnorm_cli.terminal.live import FRAMES_PER_SECOND, GRADIENT_STYLE, LOSS_STYLE
from chnorm_cli.terminal.modes import ProgressMode
from chnorm_cli.terminal.ownership import TerminalOwnership
from chnorm_cli.terminal.signals import cursor_shown_while_stopped
from chnorm_cli.terminal.status import Status
from chnorm_cli.terminal.summary import one_line, say_notes

LINE_SECONDS = 30.0  # between two lines of `plain`: each result has a line of its own as well


class Table:
    """Says what happens to each of `requests`: drawn, as lines, as JSON, or not at all."""

    def __init__(
        self, command: str, requests: Sequence[Request], mode: ProgressMode, *, skipped: int
    ) -> None:
        self.command = command
        self.total = len(requests)
        self.done = self.failed = 0
        self.skipped = skipped
        self.running: dict[int, Status] = {}
        self._requests = requests
        self._mode = mode
        self._start = self._line = time.monotonic()
        self._told: dict[int, float] = {}
        self._said: dict[int, str] = {}
        self._ownership = TerminalOwnership()
        self._while_drawing = ExitStack()
        self._live = Live(
            get_renderable=lambda: self,
            console=console(),
            refresh_per_second=FRAMES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
        )

    def __enter__(self) -> Self:
        if self._mode is ProgressMode.LIVE and self.total and self._ownership.claim():
            self._while_drawing.enter_context(cursor_shown_while_stopped())
            self._live.start(refresh=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the terminal back."""
        self._while_drawing.close()
        self._live.stop()
        self._ownership.release()

    def show(self, index: int, said: Event | Failure) -> None:
        """Take in what happened to one picture."""
        request = self._requests[index]
        if isinstance(said, Failure):
            self.running.pop(index, None)
            self.fail(request.name, said)
            return
        if index not in self.running:
            self.running[index] = Status(request.name, self.command)
        self.running[index].update(said)
        if self._mode is ProgressMode.JSON:
            self._write_json(index, said)
        elif self._mode is ProgressMode.PLAIN and time.monotonic() - self._line > LINE_SECONDS:
            self._line = time.monotonic()
            say(f"  {self._counts()}, {clock(self._line - self._start)}")
        if isinstance(said, Finished):
            del self.running[index]
            self.done += 1
            if self._mode in (ProgressMode.LIVE, ProgressMode.PLAIN):
                say(one_line(said.report))
                say_notes(said.report)

    def fail(self, name: str, failure: Failure) -> None:
        """Say that one picture could not be restored."""
        self.failed += 1
        if self._mode is ProgressMode.JSON:
            report = describe_failure(self.command, name, failure.message, failure.code)
            write_json_line({"event": "failed", "report": report})
        else:
            complain(failure.message)

    def _write_json(self, index: int, said: Event) -> None:
        now = time.monotonic()
        if isinstance(said, Activity):
            if self._said.get(index) == said.text:
                return
            self._said[index] = said.text
        if isinstance(said, Step) and now - self._told.get(index, 0.0) < JSON_SECONDS:
            return
        self._told[index] = now
        write_event(said, input=self._requests[index].name)

    @property
    def share_done(self) -> float:
        """The share of the whole work, running pictures included."""
        running = list(self.running.values())
        parts = sum(status.step.share_done for status in running if status.step is not None)
        return (self.done + self.failed + parts) / max(self.total, 1)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(options.max_width - 1, 8)
        for line in self._lines(width, ascii_only=not console.encoding.startswith("utf")):
            line.no_wrap = True
            line.truncate(width)
            yield line

    def _lines(self, width: int, *, ascii_only: bool) -> Iterator[Text]:
        seconds = time.monotonic() - self._start
        share = self.share_done
        left = seconds * (1 / share - 1) if share > 0.01 else None
        head = self._counts()
        yield Text.assemble(
            (f"{self.command} ", "bold"), head, (f"  {clock(seconds)}  left {clock(left)}", "dim")
        )
        done, rest = bar(share, width, ascii_only=ascii_only)
        yield Text.assemble((done, "green"), (rest, "bright_black"))
        for status in list(self.running.values()):
            yield self._row(status, width, ascii_only=ascii_only)

    def _counts(self) -> str:
        failed = f", {self.failed} failed" if self.failed else ""
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.done} of {self.total} done{failed}{skipped}"

    def _row(self, status: Status, width: int, *, ascii_only: bool) -> Text:
        from pathlib import Path

        from chnorm_cli.terminal.console import shown

        room = max(8, min(28, width - 44))
        name = shown(Path(status.name).name)
        name = f"{name[: room - 1] + '…' if len(name) > room else name:<{room}} "
        if status.step is None:
            return Text.assemble(name, (f"{status.activity}  {clock(status.waited)}", "italic"))
        curve = max(0, (width - room - 28) // 2)
        step = status.step
        loss = status.loss.draw(curve, ascii_only=ascii_only)[0]
        norm = status.gradient.draw(curve, ascii_only=ascii_only)[0]
        return Text.assemble(
            name,
            f"{step.share_done:4.0%} ",
            f"{number(step.loss)} ",
            (f"{loss:<{curve}} ", LOSS_STYLE),
            f"{number(step.grad_norm)} ",
            (norm, GRADIENT_STYLE),
        )
