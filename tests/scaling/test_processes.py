"""Processes as an Executor: answers, mistakes, and the death of one of them."""

import os
import signal
import time
from concurrent.futures import Executor, wait

import pytest

from chnorm_cli.scaling.processes import Here, Processes, WorkerDiedError


@pytest.fixture(scope="module")
def processes():
    with Processes(2) as made:
        yield made
    with pytest.raises(RuntimeError, match="shut down"):
        made.submit(os.getpid)


@pytest.mark.parametrize("executor", [Here()])
def test_here_is_an_executor(executor):
    assert isinstance(executor, Executor)
    assert executor.submit(divmod, 7, 2).result() == (3, 1)
    assert isinstance(executor.submit(divmod, 7, 0).exception(), ZeroDivisionError)


def test_calls_are_answered_by_other_processes(processes):
    assert isinstance(processes, Executor)
    asked = [processes.submit(os.getpid) for _ in range(4)]
    assert os.getpid() not in {future.result() for future in asked}
    assert list(processes.map(abs, [-1, 2])) == [1, 2]
    assert isinstance(processes.submit(divmod, 7, 0).exception(), ZeroDivisionError)


def test_what_cannot_be_sent_is_said_and_work_goes_on(processes):
    assert processes.submit(lambda: 1).exception() is not None
    assert processes.submit(open, os.devnull).exception() is not None  # files do not travel
    assert processes.submit(abs, -3).result() == 3


def test_a_process_that_dies_fails_its_own_call_only(processes):
    fatal = processes.submit(signal.raise_signal, signal.SIGKILL)
    deaths = [processes.submit(os._exit, 7) for _ in range(2)]
    others = [processes.submit(abs, -n) for n in range(6)]
    wait([fatal, *deaths, *others])
    assert all(isinstance(future.exception(), WorkerDiedError) for future in (fatal, *deaths))
    assert "was killed" in str(fatal.exception())
    assert "exit code 7" in str(deaths[0].exception())
    assert [future.result() for future in others] == list(range(6))


def test_they_end_at_once_where_nobody_waits_for_them():
    processes = Processes(1)
    sleeping, waiting = processes.submit(time.sleep, 60), processes.submit(abs, -1)
    while not sleeping.running():
        time.sleep(0.01)
    began = time.monotonic()
    processes.shutdown(cancel_futures=True)
    assert waiting.cancelled()
    assert time.monotonic() - began < 5
