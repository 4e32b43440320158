"""Independent parts of one computation, on all cores.

torch shares single operations among its threads, but not those that are a loop inside, like the
Cholesky factors of many small matrices. Whole parts side by side keep every core busy.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

Part = TypeVar("Part")
Result = TypeVar("Result")


def side_by_side(
    compute: Callable[[Part], Result], parts: Iterable[Part], device: torch.device
) -> Iterator[Result]:
    """Give `compute(part)` for each part, in order; on a CPU as many at once as torch has threads.

    Each part is computed on one thread then, so results do not depend on how many there are.
    """
    threads = torch.get_num_threads()
    if device.type != "cpu" or threads == 1:
        yield from map(compute, parts)
        return
    grad = torch.is_grad_enabled()

    def alone(part: Part) -> Result:
        with torch.set_grad_enabled(grad):  # each thread has its own
            return compute(part)

    # torch's number of threads belongs to the thread that sets it, and to those that begin later.
    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        try:
            waiting: deque[Future[Result]] = deque()
            for part in parts:
                waiting.append(pool.submit(alone, part))
                if len(waiting) > threads:  # no more results wait in memory than keep all busy
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            torch.set_num_threads(threads)
