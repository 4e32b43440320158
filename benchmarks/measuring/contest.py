"""Methods that run one after another on one corrupted picture."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.measuring.options import Options
from benchmarks.measuring.rows import OURS, Row
from benchmarks.measuring.scores import Scorer
from chnorm_cli.fitting.settings import FitSettings
from chnorm_cli.restoration import Restoration


@dataclass(frozen=True)
class Result:
    """What a method gave, and what it took."""

    pixels: np.ndarray
    seconds: float
    steps: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Contender:
    """A method that is ready to run."""

    method: str
    run: Callable[[], Result]
    effort: str = ""


class NotInstalledError(ImportError):
    """A peer that is not there."""


def timed(run: Callable[[], np.ndarray]) -> Callable[[], Result]:
    """Make a `Result` of what a plain function gives."""

    def measure() -> Result:
        started = time.perf_counter()
        pixels = run()
        return Result(pixels, time.perf_counter() - started)

    return measure


def ours(
    options: Options, prepare: Callable[[FitSettings], Restoration], how: str = ""
) -> list[Contender]:
    """Give one contender an effort; the clock starts at the corrupted array. `how` marks its label."""

    def contender(settings: FitSettings, label: str) -> Contender:
        def run() -> Result:
            started = time.perf_counter()
            restoration = prepare(settings)
            for _ in restoration:
                pass
            solution = restoration.solution  # on the CPU by now, so CUDA has no work left
            seconds = time.perf_counter() - started
            detail: dict[str, Any] = {"outcome": solution.outcome.name.lower()}
            if solution.sigma_estimated:
                detail["sigma"] = solution.sigma
            return Result(solution.pixels, seconds, solution.steps, detail)

        return Contender(OURS, run, label)

    return [contender(options.settings(e), options.label(e) + how) for e in options.efforts]


def contest(
    contenders: Sequence[Contender],
    score: Scorer,
    *,
    task: str,
    setting: str,
    picture: str,
    repeat: int = 1,
    see: Callable[[Contender, Result], None] = lambda contender, result: None,
) -> Iterator[Row]:
    """Run every contender, `repeat` times in turn, and score what it gives."""
    for contender in [c for _ in range(repeat) for c in contenders]:
        about = (task, setting, picture, contender.method, contender.effort)
        try:
            result = contender.run()
        except NotInstalledError as missing:
            yield Row(*about, note=str(missing))
            continue
        see(contender, result)
        found = score(result.pixels)
        yield Row(*about, found.psnr, found.ssim, result.seconds, result.steps, dict(result.detail))
