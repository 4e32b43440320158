"""Learning to fill the holes of a picture that is restored in tiles by others: from windows with holes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.recipes import INPAINT, choose
from chnorm_cli.fitting.settings import Fit, FitSettings
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.noise.finding import WINDOW, WINDOWS
from chnorm_cli.noise.law import Law
from chnorm_cli.noise.names import Faults
from chnorm_cli.noise.sampling import Window, mosaic
from chnorm_cli.restoration.beginning import Said, begin
from chnorm_cli.restoration.common import Pixels, observation
from chnorm_cli.restoration.compressed import artefacts_in
from chnorm_cli.restoration.filling import WIDE, Filling
from chnorm_cli.restoration.inpaint import CLEANED, COMPRESSED, LEFT
from chnorm_cli.restoration.planes import Holes
from chnorm_cli.restoration.restoration import Restoration
from chnorm_cli.restoration.tiles.from_parts import FAULTS, Lesson, Parts, WithoutFit
from chnorm_cli.restoration.tiles.learning import FillingInTiles, LearningToFill, windows_with_holes
from chnorm_cli.restoration.tiles.tile_work import FitPrior, TileWork
from chnorm_cli.restoration.tiles.tile_wrappers import KeepObserved
from chnorm_cli.restoration.tiles.tiled import learning_budget
from chnorm_cli.restoration.tiles.tiling import SIDE, Tiling

SMOOTH = "wide holes are filled smoothly: a picture of this size is seen in windows only"


def wide_holes_filled(
    pixels: Pixels, missing: Holes, said: Said, settings: FitSettings
) -> tuple[Pixels, Holes, tuple[str, ...]]:
    """Fill the wide holes of a picture (H, W, C) that is held, as `prepare_inpaint` does in tiles.

    Give it with what is still missing (H, W), and what a person should know of it.
    """
    y = observation(pixels, settings)
    holes = torch.from_numpy(missing).to(y.device)
    beginning = begin(y, replace(said, banding=Faults.OFF), holes, sure=True)
    filling = FillingInTiles(beginning, settings, SIDE)
    if not bool(filling.wide.any()):
        return pixels, missing, ()
    filled = filling.fill(lambda _: None).movedim(0, -1).contiguous().cpu().numpy()
    new = [note for note in filling.whole.notes if note not in beginning.notes]
    still = (~filling.whole.known).cpu().numpy()
    # What was observed stays as it is, also where it is to be filled as a bad pixel.
    return np.where((missing & ~still)[..., None], filled, pixels), still, tuple(new)


def learn_to_fill(
    parts: Parts,
    missing: Holes,
    said: Said,
    settings: FitSettings,
    tiling: Tiling,
    *,
    clean: bool | None = None,
    wide: bool = False,
    told: Law | None = None,
) -> Lesson:
    """Prepare to learn how the pixels where `missing` (H, W) is true are filled.

    `clean` is as in `prepare_inpaint`, which says what is raised. With `wide` there may be holes that are too
    wide to learn from; they are filled smoothly.
    """
    said = replace(said, banding=Faults.OFF)

    def holes(window: Window) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(missing[window]))[None]

    sample = parts.spread(settings, WINDOW, WINDOWS)
    gone = mosaic(holes, parts.size, WINDOW, WINDOWS)[0].to(sample.device)
    choice = choose(settings, default=Fit.RECORRUPT, recorrupt=INPAINT)
    beginning = begin(sample, said, gone, sure=True, told=told)
    bad = beginning.bad is not None
    wrong = None
    if parts.jpeg is not None and choice.fit is not Fit.PRIOR:
        whole = replace(beginning, y=parts.whole(settings), missing=None, told=beginning.law)
        wrong = artefacts_in(parts.jpeg, whole)
    law = None if wrong is not None else beginning.removed
    cleaned = said.level_given if clean is None else clean
    cleaned = cleaned and (law is not None or wrong is not None)
    notes = [FAULTS] if bad else []
    if wrong is not None:
        notes.append((CLEANED if cleaned else COMPRESSED).format(wrong.jpeg.compression.sentence()))
    if law is not None and not cleaned:
        notes.append(LEFT.format(law.sentence()))
    if wide:
        notes.append(SMOOTH)
    share = min(1.0, said.strength) if cleaned else 0.0

    def finished(work: TileWork) -> TileWork:
        return KeepObserved(work, share, bad, WIDE if wide else None)

    windows = windows_with_holes(torch.from_numpy(~missing))
    part = torch.cat([parts.window(settings, w) for w in windows], -1)
    there = ~torch.cat([holes(w)[0] for w in windows], -1).to(part.device)
    known = WithoutFit(part, settings, choice, tiling, notes, not said.level_given)
    if choice.fit is Fit.PRIOR:
        by_prior = FitPrior(law and replace(law, flat=None), choice, settings, masked=True)
        return known.lesson(Outcome.STEPS, finished(by_prior), (), law, keeps=share == 0)
    begun = replace(beginning, decided=False) if wrong is not None else beginning
    budget = learning_budget(Budget(choice.recorrupt.steps, settings.steps, settings.time))
    filling = Filling(begun.part(part, ~there), settings, budget)
    filling.wide = torch.zeros_like(there)
    learning = LearningToFill(filling)

    def learnt() -> TileWork:
        work = learning.work()
        if wrong is not None:
            work = replace(work, clean=parts.uncompress(wrong, said.strength))
        return finished(work)

    restoration = Restoration(
        learning.fit,
        settings=settings,
        choice=choice,
        problem=filling.problem,
        network=filling.network,
        recipe=choice.recorrupt,
        tiling=tiling,
        law=law,
        law_found=law is not None and not said.level_given,
        notes=[*notes, *filling.notes],
    )
    return Lesson(restoration, learnt, learning.tile_seconds, keeps=share == 0)
