"""Processes that are spawned to work: how they begin and end, and how many there is room for."""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing import parent_process
from typing import NoReturn


class Terminated(BaseException):
    """SIGTERM: unwind, so that a half-written file is removed."""


def begin_process(threads: int) -> None:
    """Let a spawned process end with its parent, and by SIGTERM as `Terminated`, with so many threads."""
    # Ctrl-C and a closed terminal reach the whole process group: the parent answers them and sends
    # SIGTERM.
    for answered in (signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGINT)):
        signal.signal(answered, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _terminate)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))


def _terminate(*_: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Terminated


def _end_with_parent() -> None:
    """End when the parent is gone, even if it was killed outright."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def end_process() -> NoReturn:
    """End at once: torch takes its time to be unloaded, and nothing is left to be said."""
    os._exit(0)


def cause_of_death(code: int | None) -> str:
    """Say by its exit code why a process is gone."""
    if code == -signal.SIGKILL:
        return "its process was killed, most likely for want of memory"
    if code is not None and code < 0:
        return f"its process was ended by {signal.Signals(-code).name}"
    return f"its process ended with exit code {code}"


def usable_cores() -> int:
    """Return the number of CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
