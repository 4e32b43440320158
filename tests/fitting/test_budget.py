"""Budgets: steps and seconds, whichever ends first."""

import time

import pytest

from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.solution import Outcome


def test_planned_steps_and_asked_steps_end_differently():
    assert Budget(10).exhausted(9) is None
    assert Budget(10).exhausted(10) is Outcome.STEPS
    assert Budget(10, steps=3).exhausted(3) is Outcome.STEPS_ASKED
    assert Budget(10, steps=30).exhausted(10) is None


def test_seconds_end_it_with_a_reserve_for_what_follows():
    budget = Budget(10, seconds=100.0, started=time.perf_counter() - 50)
    assert budget.exhausted(1) is None
    assert budget.exhausted(1, reserve=60) is Outcome.TIME
    assert Budget(10, seconds=1.0, started=time.perf_counter() - 2).exhausted(1) is Outcome.TIME


def test_the_share_done_is_that_of_the_nearer_end():
    budget = Budget(100, seconds=100.0, started=time.perf_counter() - 50)
    assert budget.share_done(10) == pytest.approx(0.5, abs=0.01)
    assert budget.share_done(80) == 0.8
    assert budget.share_done(1000) == 1.0
    assert Budget(100).share_done(0) == 0.0
