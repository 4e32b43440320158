"""Several fits of one picture, one after another, and what they make together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from torch import Tensor

from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.solution import Outcome, Step


class RunningFit(Protocol):
    """What all fits have in common: iterate for `Step`s, then ask for the estimate."""

    budget: Budget

    @property
    def activity(self) -> str:
        """What is happening right now."""
        ...

    @property
    def outcome(self) -> Outcome | None:
        """Why the fit ended, or None while it goes on."""
        ...

    def __iter__(self) -> Iterator[Step]:
        """Run the fit."""
        ...

    def estimate(self) -> Tensor | None:
        """Give the best picture so far, (C, H, W), or None."""
        ...


class Direct:
    """A stage without a network: what `make` gives, and no steps.

    `make` is given a function to say what it is doing.
    """

    def __init__(
        self,
        make: Callable[[Callable[[str], None]], Tensor],
        budget: Budget,
        reached: Outcome = Outcome.DIRECT,
    ) -> None:
        self.make = make
        self.budget, self.reached = budget, reached
        self.activity = "starting"
        self.outcome: Outcome | None = None
        self.made: Tensor | None = None

    def __iter__(self) -> Iterator[Step]:
        """Make the picture."""
        self.made = self.make(self._say)
        self.outcome = self.reached
        return iter(())

    def estimate(self) -> Tensor | None:
        """Give the picture, (C, H, W), or None before it is made."""
        return self.made

    def _say(self, activity: str) -> None:
        self.activity = activity


class Mapped:
    """A fit whose pictures are brought to another domain, as from white noise back to the picture."""

    def __init__(self, fit: RunningFit, to: Callable[[Tensor], Tensor]) -> None:
        self.fit, self.to = fit, to
        self.budget = fit.budget

    @property
    def activity(self) -> str:
        """What is happening right now."""
        return self.fit.activity

    @property
    def outcome(self) -> Outcome | None:
        """Why the fit ended, or None while it goes on."""
        return self.fit.outcome

    def __iter__(self) -> Iterator[Step]:
        """Run the fit."""
        return iter(self.fit)

    def estimate(self) -> Tensor | None:
        """Give the best picture so far, (C, H, W), or None."""
        x = self.fit.estimate()
        return None if x is None else self.to(x)


def with_time_after(step: Step, after: float) -> Step:
    """Give a step of a part of the work as one of the whole, where what follows takes `after` seconds."""
    if not after:
        return step
    part = step.seconds / max(step.share_done, 1e-6)
    return replace(step, share_done=step.seconds / max(part + after, 1e-6))


COMBINE_SHARE = 0.15  # of --time, kept for combining the estimates


@dataclass(frozen=True)
class Stage:
    """A fit that is made when its turn comes, from the estimates of the stages before it."""

    name: str
    share: float  # of the whole work, for the time left and for --time
    make: Callable[[list[Tensor], Budget], RunningFit]
    optional: bool = False  # left out when the steps that were asked for leave none for it


class StagedFit:
    """Run stages one after another and combine their estimates into one.

    `combine` is given the estimates so far, in order; it must make do with none.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        combine: Callable[[list[Tensor]], Tensor],
        budget: Budget,
        combine_seconds: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.stages = stages
        self.combine = combine
        self.combine_seconds = combine_seconds  # that it will take, as far as is known
        self.budget = budget
        self.outcome: Outcome | None = None
        self.estimates: list[Tensor] = []
        self.combined: Tensor | None = None
        self._doing = "starting"
        self._current: RunningFit | None = None

    @property
    def activity(self) -> str:
        """Name the stage and what it does."""
        if self._current is None:
            return self._doing
        return f"{self._doing}: {self._current.activity}"

    def estimate(self) -> Tensor | None:
        """Combine what the stages have given so far."""
        if self.combined is not None:
            return self.combined
        combined = self.combine(self.estimates)
        if self.estimates:  # before that it may follow a stage that is running, and changes
            self.combined = combined
        return combined

    def __iter__(self) -> Iterator[Step]:
        """Run the stages; steps are counted through."""
        total = sum(stage.share for stage in self.stages)
        done, index = 0.0, 0
        for stage in self.stages:
            share = stage.share / total
            budget = self.budget.part(done, done + share, keep=COMBINE_SHARE)
            done += share
            if stage.optional and (budget.steps == 0 or budget.seconds == 0):
                continue
            self._doing = stage.name
            fit = stage.make(self.estimates, budget)
            self._current = fit
            last = index
            for step in fit:
                last = index + step.index
                counted = replace(
                    step,
                    index=last,
                    stage=stage.name,
                    seconds=self.budget.elapsed,
                    share_done=done - share * (1.0 - step.share_done),
                )
                after = 0.0 if self.budget.seconds is not None else self.combine_seconds()
                yield with_time_after(counted, after)
            index = last
            self.outcome = fit.outcome
            estimate = fit.estimate()
            if self.outcome is Outcome.DIVERGED or estimate is None:
                if stage.optional and self.estimates:  # the others' estimates are still good
                    self.outcome = Outcome.STEPS
                    continue
                self.outcome = Outcome.DIVERGED
                return
            self.estimates.append(estimate)
            self.combined = None  # what was combined on the way is out of date
        self._current = None
        self._doing = "combining the estimates"
        self.combined = self.combine(self.estimates)
