"""Spawned processes as a `concurrent.futures.Executor`; one that dies fails its own call only."""

from __future__ import annotations

import contextlib
import multiprocessing
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

from chnorm_cli.scaling.spawned import Terminated, begin_process, cause_of_death, end_process

PATIENCE = 0.5  # seconds after SIGTERM

Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class WorkerDiedError(RuntimeError):
    """The process that worked on a call is gone."""


class Here(Executor):
    """Runs each call at once, in this process."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a call."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class Processes(Executor):
    """Runs calls in `count` spawned processes with `threads` threads each.

    A process is started when there is work for it, and another one in its place when it dies.
    """

    def __init__(self, count: int, *, threads: int = 1) -> None:
        self._threads = threads
        self._context = multiprocessing.get_context("spawn")
        self._calls: queue.SimpleQueue[tuple[Future[Any], Call] | None] = queue.SimpleQueue()
        self._processes: set[SpawnProcess] = set()
        self._ending = False
        self._keepers = [threading.Thread(target=self._keep, daemon=True) for _ in range(count)]
        for keeper in self._keepers:
            keeper.start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a call in one of the processes; `WorkerDiedError` says that it has died under it."""
        if self._ending:
            raise RuntimeError("the processes are being shut down")
        future: Future[Any] = Future()
        self._calls.put((future, (fn, args, kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes: after their work, or at once with `cancel_futures`."""
        self._ending = True
        if cancel_futures:
            with contextlib.suppress(queue.Empty):
                while True:
                    waiting = self._calls.get_nowait()
                    if waiting is not None:
                        waiting[0].cancel()
            for process in list(self._processes):
                process.terminate()
        for _ in self._keepers:
            self._calls.put(None)
        if wait or cancel_futures:
            deadline = time.monotonic() + PATIENCE
            for keeper in self._keepers:
                keeper.join(max(0.0, deadline - time.monotonic()) if cancel_futures else None)
        if cancel_futures:
            for process in list(self._processes):
                process.kill()

    def _keep(self) -> None:
        """Keep one process at work until there is no more."""
        process: SpawnProcess | None = None
        pipe: Connection | None = None
        while (waiting := self._calls.get()) is not None:
            future, call = waiting
            if not future.set_running_or_notify_cancel():
                continue
            if process is None or pipe is None or not process.is_alive():
                process, pipe = self._start()
            try:
                pipe.send(call)
                worked, result = pipe.recv()
            except (EOFError, OSError):
                process.join()
                self._processes.discard(process)
                future.set_exception(WorkerDiedError(cause_of_death(process.exitcode)))
                pipe.close()
                process = pipe = None
                continue
            except Exception as error:  # what cannot be sent is the caller's mistake
                future.set_exception(error)
                continue
            if worked:
                future.set_result(result)
            else:
                future.set_exception(result)
        if process is not None and pipe is not None:
            with contextlib.suppress(OSError):
                pipe.send(None)
            process.join(PATIENCE)
            self._processes.discard(process)
            pipe.close()

    def _start(self) -> tuple[SpawnProcess, Connection]:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=serve, args=(theirs, self._threads), daemon=True)
        process.start()
        theirs.close()  # so that the end of the process is the end of the pipe
        self._processes.add(process)
        return process, ours


def serve(pipe: Connection, threads: int) -> None:
    """Answer the calls that come through the pipe until there is no more."""
    begin_process(threads)
    with contextlib.suppress(Terminated, EOFError, BrokenPipeError):
        while (call := pipe.recv()) is not None:
            fn, args, kwargs = call
            try:
                answer: tuple[bool, Any] = True, fn(*args, **kwargs)
            except Exception as error:
                answer = False, error
            try:
                pipe.send(answer)
            except (TypeError, AttributeError, ValueError):  # it cannot be sent as it is
                pipe.send((False, RuntimeError(f"{type(answer[1]).__name__}: {answer[1]}")))
    end_process()
