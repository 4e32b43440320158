"""The inside of one process of the pool; torch is loaded once and serves request after request."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from dataclasses import replace
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from typing import NoReturn

from chnorm_cli.fitting.solution import Step
from chnorm_cli.scaling.course import Course
from chnorm_cli.scaling.events import Event, Finished
from chnorm_cli.scaling.failures import Failure, explain
from chnorm_cli.scaling.requests import Request
from chnorm_cli.scaling.watch import watching

STEP_PAUSE = 0.1  # seconds between two steps that are told: a table shows no more
LOOK_PAUSE = 1.0  # seconds between two words on what is happening before the first step


class _Terminated(BaseException):
    """SIGTERM: unwind, so that a half-written file is removed."""


def work(pipe: Connection, number: int, threads: int) -> None:
    """Restore what comes through the pipe until there is no more."""
    # Ctrl-C and a closed terminal reach the whole process group: the parent answers them and sends
    # SIGTERM.
    for answered in (signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGINT)):
        signal.signal(answered, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _terminate)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    with contextlib.suppress(_Terminated, EOFError, BrokenPipeError):
        while (request := pipe.recv()) is not None:
            _restore(pipe, _own_device(request, number))
    os._exit(0)  # torch takes its time to be unloaded, and nothing is left to be said


def _terminate(*_: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Terminated


def _end_with_parent() -> None:
    """End when the parent is gone, even if it was killed outright."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _restore(pipe: Connection, request: Request) -> None:
    """Tell the parent everything that happens to one request, steps not too often."""
    course, told = Course(request), 0.0
    lock = threading.Lock()  # the watcher writes to the pipe as well

    def tell(message: Event | Failure) -> None:
        with lock:
            pipe.send(message)

    end: Event | Failure | None = None
    try:
        with watching(course, tell, pause=LOOK_PAUSE):
            for event in course:
                if isinstance(event, Finished):
                    end = event
                elif not isinstance(event, Step) or time.monotonic() - told >= STEP_PAUSE:
                    told = time.monotonic()
                    tell(event)
    except Exception as error:
        end = explain(error, name=request.name) or Failure(
            f"{request.name}: {type(error).__name__}: {error} (this is a bug in chnorm)"
        )
    if end is not None:
        tell(end)


def _own_device(request: Request, number: int) -> Request:
    """Spread the processes over the CUDA devices when there are several."""
    if request.settings.device not in ("auto", "cuda"):
        return request
    import torch

    devices = torch.cuda.device_count()
    if devices < 2:
        return request
    settings = replace(request.settings, device=f"cuda:{number % devices}")
    return replace(request, settings=settings)
