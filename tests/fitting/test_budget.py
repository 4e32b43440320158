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


def test_stages_share_the_steps_and_what_is_left_of_the_time():
    budget = Budget(10, steps=100, seconds=100.0, started=time.perf_counter() - 20)
    part = budget.part(0.25, until=0.5)
    assert part.last_step == 25
    assert part.seconds == pytest.approx(30, abs=0.1)
    assert part.elapsed < 30
    late = Budget(10, seconds=10.0, started=time.perf_counter() - 60).part(0.25, until=0.5)
    assert late.exhausted(1) is Outcome.TIME
    assert Budget(10).part(0.25, until=0.5).exhausted(9) is None
    assert Budget(10, steps=1).part(0.1, until=1).last_step == 1


def test_short_of_time_only_where_time_is_bounded():
    assert not Budget(10).short_of(1e9)
    halfway = Budget(10, seconds=100.0, started=time.perf_counter() - 50)
    assert halfway.short_of(60)
    assert not halfway.short_of(40)
