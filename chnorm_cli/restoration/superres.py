"""Super-resolution: y = D x, a picture reduced by an integer scale."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import torch
from torch import Tensor, nn

from chnorm_cli.classical.first_guess import first_guess
from chnorm_cli.classical.guesses import ENLARGING, plug_and_play
from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.prior import PriorFit
from chnorm_cli.fitting.recipes import DOUBLE, SUPERRES, Choice, choose
from chnorm_cli.fitting.recorrupt import RecorruptFit, RecorruptRecipe
from chnorm_cli.fitting.settings import Fit, FitSettings, Stop
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.fitting.stages import Stage, StagedFit
from chnorm_cli.generators.names import GeneratorName
from chnorm_cli.generators.spec import DEFAULT_WIDTHS, GeneratorSpec
from chnorm_cli.problems.names import Kernel
from chnorm_cli.problems.operators import Downsample
from chnorm_cli.problems.problem import Problem
from chnorm_cli.recorruption.examples import Query, centered, reduced_again
from chnorm_cli.restoration.common import (
    Pixels,
    answered,
    observation,
    of_one_colour,
    prior_fit,
    prior_restoration,
    unet_for,
)
from chnorm_cli.restoration.restoration import Restoration

FACTORS = {2: (2,), 3: (3,), 4: (2, 2), 8: (2, 2, 2)}
SCALES = tuple(FACTORS)
DECODER = GeneratorSpec(GeneratorName.DECODER, DEFAULT_WIDTHS[GeneratorName.DECODER])


def prepare_superres(
    pixels: Pixels, scale: int, *, kernel: str = "bicubic", settings: FitSettings | None = None
) -> Restoration:
    """Prepare to enlarge (H, W, C) by `scale` (2, 3, 4 or 8) to the picture that explains it.

    `kernel` is how the small picture is taken to have been made: bicubic, lanczos or box.
    """
    settings = settings or FitSettings()
    y = observation(pixels, settings)
    if scale not in SCALES:
        raise ValueError(f"scale must be one of {', '.join(map(str, SCALES))}, not {scale}")
    if kernel not in list(Kernel):
        raise ValueError(f"kernel must be one of {', '.join(Kernel)}, not {kernel!r}")
    choice = choose(settings, default=Fit.RECORRUPT if scale == 2 else Fit.BOTH, staged=True)
    colour = of_one_colour(y)
    if colour is not None:
        large = colour.expand(-1, scale * y.shape[1], scale * y.shape[2])
        return answered(large, Outcome.ONE_COLOUR, choice, settings)
    problem = Problem(y, Downsample((y.shape[1], y.shape[2]), scale, Kernel(kernel)).to(y.device))
    if choice.fit is Fit.PRIOR:
        return prior_restoration(problem, choice, settings)
    return _staged(problem, choice, settings, scale, Kernel(kernel))


def _staged(
    problem: Problem, choice: Choice, settings: FitSettings, scale: int, kernel: Kernel
) -> Restoration:
    """Enlarge step by step with `recorrupt`, then let `prior` fits have their say."""
    recipe = (DOUBLE if scale == 2 else SUPERRES)[settings.effort]
    y, operator = problem.observation, problem.operator
    spec = replace(choice.generator, widths=recipe.recorrupt.widths)
    unet = unet_for(problem, spec, problem.channels, settings.seed)
    last = [(unet, recipe.recorrupt)]  # what is fitted in the last step
    if recipe.second_muon_lr is not None:
        another = unet_for(problem, spec, problem.channels, settings.seed + 1)
        last.append((another, replace(recipe.recorrupt, muon_lr=recipe.second_muon_lr)))
    budget = Budget(0, settings.steps, settings.time)
    factors = FACTORS[scale]
    priors = recipe.priors if choice.fit is Fit.BOTH else 0
    if y.device.type == "cpu":
        priors = min(priors, recipe.priors_for(problem.size[0] * problem.size[1]))
    notes: tuple[str, ...] = ()
    if choice.fit is Fit.BOTH and recipe.priors and not priors:
        notes = ("the enlarged picture is too large for a prior fit on a CPU: recorrupt alone",)

    def enlarge(level: int, network: nn.Module, recorrupt: RecorruptRecipe) -> Stage:
        factor = factors[level]
        reached = prod(factors[: level + 1])

        def make(estimates: list[Tensor], budget: Budget) -> RecorruptFit:
            small = estimates[level - 1] if level else y
            step = Downsample((small.shape[1], small.shape[2]), factor, kernel).to(y.device)
            # From the second step on the picture itself is partly guessed; y stays the witness.
            examples = reduced_again(
                small, factor, kernel, recipe.later_shrinks if level else recipe.first_shrinks
            )
            if level:
                examples += reduced_again(y, factor, kernel, recipe.first_shrinks[:3])
            guess = first_guess(step, small)
            whole = Downsample((y.shape[1], y.shape[2]), reached, kernel).to(y.device)
            return RecorruptFit(
                lambda say: iter(examples),
                lambda: [Query(centered(guess), guess)],
                network,
                recorrupt,
                scale=0.05,
                finish=lambda answers: whole.project(answers[0], y),
                budget=replace(budget, planned=recorrupt.steps),
                seed=settings.seed + level,
            )

        again = network is not unet
        return Stage(f"enlarge to ×{reached}", float(recorrupt.steps), make, optional=again)

    def prior(number: int) -> Stage:
        def make(estimates: list[Tensor], budget: Budget) -> PriorFit:
            return prior_fit(
                problem,
                DECODER,
                recipe.prior,
                stop=Stop.NONE,
                budget=budget,
                seed=settings.seed + number,
            )

        # A step costs as much as the enlarged picture is large.
        work = 3.0 * problem.size[0] * problem.size[1] / 256**2
        return Stage(
            f"prior {number + 1} of {priors}", work * recipe.prior.steps, make, optional=True
        )

    def combine(estimates: list[Tensor]) -> Tensor:
        whole = [x for x in estimates if tuple(x.shape[1:]) == problem.size]
        if not whole:
            return first_guess(operator, y)
        enlarged, fitted = whole[: len(last)], whole[len(last) :]
        x = torch.stack(enlarged).mean(0)
        if fitted:
            x = (x + torch.stack(fitted).mean(0)) / 2
        return plug_and_play(x, y, operator, recipe.strengths, ENLARGING, go_on=budget.in_time)

    stages = [enlarge(level, unet, recipe.recorrupt) for level in range(len(factors) - 1)]
    stages += [enlarge(len(factors) - 1, network, recorrupt) for network, recorrupt in last]
    stages += [prior(number) for number in range(priors)]
    fit = StagedFit(stages, combine, budget)
    return Restoration(
        fit,
        settings=settings,
        choice=choice,
        problem=problem,
        network=unet,
        recipe=recipe,
        notes=notes,
    )
