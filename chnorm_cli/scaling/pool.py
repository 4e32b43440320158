"""Processes that restore several pictures at once, and survive the loss of one of them."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from chnorm_cli.scaling.events import Event, Finished
from chnorm_cli.scaling.failures import Failure
from chnorm_cli.scaling.requests import Request
from chnorm_cli.scaling.spawned import cause_of_death, usable_cores
from chnorm_cli.scaling.worker import work

Said = tuple[int, Event | Failure]  # which request, and what happened to it


@dataclass(eq=False)
class _Worker:
    """One spawned process, the pipe to it, and the request that it works on."""

    number: int
    process: SpawnProcess
    pipe: Connection
    job: int = -1
    name: str = ""  # of the picture that it works on


class Pool:
    """Restores requests in `jobs` spawned processes with `threads` torch threads each.

    Leave the context and the processes are gone, however it is left; they get `patience` seconds
    after SIGTERM. The settings of a request are not touched but for the threads, so that neither
    the order nor the number of processes decides a seed.
    """

    def __init__(self, jobs: int, *, threads: int, patience: float = 0.5) -> None:
        self.jobs = jobs
        self.threads = threads
        self.patience = patience
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []
        self._waiting: deque[tuple[int, Request]] = deque()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.process.terminate()
        deadline = time.monotonic() + self.patience
        for worker in self._workers:
            worker.process.join(max(0.0, deadline - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
            worker.pipe.close()

    def run(self, requests: Sequence[Request]) -> Iterator[Said]:
        """Yield what happens to each request; each ends with `Finished` or `Failure`."""
        self._waiting.extend(enumerate(requests))
        for number in range(min(self.jobs, len(requests))):
            self._start(number)
        while self._workers:
            ready = wait([worker.pipe for worker in self._workers])
            for worker in [worker for worker in self._workers if worker.pipe in ready]:
                try:
                    said = worker.pipe.recv()
                except (EOFError, OSError):
                    yield from self._replace(worker)
                    continue
                yield worker.job, said
                if isinstance(said, Finished | Failure):
                    self._feed(worker)

    def _start(self, number: int) -> None:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=work, args=(theirs, number, self.threads), name=f"chnorm-{number}", daemon=True
        )
        process.start()
        theirs.close()  # so that the end of the process is the end of the pipe
        worker = _Worker(number, process, ours)
        self._workers.append(worker)
        self._feed(worker)

    def _feed(self, worker: _Worker) -> None:
        """Give the worker the next request, or let it go when there is none."""
        request = None
        if self._waiting:
            worker.job, request = self._waiting.popleft()
            worker.name = request.name
            threads = request.settings.threads or self.threads
            request = replace(request, settings=replace(request.settings, threads=threads))
        with contextlib.suppress(OSError):  # a dead one is noticed when it is read from
            worker.pipe.send(request)
        if request is None:
            self._workers.remove(worker)
            worker.pipe.close()

    def _replace(self, worker: _Worker) -> Iterator[Said]:
        """Say that a process has died under its request, and start another one if there is work."""
        self._workers.remove(worker)
        worker.pipe.close()
        worker.process.join()
        cause = cause_of_death(worker.process.exitcode)
        yield worker.job, Failure(f"{worker.name}: {cause}; try fewer --jobs")
        if self._waiting:
            self._start(worker.number)


def share_threads(jobs: int) -> int:
    """Return the threads of each of `jobs` processes, so that together they fill the cores once."""
    return max(1, usable_cores() // jobs)
