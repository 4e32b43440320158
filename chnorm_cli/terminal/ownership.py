"""One live view per terminal at a time, so that the programs of a pipeline do not fight over it."""

from __future__ import annotations

import contextlib
import os


class TerminalOwnership:
    """An advisory lock on the terminal device behind stderr.

    In `chnorm denoise a | chnorm superres -` the second reads the whole picture before it draws,
    and the first gives the terminal back before it writes: they take turns by themselves. Programs
    that really run side by side meet here, and whoever comes second draws nothing.
    """

    def __init__(self) -> None:
        self._file: int | None = None

    def claim(self) -> bool:
        """Return whether this process may draw; a terminal that cannot be locked is anybody's."""
        try:
            import fcntl

            self._file = os.open(os.ttyname(2), os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        except (ImportError, OSError):
            return True
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.release()
            return False
        return True

    def release(self) -> None:
        """Leave the terminal to the next."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.close(self._file)
            self._file = None


def in_foreground() -> bool:
    """Return whether the shell has this process in the foreground of its terminal."""
    try:
        return os.tcgetpgrp(2) == os.getpgrp()
    except (AttributeError, OSError):
        return True  # no job control here
