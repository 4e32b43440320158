"""The inside of one process of the pool; torch is loaded once and serves request after request."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import replace
from multiprocessing.connection import Connection

from chnorm_cli.fitting.solution import Step
from chnorm_cli.scaling.choosing import course_for
from chnorm_cli.scaling.events import Event, Finished
from chnorm_cli.scaling.failures import Failure, explain
from chnorm_cli.scaling.requests import Request, TilesAsked
from chnorm_cli.scaling.spawned import Terminated, begin_process, end_process
from chnorm_cli.scaling.watch import watching

STEP_PAUSE = 0.1  # seconds between two steps that are told: a table shows no more
LOOK_PAUSE = 1.0  # seconds between two words on what is happening before the first step


def work(pipe: Connection, number: int, threads: int) -> None:
    """Restore what comes through the pipe until there is no more."""
    begin_process(threads)
    with contextlib.suppress(Terminated, EOFError, BrokenPipeError):
        while (request := pipe.recv()) is not None:
            _restore(pipe, _own_device(request, number))
    end_process()


def _restore(pipe: Connection, request: Request) -> None:
    """Tell the parent everything that happens to one request, steps not too often."""
    told = 0.0
    lock = threading.Lock()  # the watcher writes to the pipe as well

    def tell(message: Event | Failure) -> None:
        with lock:
            pipe.send(message)

    end: Event | Failure | None = None
    try:
        course = course_for(replace(request, tiles=TilesAsked(jobs=0)))
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
