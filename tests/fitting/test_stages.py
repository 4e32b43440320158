"""Stages: one after another, counted through, combined, and stopped by the first failure."""

import pytest
import torch

from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.solution import Outcome, Step
from chnorm_cli.fitting.stages import Stage, StagedFit, with_time_after


class Counting:
    """A fit of as many steps as its budget says, which then gives one number."""

    activity = "counting"

    def __init__(self, value, budget, outcome=Outcome.STEPS):
        self.value, self.budget, self.end = value, budget, outcome
        self.outcome = None

    def __iter__(self):
        for index in range(1, self.budget.last_step + 1):
            yield Step(index, 1.0, 1.0, {}, 0.0, share_done=index / self.budget.last_step)
        self.outcome = self.end

    def estimate(self):
        return None if self.value is None else torch.full((1, 2, 2), float(self.value))


def summed(estimates):
    return sum(estimates, torch.zeros(1, 2, 2))


def staged(*fits, steps=None, planned=6, optional=()):
    """Stages that give the (value, outcome) pairs in `fits`."""
    made = []

    def stage(number, value, outcome):
        def make(estimates, budget):
            made.append((number, list(estimates)))
            return Counting(value, Budget(planned, budget.steps, budget.seconds), outcome)

        return Stage(f"stage {number}", 1.0 + number, make, optional=number in optional)

    stages = [stage(number, *fit) for number, fit in enumerate(fits)]
    return StagedFit(stages, summed, Budget(planned, steps)), made


GOOD = (1, Outcome.STEPS)


def test_steps_are_counted_through_and_the_share_grows_to_one():
    fit, made = staged(GOOD, GOOD, GOOD)
    steps = list(fit)
    assert [s.index for s in steps] == list(range(1, 19))
    shares = [s.share_done for s in steps]
    assert shares == sorted(shares)
    assert shares[5] == pytest.approx(1 / 6)
    assert shares[-1] == pytest.approx(1)
    assert [s.stage for s in steps] == [f"stage {n}" for n in range(3) for _ in range(6)]
    assert [len(estimates) for _, estimates in made] == [0, 1, 2]  # each knows those before it
    assert torch.equal(fit.estimate(), torch.full((1, 2, 2), 3.0))
    assert fit.outcome is Outcome.STEPS


@pytest.mark.parametrize("seconds", [None, 60.0])
def test_what_comes_after_the_stages_counts_as_time_left(seconds):
    """Unless the time is given: of that a share is kept for it."""
    shares = []
    for after in (0.0, 100.0):
        stages = [Stage("only", 1.0, lambda _, budget: Counting(1, Budget(6, 6, budget.seconds)))]
        fit = StagedFit(stages, summed, Budget(6, None, seconds), lambda after=after: after)
        shares.append([step.share_done for step in fit])
    assert shares[0][-1] == pytest.approx(1)
    assert (shares[1] == pytest.approx(shares[0])) == (seconds is not None)
    assert all(step < before for step, before in zip(shares[1], shares[0], strict=True)) == (
        seconds is None
    )


def test_a_step_of_a_part_is_one_of_the_whole():
    step = Step(3, 1.0, 1.0, {}, seconds=20.0, share_done=0.5)
    assert with_time_after(step, 40.0).share_done == pytest.approx(20 / 80)
    assert with_time_after(step, 0.0) is step


def test_the_steps_asked_for_are_shared_out():
    fit, _ = staged(GOOD, GOOD, GOOD, steps=60)
    assert len(list(fit)) == 60


def test_no_more_steps_than_asked_for():
    fit, _ = staged(GOOD, GOOD, GOOD, steps=1)
    assert len(list(fit)) == 1


@pytest.mark.parametrize("bad", [(1, Outcome.DIVERGED), (None, Outcome.STEPS)])
def test_a_stage_that_fails_ends_it_all(bad):
    fit, made = staged(GOOD, bad, GOOD)
    list(fit)
    assert fit.outcome is Outcome.DIVERGED
    assert [number for number, _ in made] == [0, 1]


@pytest.mark.parametrize("bad", [(1, Outcome.DIVERGED), (None, Outcome.STEPS)])
def test_an_optional_stage_that_fails_is_left_out(bad):
    fit, made = staged(GOOD, bad, GOOD, optional=(1,))
    list(fit)
    assert fit.outcome is Outcome.STEPS
    assert [number for number, _ in made] == [0, 1, 2]
    assert float(fit.estimate().mean()) == 2.0


def test_an_optional_stage_that_fails_first_leaves_nothing_to_give():
    fit, _ = staged((1, Outcome.DIVERGED), GOOD, optional=(0,))
    list(fit)
    assert fit.outcome is Outcome.DIVERGED


def test_an_estimate_on_the_way_follows_the_stages():
    fit, _ = staged(GOOD, GOOD)
    seen = []
    for _ in fit:
        seen.append(float(fit.estimate().mean()))
    assert seen == [0.0] * 6 + [1.0] * 6
    assert float(fit.estimate().mean()) == 2.0


def test_it_says_what_it_does():
    fit, _ = staged(GOOD, GOOD)
    assert fit.activity == "starting"
    steps = iter(fit)
    next(steps)
    assert fit.activity == "stage 0: counting"


def test_before_a_stage_has_ended_an_estimate_is_not_kept():
    seen = iter([1.0, 2.0, 3.0])

    def latest(estimates):
        return torch.full((1, 2, 2), next(seen) if not estimates else 9.0)

    fit, _ = staged(GOOD)
    fit.combine = latest
    assert [float(fit.estimate().mean()) for _ in zip(fit, range(3), strict=False)] == [1, 2, 3]
