"""Learn to undo a compression: compress the first answer again, and ask for it back.

x̂ = P((g + N_θ(y, g)) / 2), g the answer of similar patches and cells, N_θ what has learnt to lead from
such an answer of g compressed again to g itself, P similar patches and the cells once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from chnorm_cli.classical.artefacts import polished, without_artefacts
from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.recipes import UNCOMPRESS, Choice
from chnorm_cli.fitting.recorrupt import RecorruptFit, RecorruptRecipe
from chnorm_cli.fitting.settings import FitSettings
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.fitting.stages import Direct, RunningFit
from chnorm_cli.problems.names import Say
from chnorm_cli.problems.operators import Identity
from chnorm_cli.problems.problem import Problem
from chnorm_cli.recorruption.examples import Example, Query, noise_features, shrunk, window
from chnorm_cli.restoration.artefacts import Wrong, compressed_again
from chnorm_cli.restoration.common import unet_for
from chnorm_cli.restoration.restoration import Restoration
from chnorm_cli.restoration.tiles.tiling import Tiling

# What is compressed again: at which share of its size (sharper edges than the answer has), and where
# the blocks lie, in pixels: elsewhere, for where they lay already it would stay as it is.
COPIES = ((0.75, (6, 2)), (1.0, (4, 4)), (0.6, (2, 2)), (1.0, (2, 6)))
MOST_PIXELS = 1 << 17  # of a copy
LEAST_CHANGE = 0.1 / 255  # features are measured in units of what cleaning changed


class Uncompressing:
    """The fit of one JPEG y (C, H, W): the first answer, what is learnt from it, and both together."""

    def __init__(
        self,
        y: Tensor,
        wrong: Wrong,
        recipe: RecorruptRecipe,
        settings: FitSettings,
        network: nn.Module,
        budget: Budget,
        strength: float,
    ) -> None:
        self.y, self.wrong, self.budget, self.strength = y, wrong, budget, strength
        self.errors = wrong.errors.stronger(max(1.0, strength))
        self.recipe, self.random = recipe, torch.Generator().manual_seed(settings.seed)
        self.queries: list[Query] = []
        self.scale = max(float(wrong.errors.level(1.0).square().mean().sqrt()), LEAST_CHANGE)
        self.fit = RecorruptFit(
            self.examples,
            lambda: self.queries,
            network,
            recipe,
            scale=self.scale,
            finish=self.finish,
            budget=budget,
            seed=settings.seed,
        )

    def examples(self, say: Say) -> Iterator[Example]:
        """Clean y, then compress that again and again, and clean it."""
        wrong, go_on = self.wrong, self.budget.in_time
        guess = without_artefacts(self.y, wrong.jpeg, self.errors, say=say, go_on=go_on)
        self.queries.append(Query(noise_features(self.y, guess, self.scale), guess))
        for copy in range(self.recipe.copies):
            say(f"compress again, copy {copy + 1} of {self.recipe.copies}")
            share, corner = COPIES[copy % len(COPIES)]
            target = window(shrunk(guess, share), MOST_PIXELS, self.random)
            y, jpeg = compressed_again(target, wrong, corner, self.random)
            again = without_artefacts(y, jpeg, self.errors, go_on=go_on)
            yield Example(noise_features(y, again, self.scale), again, target)

    def finish(self, answers: list[Tensor]) -> Tensor:
        """Give the mean of the two answers, corrected by similar patches, in the cells."""
        guess = self.queries[0].guess
        x = (guess + answers[0]) / 2
        if self.fit.outcome is not None:  # else it is a look at the picture on the way
            self.fit.activity = "let similar patches correct the answer"
            x = polished(x, self.y, self.wrong.jpeg, self.errors)
        return self.wrong.limited(self.y, x, self.strength)


def prepare_artefacts(
    y: Tensor,
    wrong: Wrong,
    choice: Choice,
    settings: FitSettings,
    *,
    tiling: Tiling,
    strength: float,
    uncertainty: bool,
    time_for_map: Callable[[], bool],
) -> Restoration:
    """Prepare to take the artefacts out of y (C, H, W), and the noise that went through JPEG.

    Without noise the answer lies in the cells of the file. `fast`, and a picture that is cleaned in
    tiles, do without a network.
    """
    problem = Problem(y, Identity((y.shape[1], y.shape[2])))
    recipe = UNCOMPRESS.get(settings.effort) if tiling.tile is None else None
    network: nn.Module | None = None
    fit: RunningFit
    if recipe is None:
        budget = Budget(1, settings.steps, settings.time)

        def make(say: Say) -> Tensor:
            return wrong.cleaned(y, strength, say=say, go_on=budget.in_time)

        fit = Direct(make, budget, Outcome.CELLS)
    else:
        choice = replace(choice, recorrupt=recipe)
        network = unet_for(problem, choice.generator, 2 * problem.channels, settings.seed)
        budget = Budget(recipe.steps, settings.steps, settings.time)
        fit = Uncompressing(y, wrong, recipe, settings, network, budget, strength).fit
    return Restoration(
        fit,
        settings=settings,
        choice=choice,
        problem=problem,
        network=network,
        recipe=recipe,
        jpeg=wrong.jpeg,
        tiling=tiling,
        law=wrong.law,
        law_found=wrong.law is not None,
        notes=(wrong.note,),
        errors=wrong.error_of_cleaned(time_for_map, strength),
        uncertainty=uncertainty,
    )
