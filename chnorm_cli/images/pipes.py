"""Paths behind which no file lies: pipes, devices, and the descriptors that a shell opens."""

import os
import re
import stat
from pathlib import Path

from chnorm_cli.images.errors import ImageError

STANDARD = {"stdin": 0, "stdout": 1, "stderr": 2}
DESCRIPTOR = re.compile(r"/dev/(std(?:in|out|err))|/(?:dev|proc/self)/fd/(\d+)")


def descriptor_of(path: Path) -> int | None:
    """The open descriptor that ``/dev/stdout``, ``/dev/fd/63`` and the like stand for."""
    match = DESCRIPTOR.fullmatch(str(path))
    if match is None:
        return None
    return STANDARD[match[1]] if match[1] else int(match[2])


def is_stream(path: Path) -> bool:
    """Whether bytes go straight through this path: it is an open descriptor, a pipe or a device.

    A shell's ``>(…)`` and ``<(…)`` are such paths. What is written there replaces nothing, and what
    is read there can be read once.
    """
    if descriptor_of(path) is not None:
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def check_stream(path: Path) -> None:
    """Raises `ImageError` where the stream does not take bytes; opens nothing, a reader would see it."""
    number = descriptor_of(path)
    if number is not None and not _is_given(number):
        raise ImageError(str(path), f"descriptor {number} is not open", f"open it: {number}> FILE")
    if not os.access(path, os.W_OK):
        raise ImageError(str(path), "is write-protected", "choose another name")


def write_stream(path: Path, data: bytes) -> None:
    """Writes straight into the stream, from where its descriptor stands; raises `OSError`."""
    number = descriptor_of(path)
    if number is None:
        path.write_bytes(data)
        return
    # Opened by its name, a descriptor that leads to a file would begin at the file's start again.
    with os.fdopen(os.dup(number), "wb") as file:
        file.write(data)


def _is_given(number: int) -> bool:
    """Whether the descriptor came from the parent; those of Python itself are not inheritable."""
    try:
        return number in STANDARD.values() or os.get_inheritable(number)
    except OSError:
        return False
