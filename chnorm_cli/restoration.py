"""One picture being restored: prepare it, iterate over its steps, read its solution.

    restoration = prepare_denoise(pixels, settings=FitSettings(effort=Effort.FAST))
    for step in restoration:
        print(step.loss)
    restored = restoration.solution.pixels

Commands and the array API are both thin over this module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from chnorm_cli.device import choose_device, describe_device
from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.prior import PriorFit
from chnorm_cli.fitting.recipes import Choice, choose
from chnorm_cli.fitting.recorrupt import RecorruptFit
from chnorm_cli.fitting.settings import FirstGuess, Fit, FitSettings
from chnorm_cli.fitting.solution import Outcome, Solution, Step
from chnorm_cli.generators.decoder import Decoder
from chnorm_cli.generators.hourglass import Hourglass
from chnorm_cli.generators.spec import parameters
from chnorm_cli.problems.guesses import fill_guess
from chnorm_cli.problems.names import Kernel
from chnorm_cli.problems.noise import CLEAN_SIGMA, estimate_sigma
from chnorm_cli.problems.nonlocal_ridge import nonlocal_ridge
from chnorm_cli.problems.operators import Downsample, Identity, Mask
from chnorm_cli.problems.problem import Problem
from chnorm_cli.problems.recorruption import (
    Example,
    Query,
    centered,
    dropped_again,
    mask_features,
    noise_features,
    recorrupted_noise,
    renoised,
)

Pixels = np.ndarray[Any, np.dtype[np.float32]]
SCALES = (2, 3, 4, 8)


class Restoration:
    """A fit that is ready to run; its caller owns the loop.

    `activity` says what is happening right now and `header` what is known beforehand; both are
    for people. Iterating runs the fit once.
    """

    def __init__(
        self,
        fit: PriorFit | RecorruptFit | None,
        *,
        settings: FitSettings,
        choice: Choice,
        problem: Problem,
        network: nn.Module | None,
        untouched: Outcome | None = None,
        sigma_estimated: bool = False,
        notes: tuple[str, ...] = (),
    ) -> None:
        self._fit = fit
        self._settings = settings
        self._choice = choice
        self._problem = problem
        self._network = network
        self._outcome = untouched
        self._sigma_estimated = sigma_estimated
        self._notes = notes
        self._last: Step | None = None
        self._solution: Solution | None = None

    @property
    def activity(self) -> str:
        """What is happening right now, e.g. "first guess, copy 3 of 8"."""
        return self._fit.activity if self._fit is not None else "nothing to do"

    @property
    def header(self) -> dict[str, str]:
        """Device, noise level, fit and generator, known before the first step."""
        device = self._problem.observation.device
        lines = {"device": describe_device(device), "fit": str(self._choice.fit)}
        if self._problem.sigma > 0:
            how = "estimated" if self._sigma_estimated else "given"
            lines["noise"] = f"σ = {self._problem.sigma * 255:.1f} of 255 ({how})"
        if self._network is not None:
            lines["generator"] = self._choice.generator.describe(self._network)
        return lines

    def __iter__(self) -> Iterator[Step]:
        """Run the fit; each `Step` is one update of the network."""
        if self._fit is None:
            self._solution = self._solved(self._problem.observation, self._outcome)
            return
        threads = torch.get_num_threads()
        if self._settings.threads:
            torch.set_num_threads(self._settings.threads)
        try:
            for step in self._fit:
                self._last = step
                yield step
            x = self._fit.estimate()
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
        x = self._fit.estimate()
        if x is None or not bool(torch.isfinite(x).all()):
            return None
        return self._solved(x, Outcome.INTERRUPTED)

    def _solved(self, x: Tensor, outcome: Outcome | None) -> Solution:
        assert outcome is not None
        last = self._last
        sigma = self._problem.sigma
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
            device=describe_device(self._problem.observation.device),
            generator=self._choice.generator.describe(self._network) if self._network else "none",
            parameters=parameters(self._network) if self._network else 0,
            plan=self._plan(),
            notes=self._notes,
        )

    def _plan(self) -> dict[str, Any]:
        recipe = self._choice.recorrupt if self._choice.fit is Fit.RECORRUPT else self._choice.prior
        return {"fit": str(self._choice.fit), **asdict(recipe)}


def prepare_denoise(
    pixels: Pixels, *, sigma: float | None = None, settings: FitSettings | None = None
) -> Restoration:
    """Prepare to remove Gaussian noise of standard deviation `sigma` (0–255 scale; None: estimate).

    `pixels` is float32 (H, W, C) with nominal range [0, 1]. Raises `ValueError` for input that
    no fit can use and `DeviceError` for a device that is not there.
    """
    settings = settings or FitSettings()
    y = _observation(pixels, settings)
    level = _sigma(sigma)
    choice = choose(settings, default=Fit.RECORRUPT)
    estimated = level is None
    level = estimate_sigma(y) if level is None else level
    problem = Problem(y, Identity((y.shape[1], y.shape[2])), level)
    if estimated and level < CLEAN_SIGMA:
        note = (
            f"the noise level is estimated at {level * 255:.1f} of 255, too little to remove, and"
            " the picture is left as it is; give --sigma to denoise it all the same"
        )
        return Restoration(
            None,
            settings=settings,
            choice=choice,
            problem=problem,
            network=None,
            untouched=Outcome.CLEAN,
            sigma_estimated=True,
            notes=(note,),
        )
    if choice.fit is Fit.PRIOR:
        return _prior(problem, choice, settings, sigma_estimated=estimated)
    level = max(level, 0.1 / 255)  # features are in units of σ
    problem = Problem(y, problem.operator, level)
    plain = settings.first_guess is FirstGuess.NONE
    copies = choice.recorrupt.copies

    def denoise(noisy: Tensor, level: float) -> Tensor:
        return nonlocal_ridge(noisy, level, choice.recorrupt.passes)

    random = torch.Generator().manual_seed(settings.seed)
    queries: list[Query] = []

    def examples(say: Callable[[str], None]) -> list[Example]:
        if plain:
            queries.append(Query(centered(y), y))
            return recorrupted_noise(y, level, copies, random)
        say("first guess")
        guess = denoise(y, level)
        queries.append(Query(noise_features(y, guess, level), guess))
        return renoised(guess, level, denoise, copies, random, say)

    return _recorrupt(
        problem,
        choice,
        settings,
        examples,
        queries,
        features=y.shape[0] * (1 if plain else 2),
        scale=level,
        finish=lambda x: x,
        sigma_estimated=estimated,
    )


def prepare_inpaint(
    pixels: Pixels,
    missing: np.ndarray[Any, np.dtype[np.bool_]],
    *,
    sigma: float | None = None,
    settings: FitSettings | None = None,
) -> Restoration:
    """Prepare to fill the pixels where `missing` (H, W) is true.

    Observed pixels are kept bit for bit unless `sigma` (0–255 scale) says that they are noisy.
    """
    settings = settings or FitSettings()
    y = _observation(pixels, settings)
    missing = np.asarray(missing, dtype=bool)
    if missing.shape != tuple(y.shape[1:]):
        raise ValueError(
            f"the mask is {missing.shape[1]}×{missing.shape[0]} pixels and the picture"
            f" {y.shape[2]}×{y.shape[1]}; both must be of one size"
        )
    if missing.all():
        raise ValueError("the mask marks every pixel as missing, so there is nothing to fill from")
    level = _sigma(sigma) or 0.0
    choice = choose(settings, default=Fit.RECORRUPT)
    known = torch.from_numpy(~missing).to(y.device)
    operator = Mask(known.to(y.dtype))
    observed = operator.forward(y)
    problem = Problem(observed, operator, level)
    if not missing.any():
        return Restoration(
            None,
            settings=settings,
            choice=choice,
            problem=Problem(y, operator, level),
            network=None,
            untouched=Outcome.NOTHING_MISSING,
            notes=("the mask marks no pixel as missing, and the picture is left as it is",),
        )
    if choice.fit is Fit.PRIOR:
        return _prior(problem, choice, settings)
    fill = fill_guess(settings.first_guess, choice.recorrupt.strengths)
    random = torch.Generator().manual_seed(settings.seed)
    queries: list[Query] = []

    def examples(say: Callable[[str], None]) -> list[Example]:
        say("first guess")
        guess = fill(observed, known)
        queries.append(Query(mask_features(guess, known), guess))
        return dropped_again(observed, known, fill, choice.recorrupt.copies, random, say)

    return _recorrupt(
        problem,
        choice,
        settings,
        examples,
        queries,
        features=y.shape[0] + 1,
        scale=0.05,  # about the error of the first guess
        finish=lambda x: x if level > 0 else operator.project(x, y),
    )


def prepare_superres(
    pixels: Pixels, scale: int, *, kernel: str = "bicubic", settings: FitSettings | None = None
) -> Restoration:
    """Prepare to enlarge (H, W, C) by `scale` (2, 3, 4 or 8) to the picture that explains it.

    `kernel` is how the small picture is taken to have been made: bicubic, lanczos or box.
    """
    settings = settings or FitSettings()
    y = _observation(pixels, settings)
    if scale not in SCALES:
        raise ValueError(f"scale must be one of {', '.join(map(str, SCALES))}, not {scale}")
    if kernel not in list(Kernel):
        raise ValueError(f"kernel must be one of {', '.join(Kernel)}, not {kernel!r}")
    choice = choose(settings, default=Fit.PRIOR)
    operator = Downsample((y.shape[1], y.shape[2]), scale, Kernel(kernel)).to(y.device)
    return _prior(Problem(y, operator), choice, settings)


def _prior(
    problem: Problem, choice: Choice, settings: FitSettings, *, sigma_estimated: bool = False
) -> Restoration:
    network = choice.generator.build(
        channels=problem.channels, size=problem.size, seed=settings.seed
    ).to(problem.observation.device)
    assert isinstance(network, Decoder | Hourglass)  # recipes.choose lets no other through
    fit = PriorFit(
        problem,
        network,
        choice.prior,
        stop=settings.stop,
        budget=Budget(choice.prior.steps, settings.steps, settings.time),
        seed=settings.seed,
    )
    return Restoration(
        fit,
        settings=settings,
        choice=choice,
        problem=problem,
        network=network,
        sigma_estimated=sigma_estimated,
    )


def _recorrupt(
    problem: Problem,
    choice: Choice,
    settings: FitSettings,
    examples: Callable[[Callable[[str], None]], list[Example]],
    queries: list[Query],
    *,
    features: int,
    scale: float,
    finish: Callable[[Tensor], Tensor],
    sigma_estimated: bool = False,
) -> Restoration:
    network = choice.generator.build(
        channels=problem.channels, size=problem.size, inputs=features, seed=settings.seed
    ).to(problem.observation.device)
    fit = RecorruptFit(
        examples,
        lambda: queries,
        network,
        choice.recorrupt,
        scale=scale,
        finish=finish,
        budget=Budget(choice.recorrupt.steps, settings.steps, settings.time),
        seed=settings.seed,
    )
    return Restoration(
        fit,
        settings=settings,
        choice=choice,
        problem=problem,
        network=network,
        sigma_estimated=sigma_estimated,
    )


def _observation(pixels: Pixels, settings: FitSettings) -> Tensor:
    """Check (H, W, C) pixels and bring them to the device as (C, H, W)."""
    pixels = np.asarray(pixels, dtype=np.float32)
    if pixels.ndim != 3 or not 1 <= pixels.shape[2] <= 4 or 0 in pixels.shape:
        raise ValueError(
            f"pixels must be (H, W, C) with 1 to 4 channels, not of shape {pixels.shape}"
        )
    if not np.isfinite(pixels).all():
        raise ValueError("the picture holds values that are not finite numbers")
    return torch.from_numpy(pixels).movedim(-1, 0).contiguous().to(choose_device(settings.device))


def _sigma(sigma: float | None) -> float | None:
    if sigma is None:
        return None
    if not 0 <= sigma < 1000:
        raise ValueError(f"sigma is on the 0–255 scale and must not be negative, not {sigma}")
    return sigma / 255.0
