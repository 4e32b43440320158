"""What can go wrong, as one line for a person and one number for a script."""

from __future__ import annotations

import errno
from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of every command."""

    OK = 0
    FAILURE = 1  # input, output, decoding, memory, a device that is not there
    USAGE = 2  # the command line itself
    DIVERGED = 3  # the fit blew up; nothing was written
    SOME_FAILED = 4  # some files of many failed; the rest were written
    HUNG_UP = 129  # SIGHUP: the terminal was closed
    INTERRUPTED = 130  # Ctrl-C
    TERMINATED = 143  # SIGTERM


class Failure(Exception):  # noqa: N818 -- it says what failed, not that chnorm erred
    """An expected error: its message is one line that names the file, the cause and a way on."""

    def __init__(self, message: str, code: ExitCode = ExitCode.FAILURE) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.told = False  # set by whoever has already said it, for instance as a JSON object

    def __reduce__(self) -> tuple[type[Failure], tuple[str, ExitCode]]:
        return (type(self), (self.message, self.code))


def usage(message: str) -> Failure:
    """A mistake in the command line."""
    return Failure(message, ExitCode.USAGE)


def explain(error: Exception, *, name: str) -> Failure | None:
    """The failure behind an exception of the layers below; None for what only a bug can raise."""
    # Known by name: importing torch only to compare classes costs two seconds.
    kinds = {kind.__name__ for kind in type(error).__mro__}
    text = " ".join(str(error).split())
    if isinstance(error, Failure):
        return error
    if kinds & {"OutOfMemoryError", "MemoryError"} or "can't allocate memory" in text:
        return Failure(
            f"{name}: not enough memory for this fit; "
            "try --effort fast, --device cpu or a smaller picture"
        )
    if "ImageError" in kinds:
        return Failure(text)  # it names the file itself
    if kinds & {"DeviceError", "ValueError"}:
        return Failure(text if "DeviceError" in kinds else f"{name}: {text}")
    if isinstance(error, OSError):
        return Failure(_explain_os_error(error, name=name))
    return None


def _explain_os_error(error: OSError, *, name: str) -> str:
    """One line for an error of the operating system."""
    path = error.filename if isinstance(error.filename, str) else name
    if error.errno == errno.ENOSPC:
        return f"{path}: no space is left on the disk; nothing was written"
    return f"{path}: {(error.strerror or str(error)).lower()}"
