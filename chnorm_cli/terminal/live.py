"""The live view of one restoration: it draws on the last lines of the terminal, and leaves none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Self

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.text import Text

from chnorm_cli.scaling.events import Event, Opened
from chnorm_cli.terminal.console import ErrorConsole, shown
from chnorm_cli.terminal.curves import Trace, bar, clock, number
from chnorm_cli.terminal.ownership import TerminalOwnership
from chnorm_cli.terminal.signals import cursor_shown_while_stopped
from chnorm_cli.terminal.status import Status

FRAMES_PER_SECOND = 4  # calm, and cheap beside the fit
LOSS_STYLE = "cyan"  # told apart from yellow with any colour vision, on dark and light ground
GRADIENT_STYLE = "yellow"
STYLES = {"loss": LOSS_STYLE, "gradient norm": GRADIENT_STYLE, "grad": GRADIENT_STYLE}
NARROW = 56  # columns under which labels and curves share one line


class LiveView:
    """Draws while the context is open; several chnorm on one terminal take turns."""

    def __init__(
        self,
        console: ErrorConsole,
        *,
        layers: bool = False,
        preview: Callable[[], RenderableType | None] | None = None,
    ) -> None:
        self.status = Status()
        self._console = console
        self._layers = layers
        self._preview = preview
        self._ownership = TerminalOwnership()
        self._while_drawing = ExitStack()
        self._live = Live(
            get_renderable=self._draw,
            console=console,
            refresh_per_second=FRAMES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            vertical_overflow="crop",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._while_drawing.close()
        self._live.stop()
        self._ownership.release()

    def show(self, event: Event) -> None:
        """Take in an event; the first one begins the drawing, if the terminal is free."""
        self.status.update(event)
        if isinstance(event, Opened) and not self._live.is_started and self._ownership.claim():
            self._while_drawing.enter_context(cursor_shown_while_stopped())
            self._live.start(refresh=True)

    def _draw(self) -> RenderableType:
        frame = Frame(
            self.status,
            layers=self._layers,
            compact=self._preview is not None,
            ascii_only=self._console.plain_letters,
        )
        picture = self._preview() if self._preview else None
        return Group(picture, frame) if picture is not None else frame


class Frame:
    """One drawing of a status, in whatever room there is; `compact` leaves most of it to others."""

    def __init__(self, status: Status, *, layers: bool, compact: bool, ascii_only: bool) -> None:
        self.status = status
        self.layers = layers
        self.compact = compact
        self.ascii_only = ascii_only

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(options.max_width - 1, 8)  # the last column would wrap on some terminals
        for line in self._lines(width, console.height):
            line.no_wrap = True
            line.overflow = "ellipsis"
            line.truncate(width, overflow="crop" if self.ascii_only else "ellipsis")
            yield line

    def _lines(self, width: int, height: int) -> Iterator[Text]:
        """Everything, or where there is little room what matters most."""
        status, narrow = self.status, width < NARROW
        whole = 11 + len(status.header)  # lines without the layers
        yield Text.assemble(
            (f"{status.task} ", "bold"), shown(status.name), (f"  {status.picture}", "dim")
        )
        if narrow or self.compact or height < whole:
            if status.step is not None:
                yield self._short_curve("loss", status.step.loss, status.loss, width)
                yield self._short_curve("grad", status.step.grad_norm, status.gradient, width)
            yield from self._progress(width, narrow)
            return
        for key, value in status.header.items():
            yield Text.assemble((f"  {key:<13} ", "dim"), shown(value))
        yield Text()
        if status.step is not None:
            yield from self._curve("loss", status.step.loss, status.loss, width)
            yield from self._curve("gradient norm", status.step.grad_norm, status.gradient, width)
            if self.layers and height > whole + 2:
                yield Text()
                yield from self._layer_lines(width, room=height - whole - 1)
            yield Text()
        yield from self._progress(width, narrow)

    def _curve(self, label: str, value: float, trace: Trace, width: int) -> Iterator[Text]:
        """Two rows: sixteen heights tell more than eight."""
        style = STYLES[label]
        top, bottom = trace.draw(width - 28, rows=2, ascii_only=self.ascii_only)
        yield Text(" " * 27 + top, style)
        yield Text.assemble((f"  {label:<14}", "dim"), f"{number(value)}  ", (bottom, style))

    def _short_curve(self, label: str, value: float, trace: Trace, width: int) -> Text:
        (drawn,) = trace.draw(max(width - 15, 0), ascii_only=self.ascii_only)
        return Text.assemble((f"{label} ", "dim"), f"{number(value)} ", (drawn, STYLES[label]))

    def _layer_lines(self, width: int, room: int) -> Iterator[Text]:
        """‖∇W_l‖₂ of each layer, input side first."""
        assert self.status.step is not None
        norms = list(self.status.step.layer_grad_norms.items())
        most = max((norm for _, norm in norms), default=0.0) or 1.0
        fitting = norms if len(norms) <= room else norms[: max(room - 1, 1)]
        for name, norm in fitting:
            done, _ = bar(norm / most, width - 40, ascii_only=self.ascii_only)
            yield Text.assemble(
                (f"  {name:<26.26}", "dim"), f"{number(norm)} ", (done, GRADIENT_STYLE)
            )
        if len(fitting) < len(norms):
            yield Text(f"  and {len(norms) - len(fitting)} more layers", "dim")

    def _progress(self, width: int, narrow: bool) -> Iterator[Text]:
        step = self.status.step
        if step is None:
            activity = f"{self.status.activity}  {clock(self.status.waited)}"
            yield Text(("" if narrow else "  ") + activity, "italic")
            return
        rate, left = self.status.rate, self.status.seconds_left
        if narrow:
            yield Text(f"{step.share_done:4.0%} left {clock(left)} step {step.index}")
            return
        facts = (
            f" {step.share_done:4.0%}  step {step.index}"
            + (f"  {rate:.1f}/s" if rate else "")
            + f"  {clock(step.seconds)}  left {clock(left)}"
        )
        facts = f"{facts:<44}"
        label = f"  {step.stage:<13} "
        done, rest = bar(
            step.share_done, width - len(label) - len(facts), ascii_only=self.ascii_only
        )
        yield Text.assemble((label, "dim"), (done, "green"), (rest, "bright_black"), facts)
        yield Text(f"  {'':13} {self.status.aside}", "dim")
