"""What learns from a part of a large picture, and the work in its tiles that comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from chnorm_cli.classical.first_guess import first_guess
from chnorm_cli.classical.patch_filling import wide_holes
from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.recipes import GRAY_TWICE, Choice
from chnorm_cli.fitting.settings import Effort, FirstGuess, FitSettings
from chnorm_cli.fitting.solution import Outcome, Step
from chnorm_cli.fitting.stages import Direct, RunningFit, Stage, StagedFit
from chnorm_cli.noise.law import Law
from chnorm_cli.noise.sampling import Window
from chnorm_cli.problems.names import Say
from chnorm_cli.problems.operators import Mask
from chnorm_cli.problems.problem import Problem
from chnorm_cli.restoration.artefacts import Wrong
from chnorm_cli.restoration.beginning import Beginning
from chnorm_cli.restoration.denoising import Denoising, network_for
from chnorm_cli.restoration.enlarging import Enlarging
from chnorm_cli.restoration.filling import AGAIN, WIDE, Filling
from chnorm_cli.restoration.tiles.tile_work import Denoise, Fill, TileWork
from chnorm_cli.restoration.tiles.tiled import PART, PARTS, InTiles, learning_budget
from chnorm_cli.restoration.twice import LearningTwice

LONG = 240.0  # seconds of --time; with less, a second fit would only shorten the first
NO_MAP_IN_TILES = "an error map of what is filled or enlarged is not made in tiles; give --tile off, or a part of it"
MOST_MISSING = 0.9  # of a window's pixels: where more are, nothing is left to learn from


def best_denoising(
    problem: Problem, choice: Choice, settings: FitSettings, budget: Budget
) -> tuple[Denoising | LearningTwice, Choice, nn.Module]:
    """Give the denoising of a problem, the recipe that it follows, and its network."""
    network = network_for(problem, choice, settings)
    twice = settings.effort is Effort.BEST and problem.channels == 1
    twice = twice and settings.first_guess is not FirstGuess.NONE
    # Noise that neighbours share is known too roughly to learn from twice.
    twice = twice and problem.noise.kernel is None and (settings.time or LONG) >= LONG
    if not twice:
        return Denoising(problem, choice, settings, network, budget), choice, network
    choice = replace(choice, recorrupt=GRAY_TWICE[0])
    return LearningTwice(problem, choice, settings, network, budget), choice, network


@dataclass(frozen=True)
class LearningToDenoise:
    """Learn from a part whose noise the law has made white."""

    denoising: Denoising | LearningTwice
    law: Law
    strength: float = 1.0

    @property
    def fit(self) -> RunningFit:
        """The fit to be run first."""
        return self.denoising.fit

    def work(self) -> TileWork:
        """Give what has been learnt."""
        law = replace(self.law, flat=None)
        return Denoise(law, self.denoising.learnt(), min(1.0, self.strength))

    def tile_seconds(self, pixels: int) -> float:
        """Estimate what tiles of so many pixels take."""
        return self.denoising.restore_seconds(pixels)


class LearningToFill:
    """Learn from a part with holes, and clean it where it is noisy."""

    def __init__(self, filling: Filling) -> None:
        self.filling = filling
        self.fit: RunningFit = filling.fit()

    def work(self) -> Fill:
        """Give what has been learnt."""
        filling, clean = self.filling, None
        if filling.denoising is not None:
            assert filling.law is not None
            clean = Denoise(filling.law, filling.denoising.learnt())
        network = filling.running[-1].learnt() if filling.running else None
        first_guess = filling.settings.first_guess
        guess, some = filling.recipe.strengths, filling.some_strengths()
        return Fill(clean, network, first_guess, guess, some)

    def tile_seconds(self, pixels: int) -> float:
        """Estimate what tiles of so many pixels take: guessed, and corrected."""
        filling = self.filling
        iterations = len(filling.recipe.strengths) + min(AGAIN, filling.tries())
        return filling.pace * iterations * pixels


class LearningToEnlarge:
    """Learn from a part of a small picture."""

    def __init__(self, enlarging: Enlarging) -> None:
        self.enlarging = enlarging
        self.fit: RunningFit = enlarging.fit()

    def work(self) -> TileWork:
        """Give what has been learnt."""
        return self.enlarging.learnt()

    def tile_seconds(self, pixels: int) -> float:
        """Estimate what tiles of so many pixels of the small picture take."""
        return self.enlarging.again_seconds(pixels)


class NothingLearnt:
    """A learning whose work is known already: each tile is fitted by itself."""

    def __init__(self, work: TileWork, budget: Budget) -> None:
        self.known = work
        self.budget = budget
        self.activity = "fit each tile"
        self.outcome = Outcome.STEPS

    @property
    def fit(self) -> RunningFit:
        """No steps."""
        return self

    def __iter__(self) -> Iterator[Step]:
        """Give no steps."""
        return iter(())

    def estimate(self) -> Tensor | None:
        """Give none: there is no picture before the tiles."""
        return None

    def work(self) -> TileWork:
        """Give the work."""
        return self.known

    def tile_seconds(self, pixels: int) -> float:
        """Give 0: nothing is known."""
        return 0.0


class FillingInTiles:
    """Fill wide holes of the whole first, then learn from a part with holes, and fill all tiles.

    What is wrong with the whole as a JPEG is put right before.
    """

    def __init__(
        self, beginning: Beginning, settings: FitSettings, side: int, wrong: Wrong | None = None
    ) -> None:
        self.beginning, self.settings, self.side = beginning, settings, side
        self.whole = Filling(beginning, settings, wrong=wrong)
        self.wide = wide_holes(beginning.known, WIDE)

    def fit(self) -> RunningFit:
        """Give the stages: artefacts, wide holes, and the tiles."""
        stages = []
        if self.whole.wrong is not None:
            stages.append(Stage("artefacts", 1.0, self.whole.mending))
        if bool(self.wide.any()):
            stages.append(Stage("wide holes", 0.0, lambda _, budget: Direct(self.fill, budget)))
        stages.append(Stage("tiles", 1.0, lambda _, budget: self.tiles(budget)))
        return StagedFit(stages, self.latest, self.whole.budget)

    def fill(self, say: Say) -> Tensor:
        """Fill the wide holes with patches, or smoothly where these do not belong there."""
        filling = self.whole
        if bool(filling.wide.any()):
            filling.patches(say)
        if bool((self.wide & ~filling.known).any()):
            smooth = first_guess(Mask(filling.known.to(filling.y.dtype)), filling.y)
            known = filling.known | self.wide
            filling.go_by(torch.where(filling.known, filling.y, smooth), known)
        return filling.y

    def tiles(self, budget: Budget) -> InTiles:
        """Learn from the windows that have most holes, and restore all tiles."""
        y, known = self.whole.y, self.whole.known
        windows = windows_with_holes(known)
        part = torch.cat([y[:, *w] for w in windows], -1)
        there = torch.cat([known[w] for w in windows], -1)
        filling = Filling(self.beginning.part(part, ~there), self.settings, learning_budget(budget))
        filling.wide = torch.zeros_like(there)
        return InTiles(LearningToFill(filling), y, self.side, known)

    def latest(self, estimates: list[Tensor]) -> Tensor:
        """Give the last stage's picture."""
        return estimates[-1] if estimates else self.beginning.whole


def windows_with_holes(known: Tensor, side: int = PART, count: int = PARTS**2) -> list[Window]:
    """Give `count` windows or fewer of `known` (H, W), of one size, that have most holes to learn from."""
    height, width = (min(side, length) for length in known.shape)
    places = []
    for top in range(0, known.shape[0] - height + 1, height):
        for left in range(0, known.shape[1] - width + 1, width):
            window = (slice(top, top + height), slice(left, left + width))
            missing = float((~known[window]).float().mean())
            # What is nearly all hole comes last; it is taken where there is nothing else.
            places.append((missing if missing <= MOST_MISSING else -missing, window))
    best = sorted(places, key=lambda place: -place[0])[:count]
    return [window for _, window in best]


def best_filling(
    beginning: Beginning, settings: FitSettings, side: int | None, wrong: Wrong | None = None
) -> tuple[Filling, RunningFit]:
    """Give the filling of a picture, and its fit: of the whole, or in tiles of `side`² pixels."""
    if side is None:
        filling = Filling(beginning, settings, wrong=wrong)
        return filling, filling.fit()
    in_tiles = FillingInTiles(beginning, settings, side, wrong)
    return in_tiles.whole, in_tiles.fit()
