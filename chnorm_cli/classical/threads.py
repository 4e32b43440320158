"""Independent parts of one computation, on all cores.

torch shares single operations among its threads, but not those that are a loop inside, like the
Cholesky factors of many small matrices. Whole parts side by side keep every core busy.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from typing import TypeVar

import torch

Part = TypeVar("Part")
Result = TypeVar("Result")
_at_once: ContextVar[int] = ContextVar("parts at once, at least", default=1)


@contextlib.contextmanager
def at_once(parts: int) -> Iterator[None]:
    """Let so many parts be computed at once where torch itself is told to use fewer threads.

    With more threads for single operations torch sums in another order, and results change in their
    last bits; those of parts do not.
    """
    before = _at_once.get()
    _at_once.set(parts)
    try:
        yield
    finally:
        _at_once.set(before)


def side_by_side(
    compute: Callable[[Part], Result], parts: Iterable[Part], device: torch.device
) -> Iterator[Result]:
    """Give `compute(part)` for each part, in order.

    On a CPU as many are computed at once as torch has threads or as `at_once` says, each on one
    thread, so results do not depend on how many there are.
    """
    threads = torch.get_num_threads()
    count = max(threads, _at_once.get())
    if device.type != "cpu" or count == 1:
        yield from map(compute, parts)
        return
    grad = torch.is_grad_enabled()

    def alone(part: Part) -> Result:
        with torch.set_grad_enabled(grad):  # each thread has its own
            return compute(part)

    # torch's number of threads belongs to the thread that sets it, and to those that begin later.
    with ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        try:
            waiting: deque[Future[Result]] = deque()
            for part in parts:
                waiting.append(pool.submit(alone, part))
                if len(waiting) > count:  # no more results wait in memory than keep all busy
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            torch.set_num_threads(threads)
