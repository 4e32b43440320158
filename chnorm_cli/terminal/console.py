"""The one console, on stderr: stdout belongs to the picture."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from functools import cache
from typing import Literal

from rich.console import Console
from rich.text import Text


class ErrorConsole(Console):
    """A Rich console on stderr that falls silent when nobody reads it any more."""

    def on_broken_pipe(self) -> None:
        """Go quiet; Rich would close stdout here, which is where the picture goes."""
        self.quiet = True
        with contextlib.suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 2)
            os.close(nowhere)

    def _check_buffer(self) -> None:
        """Go quiet as well when the terminal is closed, which Rich does not expect."""
        try:
            super()._check_buffer()
        except OSError:
            self.on_broken_pipe()

    @property
    def plain_letters(self) -> bool:
        """Whether the terminal cannot show more than ASCII."""
        return not self.encoding.lower().startswith("utf")


@cache
def console() -> ErrorConsole:
    """Return the console of this process."""
    colours: Literal["auto"] | None = "auto" if understands_escapes() else None
    return ErrorConsole(
        stderr=True, highlight=False, markup=False, emoji=False, color_system=colours
    )


def understands_escapes() -> bool:
    """Return whether the terminal says what it is; without a TERM it is taken for a dumb one."""
    return os.name != "posix" or os.environ.get("TERM", "") not in ("", "dumb", "unknown")


def prepare_streams() -> None:
    """Make the three standard streams safe to write to, whatever the parent process closed.

    A closed descriptor would be given to the next file that is opened, and messages would end up
    in it. A letter that the locale cannot encode becomes a `?` rather than an exception.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115 -- lives as long as the process


def shown(name: object) -> str:
    """Return a file name as one harmless line: control characters and broken bytes escaped."""
    text = str(name).encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def say(*parts: str | tuple[str, str]) -> None:
    """Print one line of text on stderr; a part may be (text, style)."""
    console().print(Text.assemble(*parts), soft_wrap=True)


def complain(message: str, kind: str = "error") -> None:
    """Print the one line of an error or a warning."""
    style = "bold red" if kind == "error" else "yellow"
    say((f"chnorm: {kind}: ", style), shown(message))
