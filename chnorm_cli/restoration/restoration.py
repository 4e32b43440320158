"""A fit that is ready to run, its steps, and its solution."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from chnorm_cli.device import describe_device
from chnorm_cli.fitting.recipes import Choice, Recipe
from chnorm_cli.fitting.settings import FitSettings
from chnorm_cli.fitting.solution import ErrorMap, Outcome, Solution, Step
from chnorm_cli.fitting.stages import RunningFit
from chnorm_cli.generators.spec import parameters
from chnorm_cli.noise.bad_pixels import BadPixels
from chnorm_cli.noise.banding import Banding
from chnorm_cli.noise.law import Law
from chnorm_cli.problems.jpeg import Jpeg
from chnorm_cli.problems.problem import Problem
from chnorm_cli.restoration.errors import Errors
from chnorm_cli.restoration.tiles.tiling import Tiling


class Restoration:
    """A fit that is ready to run; its caller owns the loop.

    `activity` says what is happening right now and `header` what is known beforehand; both are
    for people. Iterating runs the fit once.
    """

    def __init__(
        self,
        fit: RunningFit | None,
        *,
        settings: FitSettings,
        choice: Choice,
        problem: Problem,
        network: nn.Module | None = None,
        recipe: Recipe | None = None,
        untouched: Outcome | None = None,
        law: Law | None = None,
        law_found: bool = False,
        restored: Callable[[Tensor], Tensor] = lambda x: x,
        notes: Sequence[str] = (),
        bad: BadPixels | None = None,
        banding: Banding | None = None,
        jpeg: Jpeg | None = None,
        errors: Errors | None = None,
        uncertainty: bool = False,
        tiling: Tiling | None = None,
    ) -> None:
        self._fit = fit
        self._settings = settings
        self._choice = choice
        self._problem = problem
        self._network = network
        self._recipe = recipe
        self._outcome = untouched
        self._law = law
        self._sigma_estimated = law_found
        self._restored = restored  # from the fit's picture to that of the observation
        self._notes = notes
        self._bad = bad
        self._banding = banding
        self._jpeg = jpeg
        self._tiling = tiling
        self.errors = errors  # how they are found, if they can be
        self._wants_map = uncertainty
        self._doing = ""
        self._error_map: ErrorMap | None = None
        self._last: Step | None = None
        self._solution: Solution | None = None

    @property
    def activity(self) -> str:
        """What is happening right now, e.g. "first guess, copy 3 of 8"."""
        if self._doing:
            return self._doing
        return self._fit.activity if self._fit is not None else "nothing to do"

    @property
    def header(self) -> dict[str, str]:
        """Device, noise level, fit and generator, known before the first step."""
        device = self._problem.observation.device
        lines = {"device": describe_device(device), "fit": str(self._choice.fit)}
        if self._jpeg is not None:
            lines["picture"] = self._jpeg.compression.sentence()
        how = "estimated" if self._sigma_estimated else "given"
        if self._law is not None and self._law.sigma > 0:
            lines["noise"] = f"{self._law.sentence()} ({how})"
        elif self._problem.sigma > 0:
            lines["noise"] = f"σ = {self._problem.sigma * 255:.1f} of 255 ({how})"
        if self._bad is not None:
            lines["bad pixels"] = self._bad.sentence()
        if self._banding is not None:
            lines["banding"] = self._banding.sentence()
        if self._network is not None:
            lines["generator"] = self._choice.generator.describe(self._network)
        if self._tiling is not None and self._tiling.tile is not None:
            lines["tiles"] = self._tiling.sentence()
        return lines

    def __iter__(self) -> Iterator[Step]:
        """Run the fit; each `Step` is one update of the network."""
        if self._fit is None:
            self._map_errors(self._problem.observation)
            self._solution = self._solved(self._problem.observation, self._outcome)
            return
        threads = torch.get_num_threads()
        if self._settings.threads:
            torch.set_num_threads(self._settings.threads)
        try:
            for step in self._fit:
                self._last = step
                yield step
            x = self._estimate()
            if x is not None and bool(torch.isfinite(x).all()):
                self._map_errors(x)
        finally:
            torch.set_num_threads(threads)
        outcome = self._fit.outcome
        if x is None or not bool(torch.isfinite(x).all()):
            outcome, x = Outcome.DIVERGED, self._problem.observation
        self._solution = self._solved(x, outcome)

    @property
    def solution(self) -> Solution:
        """The result; `RuntimeError` before the iteration is over."""
        if self._solution is None:
            raise RuntimeError("the restoration is not over: iterate over it to the end first")
        return self._solution

    def best_so_far(self) -> Solution | None:
        """Give the best result after an interruption, or None when there is none yet."""
        if self._fit is None or self._last is None:
            return None
        x = self._estimate()
        if x is None or not bool(torch.isfinite(x).all()):
            return None
        return self._solved(x, Outcome.INTERRUPTED)

    def _map_errors(self, x: Tensor) -> None:
        """Say in each pixel how wrong x (C, H, W) is, where that is asked for."""
        if not self._wants_map or self.errors is None:
            return
        began = time.perf_counter()
        error = self.errors.map(x, self._say).cpu().float().numpy()
        self._error_map = ErrorMap(np.ascontiguousarray(error), time.perf_counter() - began)
        self._doing = ""

    def _say(self, activity: str) -> None:
        self._doing = activity

    def _expected_rms(self, x: Tensor, outcome: Outcome) -> float | None:
        if self._error_map is not None:
            return self._error_map.rms
        if self.errors is None or outcome is Outcome.INTERRUPTED:
            return None
        return self.errors.rms(x)

    def _estimate(self) -> Tensor | None:
        assert self._fit is not None
        x = self._fit.estimate()
        return None if x is None else self._restored(x)

    def _solved(self, x: Tensor, outcome: Outcome | None) -> Solution:
        assert outcome is not None
        last = self._last
        sigma = self._problem.sigma if self._law is None else self._law.sigma
        return Solution(
            pixels=np.ascontiguousarray(x.detach().float().cpu().movedim(0, -1).numpy()),
            outcome=outcome,
            steps=last.index if last else 0,
            seconds=self._fit.budget.elapsed if self._fit else 0.0,
            loss=last.loss if last else 0.0,
            grad_norm=last.grad_norm if last else 0.0,
            layer_grad_norms=dict(last.layer_grad_norms) if last else {},
            sigma=sigma * 255 if sigma > 0 or self._sigma_estimated else None,
            sigma_estimated=self._sigma_estimated,
            noise=None if self._law is None else self._law.as_dict(),
            bad_pixels=None if self._bad is None else self._bad.as_dict(),
            banding=None if self._banding is None else self._banding.as_dict(),
            bad_mask=None if self._bad is None else self._bad.pixels.cpu().numpy(),
            jpeg=None if self._jpeg is None else self._jpeg.as_dict(x),
            device=describe_device(self._problem.observation.device),
            generator=self._choice.generator.describe(self._network) if self._network else "none",
            parameters=parameters(self._network) if self._network else 0,
            plan=self._plan(),
            notes=tuple(self._notes),
            error_map=self._error_map,
            expected_rms=None if outcome.failed else self._expected_rms(x, outcome),
        )

    def _plan(self) -> dict[str, Any]:
        recipe = asdict(self._recipe) if self._recipe is not None else {}
        tiling = {} if self._tiling is None else asdict(self._tiling)
        return {"fit": str(self._choice.fit), **recipe, **tiling}
