"""Inpainting: y = M x, and the pixels outside the mask M are missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.prior import PriorFit
from chnorm_cli.fitting.recipes import INPAINT, WIDE_HOLES, choose
from chnorm_cli.fitting.recorrupt import RecorruptFit
from chnorm_cli.fitting.settings import FirstGuess, Fit, FitSettings
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.fitting.stages import Fit as RunningFit
from chnorm_cli.fitting.stages import Stage, StagedFit
from chnorm_cli.generators.names import GeneratorName, NormalizationPlace
from chnorm_cli.generators.spec import GeneratorSpec
from chnorm_cli.problems.guesses import fill_guess, helpful_strengths, plug_and_play
from chnorm_cli.problems.noise import Noise
from chnorm_cli.problems.operators import Mask
from chnorm_cli.problems.problem import Problem
from chnorm_cli.problems.recorruption import (
    Example,
    Query,
    Say,
    dropped_again,
    holes_like,
    mask_features,
    masked_again,
)
from chnorm_cli.restoration.common import (
    Pixels,
    observation,
    prior_fit,
    prior_restoration,
    unet_for,
    unit_sigma,
)
from chnorm_cli.restoration.restoration import Restoration

HELD_OUT = 0.03  # share of observed pixels that decides between candidates
FINISH_SHARE = 0.25  # of --time, kept for the non-local filtering at the end
SHARES = (0.45, 0.55)  # of the steps: on observed pixels, then on the filled picture
BETWEEN = (8.0, 5.0)  # plug-and-play strengths, 0–255 scale, for the filled picture
WIDE = 8.0  # pixels from the middle of a hole to the nearest observed one; no U-Net sees so far
# The hourglass, a quarter as wide as the authors': decoders run wild where nothing holds them.
WIDE_GENERATOR = GeneratorSpec(GeneratorName.HOURGLASS, (32,) * 5, place=NormalizationPlace.BEFORE)
CLEARLY = 0.7  # of the other's error: a few held-out holes say little (measured: 1.4 dB lost)
WIDE_HELD_OUT = 0.25  # whole holes are held out where holes are wide, and are not thinned


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
    y = observation(pixels, settings)
    missing = np.asarray(missing, dtype=bool)
    if missing.shape != tuple(y.shape[1:]):
        raise ValueError(
            f"the mask is {missing.shape[1]}×{missing.shape[0]} pixels and the picture"
            f" {y.shape[2]}×{y.shape[1]}; both must be of one size"
        )
    if missing.all():
        raise ValueError("the mask marks every pixel as missing, so there is nothing to fill from")
    level = unit_sigma(sigma) or 0.0
    choice = choose(settings, default=Fit.RECORRUPT, recorrupt=INPAINT)
    known = torch.from_numpy(~missing).to(y.device)
    operator = Mask(known.to(y.dtype))
    observed = operator.forward(y)
    noise = Noise(level)
    problem = Problem(observed, operator, noise)
    if not missing.any():
        return Restoration(
            None,
            settings=settings,
            choice=choice,
            problem=Problem(y, operator, noise),
            untouched=Outcome.NOTHING_MISSING,
            notes=("the mask marks no pixel as missing, and the picture is left as it is",),
        )
    if choice.fit is Fit.PRIOR:
        return prior_restoration(problem, choice, settings)
    random = torch.Generator().manual_seed(settings.seed)
    wide = operator.hole_radius() > WIDE and settings.fit is Fit.AUTO
    held = holes_like(known, WIDE_HELD_OUT if wide else HELD_OUT, random)
    shown = known & ~held
    fill = fill_guess(settings.first_guess, choice.recorrupt.strengths)
    budget = Budget(choice.recorrupt.steps, settings.steps, settings.time)
    witness = Mask(shown.to(y.dtype))
    masks = (witness, operator)  # of the two queries: without the held-out pixels, and with all
    nonlocal_helps = level == 0 and settings.first_guess in (FirstGuess.AUTO, FirstGuess.NONLOCAL)
    queries: list[Query] = []
    errors: dict[str, float] = {}
    filled: list[Tensor] = []
    running: list[RecorruptFit] = []

    def dropped(say: Say) -> Iterator[Example]:
        say("first guess")
        for seen in (shown, known):
            guess = fill(observed, seen)
            queries.append(Query(mask_features(guess, seen), guess))
        yield from dropped_again(observed, shown, fill, choice.recorrupt.copies, random, say)

    def masked(say: Say) -> Iterator[Example]:
        yield from masked_again(filled[0], known, fill, choice.recorrupt.copies, random, say)

    def error(candidate: Tensor) -> float:
        return float(((candidate - y).square() * held).sum())

    def first_finish(answers: list[Tensor]) -> Tensor:
        """Clean up both fillings; the one that never saw held-out pixels makes new examples."""
        between = BETWEEN if nonlocal_helps and running[-1].outcome is not None else ()
        filled[:] = [
            plug_and_play(mask.project(x, y), y, mask, between)
            for x, mask in zip(answers, masks, strict=True)
        ]
        return filled[1]

    def last_finish(answers: list[Tensor]) -> Tensor:
        """Let the held-out pixels say how much non-local filtering helps, then do it with all."""
        if level > 0:
            return answers[1]
        if filled:  # two fits err less together
            answers = [(x + before) / 2.0 for x, before in zip(answers, filled, strict=True)]
        checked, x = (mask.project(x, y) for x, mask in zip(answers, masks, strict=True))
        if nonlocal_helps and running[-1].outcome is not None:  # not for who interrupts it
            strengths, checked = helpful_strengths(
                checked, y, witness, error, go_on=lambda: in_time(budget)
            )
            x = plug_and_play(x, y, operator, strengths)
        errors["recorrupt"] = error(checked)
        return x

    network = unet_for(problem, choice.generator, y.shape[0] + 1, settings.seed)

    def recorrupt(
        examples: Callable[[Say], Iterator[Example]],
        finish: Callable[[list[Tensor]], Tensor],
        share: float,
        budget: Budget,
    ) -> RecorruptFit:
        running.append(
            RecorruptFit(
                examples,
                lambda: queries,
                network,
                choice.recorrupt,
                scale=0.05,  # about the error of the first guess
                finish=finish,
                budget=replace(budget, planned=round(share * choice.recorrupt.steps)),
                seed=settings.seed,
                finish_share=FINISH_SHARE,
            )
        )
        return running[-1]

    def prior(estimates: list[Tensor], budget: Budget) -> PriorFit:
        return prior_fit(
            Problem(witness.forward(y), witness, noise),
            WIDE_GENERATOR,
            WIDE_HOLES[settings.effort],
            stop=settings.stop,
            budget=budget,
            seed=settings.seed,
        )

    def better(estimates: list[Tensor]) -> Tensor:
        """Take the fill of the picture as a whole where it came clearly nearer to the held-out holes."""
        if len(estimates) < 2 or CLEARLY * errors["recorrupt"] <= error(estimates[1]):
            return estimates[0] if estimates else queries[-1].guess
        return operator.project(estimates[1], y)

    def latest(estimates: list[Tensor]) -> Tensor:
        if estimates:
            return estimates[-1]
        so_far = running[0].estimate() if running else None  # who interrupts it gets this
        return queries[-1].guess if so_far is None else so_far

    fit: RunningFit
    if wide:  # a fit of the picture as a whole sees further than a U-Net on crops
        fit = StagedFit(
            [
                Stage(
                    "recorrupt", 1.0, lambda _, budget: recorrupt(dropped, last_finish, 1.0, budget)
                ),
                Stage("prior", 1.0, prior, optional=True),
            ],
            better,
            budget,
        )
    elif level > 0:  # what is filled is noisy too, and nothing to learn from
        fit = recorrupt(dropped, last_finish, 1.0, budget)
    else:
        first, second = SHARES
        fit = StagedFit(
            [
                Stage(
                    "observed",
                    first,
                    lambda _, budget: recorrupt(dropped, first_finish, first, budget),
                ),
                Stage(
                    "filled",
                    second,
                    lambda _, budget: recorrupt(masked, last_finish, second, budget),
                    optional=True,
                ),
            ],
            latest,
            budget,
        )
    return Restoration(
        fit,
        settings=settings,
        choice=choice,
        problem=problem,
        network=network,
        recipe=choice.recorrupt,
    )


def in_time(budget: Budget) -> bool:
    """Say whether half of the time kept for finishing is left: what is found is done once more."""
    return budget.seconds is None or budget.elapsed < (1.0 - FINISH_SHARE / 2) * budget.seconds
