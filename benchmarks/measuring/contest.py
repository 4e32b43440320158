"""Methods that run one after another on one corrupted picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.measuring.clock import Clock
from benchmarks.measuring.options import Options
from benchmarks.measuring.rows import OURS, Row, Subject
from benchmarks.measuring.scores import Scorer
from chnorm_cli.fitting.settings import FitSettings
from chnorm_cli.restoration import Restoration

AS_IT_CAME = "as it came"
TO_BE_MEASURED = "to be measured"


@dataclass(frozen=True)
class Result:
    """What a method gave, and what it took: by the clock, and of all cores together."""

    pixels: np.ndarray
    seconds: float
    cpu: float
    steps: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Contender:
    """A method that is ready to run."""

    method: str
    run: Callable[[], Result]
    effort: str = ""
    version: str = ""  # of a peer; ours is known by its digest
    told: str = ""  # what ours is not


class NoResultError(Exception):
    """A peer that is not there, or that failed."""


def timed(run: Callable[[], Any]) -> Callable[[], Result]:
    """Make a `Result` of what a plain function gives, unless it gives one itself."""

    def measure() -> Result:
        clock = Clock()
        given = run()
        return given if isinstance(given, Result) else Result(given, *clock.read())

    return measure


def untouched(y: np.ndarray) -> Contender:
    """Give the corrupted picture itself: what there is to gain."""
    return Contender(AS_IT_CAME, timed(lambda: y))


def ours(
    options: Options, prepare: Callable[[FitSettings], Restoration], how: str = ""
) -> list[Contender]:
    """Give one contender an effort; the clock starts at the corrupted array. `how` marks its label."""

    def contender(settings: FitSettings, label: str) -> Contender:
        def run() -> Result:
            clock = Clock()
            restoration = prepare(settings)
            for _ in restoration:
                pass
            solution = restoration.solution  # on the CPU by now, so CUDA has no work left
            seconds, cpu = clock.read()
            detail: dict[str, Any] = {"outcome": solution.outcome.name.lower()}
            if solution.sigma_estimated:
                detail["sigma"] = solution.sigma
            return Result(solution.pixels, seconds, cpu, solution.steps, detail)

        return Contender(OURS, run, label)

    return [contender(options.settings(e), options.label(e) + how) for e in options.efforts]


def contest(
    options: Options,
    contenders: Sequence[Contender],
    score: Scorer,
    subject: Subject,
    *,
    pixels: int,
    see: Callable[[Contender, Result], None] = lambda contender, result: None,
) -> Iterator[Row]:
    """Run every contender that is wanted, as often as asked, and score what it gives.

    `pixels` is how many the answer has.
    """
    for contender in [c for _ in range(options.repeat) for c in contenders]:
        row = Row(
            *subject,
            contender.method,
            contender.effort,
            megapixels=pixels / 1e6,
            version=contender.version,
            told=contender.told,
        )
        if not options.wants(row):
            continue
        if options.dry:
            yield row.noting(TO_BE_MEASURED)
            continue
        try:
            result = contender.run()
        except NoResultError as error:
            yield row.noting(str(error))
            continue
        except Exception as error:  # one method that fails must not cost the hours of the others
            yield row.noting(f"failed: {type(error).__name__}: {error}")
            continue
        see(contender, result)
        yield row.measured(result, score(result.pixels))
