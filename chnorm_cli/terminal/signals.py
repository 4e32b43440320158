"""Ctrl-C, SIGTERM and a closed terminal become one exception, answered within a second."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from chnorm_cli.scaling.failures import ExitCode

PATIENCE = 0.7  # seconds for an orderly end
SHOW_CURSOR, HIDE_CURSOR = b"\x1b[?25h", b"\x1b[?25l"
CAUSES = {"SIGINT": "Ctrl-C", "SIGTERM": "SIGTERM", "SIGHUP": "SIGHUP"}
# Windows has no SIGHUP.
ANSWERED = tuple(getattr(signal, name) for name in CAUSES if hasattr(signal, name))


class Stopped(BaseException):
    """The user or the system wants an end; not an `Exception`, so that nothing swallows it."""

    def __init__(self, number: int) -> None:
        name = signal.Signals(number).name
        super().__init__(name)
        self.code = ExitCode(128 + number)
        self.cause = CAUSES[name]
        self.told = False  # set by whoever has already said it, for instance as a JSON object


@contextmanager
def listening(patience: float | None = PATIENCE) -> Iterator[None]:
    """Raise `Stopped` in the main thread at the first signal; a second one ends at once.

    After `patience` seconds the process ends in any case; None waits, for a partial result.
    A second SIGHUP says nothing new. A signal that the parent made us ignore (nohup, `&` in a script) stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    stopping = False

    def stop(number: int, _: FrameType | None) -> None:
        nonlocal stopping
        if stopping:
            if signal.Signals(number).name == "SIGHUP":
                return  # a terminal that closes sends it twice: from the system and from the shell
            _end(number)
        stopping = True
        raise Stopped(number)

    wanted = [number for number in ANSWERED if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in wanted}
    try:
        with _deadline(patience):
            yield
    finally:
        if not stopping:  # otherwise a late second signal must not meet Python's own handler
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def cursor_shown_while_stopped() -> Iterator[None]:
    """Give the shell a visible cursor at Ctrl-Z, and hide it again when the program goes on."""
    stop = getattr(signal, "SIGTSTP", None)
    main = threading.current_thread() is threading.main_thread()
    if stop is None or not main or signal.getsignal(stop) is not signal.SIG_DFL:
        yield
        return

    def pause(number: int, _: FrameType | None) -> None:
        os.write(2, SHOW_CURSOR)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)  # returns when the shell says `fg`
        signal.signal(number, pause)
        os.write(2, HIDE_CURSOR)

    signal.signal(stop, pause)
    try:
        yield
    finally:
        signal.signal(stop, signal.SIG_DFL)


@contextmanager
def _deadline(patience: float | None) -> Iterator[None]:
    """End the process `patience` seconds after a signal arrived.

    Python runs its handlers only between two of its own instructions, and a large convolution is
    one: the number of the signal comes through a pipe that C code writes to, so that another
    thread sees it at once.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)

    def wait() -> None:
        while numbers := os.read(reading, 1):
            if numbers[0] in ANSWERED and patience is not None:
                time.sleep(patience)
                _end(numbers[0])
        os.close(reading)

    threading.Thread(target=wait, daemon=True).start()
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(writing)


def _end(number: int) -> None:
    """Leave now, with the cursor visible."""
    if os.isatty(2):
        with contextlib.suppress(OSError):  # the terminal may go at this moment
            os.write(2, SHOW_CURSOR + b"\r\x1b[J")
    os._exit(128 + number)
