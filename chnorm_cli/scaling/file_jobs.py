"""Many pictures as calls for an `Executor`: paths travel, and reports come back."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import replace
from pathlib import Path

from chnorm_cli.scaling.choosing import course_for
from chnorm_cli.scaling.events import Finished
from chnorm_cli.scaling.failures import Failure, explain
from chnorm_cli.scaling.requests import Inpaint, Request, TilesAsked
from chnorm_cli.scaling.tiles.tile_jobs import TRIES

ONE = threading.Lock()  # torch's number of threads is that of a process


def restore_file(request: Request) -> Finished | Failure:
    """Restore one picture, wherever this runs."""
    with ONE:
        try:
            for event in course_for(request):
                if isinstance(event, Finished):
                    return event
        except Exception as error:
            return explain(error, name=request.name) or Failure(
                f"{request.name}: {type(error).__name__}: {error} (this is a bug in chnorm)"
            )
    return Failure(f"{request.name}: its restoration ended without a result")


def run_files(
    requests: Sequence[Request], executor: Executor
) -> Iterator[tuple[int, Finished | Failure]]:
    """Restore all; a picture whose worker dies is tried again elsewhere, three times in all."""
    failed = Counter[int]()
    running: dict[Future[Finished | Failure], int] = {
        executor.submit(restore_file, sendable(request)): index
        for index, request in enumerate(requests)
    }
    while running:
        over, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in over:
            index = running.pop(future)
            request, error = requests[index], future.exception()
            if error is None:
                yield index, _named(future.result(), request)
                continue
            failed[index] += 1
            if failed[index] < TRIES:
                running[executor.submit(restore_file, sendable(request))] = index
            else:
                reason = " ".join(str(error).split()) or type(error).__name__
                yield index, Failure(f"{request.name}: failed three times ({reason})")


def sendable(request: Request) -> Request:
    """Give the request with paths that hold on every machine that sees the disk, and one thread."""

    def absolute(path: Path) -> Path:
        return path.absolute()

    task = request.task
    if isinstance(task, Inpaint) and isinstance(task.mask, Path):
        task = replace(task, mask=absolute(task.mask))
    return replace(
        request,
        task=task,
        source=absolute(request.source) if isinstance(request.source, Path) else request.source,
        target=request.target and absolute(request.target),
        uncertainty=request.uncertainty and absolute(request.uncertainty),
        settings=replace(request.settings, threads=request.settings.threads or 1),
        tiles=TilesAsked(jobs=0),
    )


def _named(end: Finished | Failure, request: Request) -> Finished | Failure:
    """Give the report with the names as they were asked for."""
    if isinstance(end, Finished):
        end.report["output"] = str(request.target)
    return end
