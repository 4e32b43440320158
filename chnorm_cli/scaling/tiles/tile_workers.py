"""Who restores the tiles of one picture: this process, others on this machine, or a cluster."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass

from chnorm_cli.scaling.cluster import cluster
from chnorm_cli.scaling.processes import Here, Processes
from chnorm_cli.scaling.requests import TilesAsked
from chnorm_cli.scaling.spawned import usable_cores


@dataclass(frozen=True)
class TileWorkers:
    """Workers with so many `threads`, of which each needs `memory` bytes."""

    asked: TilesAsked
    threads: int
    memory: int

    @property
    def count(self) -> int:
        """How many processes there are: as asked, or as cores and memory have room for."""
        from chnorm_cli.memory import free_memory

        if self.asked.jobs is not None:
            return max(1, self.asked.jobs)
        cores = max(1, usable_cores() // self.threads)
        free = free_memory()
        return cores if free is None else max(1, min(cores, free // self.memory))

    @contextlib.contextmanager
    def executor(self) -> Iterator[Executor]:
        """Give whoever restores tiles; processes begin when there is work for them."""
        if self.asked.dask is not None:
            with cluster(self.asked.dask) as executor:
                yield executor
            return
        if self.asked.jobs == 0:
            yield Here()
            return
        executor = Processes(self.count, threads=self.threads)
        try:
            yield executor
        finally:
            executor.shutdown(cancel_futures=True)
