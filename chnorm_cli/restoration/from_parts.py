"""Learning to denoise a picture that is not held: from windows spread over it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.recipes import choose
from chnorm_cli.fitting.settings import Fit, FitSettings
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.noise.finding import WINDOW, WINDOWS
from chnorm_cli.noise.law import Law
from chnorm_cli.noise.names import Faults
from chnorm_cli.noise.sampling import mosaic
from chnorm_cli.problems.operators import Identity
from chnorm_cli.problems.problem import Problem
from chnorm_cli.restoration.beginning import Said, begin
from chnorm_cli.restoration.common import Pixels, observation, of_one_colour
from chnorm_cli.restoration.denoise import SHARED
from chnorm_cli.restoration.denoising import at_least_some_noise
from chnorm_cli.restoration.learning import LearningToDenoise, best_denoising
from chnorm_cli.restoration.restoration import Restoration
from chnorm_cli.restoration.tile_work import FitPrior, TileWork
from chnorm_cli.restoration.tiled import PART, PARTS, learning_budget
from chnorm_cli.restoration.tiling import Tiling

Read = Callable[[slice, slice], Pixels]  # rows and columns to (h, w, C)
FAULTS = "bad pixels were found: in each tile they are looked for and filled smoothly"


@dataclass(frozen=True)
class Lesson:
    """A restoration whose picture is a part of the whole, and the work in its tiles that comes of it.

    `learnt` gives that work when the restoration is over; None: the picture is left as it is.
    `tile_seconds` estimates what tiles of so many pixels take one worker.
    """

    restoration: Restoration
    learnt: Callable[[], TileWork] | None
    tile_seconds: Callable[[int], float] = lambda _: 0.0


def learn_to_denoise(
    read: Read,
    size: tuple[int, int],
    said: Said,
    settings: FitSettings,
    tiling: Tiling,
    told: Law | None = None,
) -> Lesson:
    """Prepare to learn how a picture of `size` (H, W), of which `read` gives windows, is denoised.

    The law of the noise is found in 4 megapixels, unless it is `told`, and a network learns from one.
    Banding is not taken out: offsets of whole rows are not seen in windows. Raises `ValueError` as
    `prepare_denoise` does.
    """
    said = replace(said, banding=Faults.OFF)

    def part(side: int, along: int) -> Tensor:
        def window(place: tuple[slice, slice]) -> Tensor:
            return observation(read(*place), settings)

        return mosaic(window, size, side, along)

    sample = part(WINDOW, WINDOWS)
    choice = choose(settings, default=Fit.RECORRUPT)
    beginning = begin(sample, said, told=told)
    law, found = beginning.law, not said.level_given
    notes = [FAULTS] if beginning.bad is not None else []
    left = beginning.left
    if left is None and of_one_colour(sample) is not None:
        left = Outcome.CLEAN, ()

    def without_fit(outcome: Outcome, why: Sequence[str] = ()) -> Restoration:
        return Restoration(
            None,
            settings=settings,
            choice=choice,
            problem=Problem(sample, Identity((sample.shape[1], sample.shape[2])), law.noise),
            untouched=outcome,
            law=law,
            law_found=found,
            notes=[*notes, *why],
            tiling=tiling,
        )

    if left is not None:
        return Lesson(without_fit(*left), None)
    stronger = law.told(said.strength)
    if stronger.kernel is not None:
        notes.append(SHARED)
    if choice.fit is Fit.PRIOR:
        work = FitPrior(replace(law, noise=stronger, flat=None), choice, settings)
        return Lesson(without_fit(Outcome.STEPS), lambda: work)
    z = law.whitened(part(PART, PARTS))
    problem = at_least_some_noise(Problem(z, Identity((z.shape[1], z.shape[2])), stronger))
    budget = learning_budget(Budget(choice.recorrupt.steps, settings.steps, settings.time))
    denoising, choice, network = best_denoising(problem, choice, settings, budget)
    learning = LearningToDenoise(denoising, law, said.strength, beginning.bad is not None)
    restoration = Restoration(
        learning.fit,
        settings=settings,
        choice=choice,
        problem=problem,
        network=network,
        recipe=choice.recorrupt,
        law=law,
        law_found=found,
        notes=notes,
        tiling=tiling,
    )
    return Lesson(restoration, learning.work, learning.tile_seconds)
