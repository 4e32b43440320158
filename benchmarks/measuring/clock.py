"""Seconds by the clock, and CPU-seconds: of all cores together, whatever else the machine does."""

from __future__ import annotations

import resource
import time


class Clock:
    """Runs from when it is made."""

    def __init__(self) -> None:
        self.began, self.cpu = time.perf_counter(), cpu_seconds()

    def read(self) -> tuple[float, float]:
        """Give (seconds, CPU-seconds) since then, rival programs that were run included."""
        return time.perf_counter() - self.began, cpu_seconds() - self.cpu


def cpu_seconds() -> float:
    """Give what this process, all its threads, and its finished children have used."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, who))
