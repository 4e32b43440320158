"""A Dask cluster that exists already, as a `concurrent.futures.Executor`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path

from chnorm_cli.scaling.failures import Failure, usage

PATIENCE = "10s"  # for the scheduler to answer


@contextlib.contextmanager
def cluster(place: str) -> Iterator[Executor]:
    """Connect to the scheduler at an address, as tcp://host:8786, or that a file of it tells.

    Raises `Failure` where there is none, or no Dask here. A call whose worker dies is repeated
    elsewhere by the scheduler, some times.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise Failure("--dask needs Dask: pip install 'chnorm[dask]'") from error
    is_file = "://" not in place
    if is_file and not Path(place).is_file():
        raise usage(f"--dask {place}: give an address, as tcp://host:8786, or a scheduler's file")
    try:
        where = {"scheduler_file": place} if is_file else {"address": place}
        client = Client(**where, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise Failure(f"--dask {place}: no scheduler answers there ({reason})") from error
    try:
        yield client.get_executor(pure=False)
    finally:
        client.close(timeout=1)
