"""Learning to denoise a picture that is restored in tiles by others: from windows spread over it.

It may be larger than memory. `from_parts_filling` and `from_parts_enlarging` do it for the other tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from chnorm_cli.classical.threads import at_once
from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.recipes import Choice, choose
from chnorm_cli.fitting.settings import Fit, FitSettings
from chnorm_cli.fitting.solution import Outcome, Step
from chnorm_cli.fitting.stages import with_time_after
from chnorm_cli.noise.finding import WINDOW, WINDOWS
from chnorm_cli.noise.law import Law
from chnorm_cli.noise.names import Faults, Kind
from chnorm_cli.noise.sampling import Window, mosaic
from chnorm_cli.problems.jpeg import Jpeg
from chnorm_cli.problems.operators import Identity
from chnorm_cli.problems.problem import Problem
from chnorm_cli.restoration.artefacts import IN_DOUBT, Wrong, what_is_wrong
from chnorm_cli.restoration.beginning import Said, begin
from chnorm_cli.restoration.common import Pixels, observation, of_one_colour
from chnorm_cli.restoration.denoise import SHARED
from chnorm_cli.restoration.denoising import at_least_some_noise
from chnorm_cli.restoration.restoration import Restoration
from chnorm_cli.restoration.tiles.artefact_tiles import Uncompress
from chnorm_cli.restoration.tiles.learning import LearningToDenoise, best_denoising
from chnorm_cli.restoration.tiles.tile_work import FitPrior, TileWork
from chnorm_cli.restoration.tiles.tile_wrappers import AsItIs, Weighed, WithoutBadPixels
from chnorm_cli.restoration.tiles.tiled import PART, PARTS, learning_budget
from chnorm_cli.restoration.tiles.tiling import Tiling

Read = Callable[[slice, slice], Pixels]  # rows and columns to (h, w, C)
FAULTS = "bad pixels were found: in each tile they are looked for and filled from those around"


@dataclass(frozen=True)
class Lesson:
    """A restoration whose picture is a part of the whole, and the work in its tiles that comes of it.

    `learnt` gives that work when the restoration is over; None: the picture is left as it is.
    `tile_seconds` estimates what tiles of so many pixels take one worker. With `keeps` the observed
    values come out of the tiles as they went in.
    """

    restoration: Restoration
    learnt: Callable[[], TileWork] | None
    tile_seconds: Callable[[int], float] = lambda _: 0.0
    keeps: bool = False

    def steps(self, cores: int, size: tuple[int, int], workers: int) -> Iterator[Step]:
        """Learn, on as many cores as that is faster on without other results in the last bit.

        The share done is that of the whole, whose tiles of a picture of `size` are made by `workers`.
        """
        height, width = size
        with at_once(cores):
            for step in self.restoration:
                yield with_time_after(step, self.tile_seconds(height * width) / workers)


@dataclass(frozen=True)
class WithoutFit:
    """What a restoration that learns nothing has in common, whatever it leaves to be done."""

    sample: Tensor
    settings: FitSettings
    choice: Choice
    tiling: Tiling
    notes: Sequence[str]
    law_found: bool = False

    def lesson(
        self,
        outcome: Outcome,
        work: TileWork | None,
        why: Sequence[str] = (),
        law: Law | None = None,
        *,
        keeps: bool = False,
    ) -> Lesson:
        """Give the lesson whose `work` is known."""
        y = self.sample
        restoration = Restoration(
            None,
            settings=self.settings,
            choice=self.choice,
            problem=Problem(y, Identity((y.shape[1], y.shape[2]))),
            untouched=outcome,
            law=law,
            law_found=self.law_found and law is not None,
            notes=[*self.notes, *why],
            tiling=self.tiling,
        )
        return Lesson(restoration, None if work is None else lambda: work, keeps=keeps)


@dataclass(frozen=True)
class Parts:
    """A picture of `size` (H, W), of which `read` gives windows (h, w, C); `jpeg` is what its file was."""

    read: Read
    size: tuple[int, int]
    jpeg: Jpeg | None = None

    def spread(self, settings: FitSettings, side: int, along: int) -> Tensor:
        """Give `along`² windows of `side`² pixels as one picture (C, h, w)."""
        return mosaic(lambda w: self.window(settings, w), self.size, side, along)

    def window(self, settings: FitSettings, window: Window) -> Tensor:
        """Give one window (C, h, w)."""
        return observation(self.read(*window), settings)

    def whole(self, settings: FitSettings) -> Tensor:
        """Give all of it (C, H, W)."""
        return self.window(settings, (slice(0, self.size[0]), slice(0, self.size[1])))

    def uncompress(self, wrong: Wrong, strength: float) -> Uncompress:
        """Give the work of taking its artefacts out."""
        numbers = tuple(n.to(torch.int16) for n in wrong.jpeg.numbers)  # it travels
        return Uncompress(
            replace(wrong.jpeg, numbers=numbers),
            wrong.errors.stronger(max(1.0, strength)),
            self.size,
            min(1.0, strength),
            wrong.most_change(strength),
        )


def learn_to_denoise(
    parts: Parts,
    said: Said,
    settings: FitSettings,
    tiling: Tiling,
    told: Law | None = None,
) -> Lesson:
    """Prepare to learn how a picture is denoised.

    The law of the noise is found in 4 megapixels, unless it is `told`, and a network learns from one.
    Banding is not taken out: offsets of whole rows are not seen in windows. Raises `ValueError` as
    `prepare_denoise` does.
    """
    said = replace(said, banding=Faults.OFF)
    sample = parts.spread(settings, WINDOW, WINDOWS)
    choice = choose(settings, default=Fit.RECORRUPT)
    beginning = begin(sample, said, told=told)
    law, found = beginning.law, not said.level_given
    notes = [FAULTS] if beginning.bad is not None else []
    left = beginning.left
    if left is None and of_one_colour(sample) is not None:
        left = Outcome.CLEAN, ()
    known = WithoutFit(sample, settings, choice, tiling, tuple(notes), found)
    plain = found and said.noise == Kind.AUTO and choice.fit is Fit.RECORRUPT
    plain = plain and said.strength > 0 and beginning.bad is None
    wrong = None
    if plain and parts.jpeg is not None:
        wrong = what_is_wrong(parts.whole(settings), parts.jpeg, law)
    if wrong is not None and wrong.chance == 0:
        uncompress = parts.uncompress(wrong, said.strength)
        return known.lesson(Outcome.CELLS, uncompress, [wrong.note], wrong.law)
    if left is not None and beginning.bad is not None:
        filled = WithoutBadPixels(AsItIs())
        return known.lesson(Outcome.STEPS, filled, left[1], law, keeps=True)
    if left is not None:
        return known.lesson(left[0], None, left[1], law)
    stronger = law.told(said.strength)
    if stronger.kernel is not None:
        notes.append(SHARED)

    def with_faults(work: TileWork) -> TileWork:
        return work if beginning.bad is None else WithoutBadPixels(work)

    if choice.fit is Fit.PRIOR:
        by_prior = FitPrior(replace(law, noise=stronger, flat=None), choice, settings)
        return known.lesson(Outcome.STEPS, with_faults(by_prior), (), law)
    z = law.whitened(parts.spread(settings, PART, PARTS))
    problem = at_least_some_noise(Problem(z, Identity((z.shape[1], z.shape[2])), stronger))
    budget = learning_budget(Budget(choice.recorrupt.steps, settings.steps, settings.time))
    denoising, choice, network = best_denoising(problem, choice, settings, budget)
    learning = LearningToDenoise(denoising, law, said.strength)
    in_doubt = wrong if wrong is not None and wrong.chance < 1 else None
    if in_doubt is not None:
        notes = [IN_DOUBT.format(in_doubt.jpeg.compression.sentence(), law.sentence())]

    def learnt() -> TileWork:
        work = with_faults(learning.work())
        if in_doubt is None:
            return work
        return Weighed(parts.uncompress(in_doubt, said.strength), work, in_doubt.chance)

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
    return Lesson(restoration, learnt, learning.tile_seconds)
