"""Inpainting: y = M x, and the pixels outside the mask M are missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.recipes import INPAINT, Choice, choose
from chnorm_cli.fitting.settings import Fit, FitSettings
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.noise.law import Law
from chnorm_cli.noise.level import Level
from chnorm_cli.noise.names import Faults, Kind
from chnorm_cli.problems.jpeg import Jpeg
from chnorm_cli.problems.operators import Mask
from chnorm_cli.problems.problem import Problem
from chnorm_cli.restoration.beginning import Beginning, Said, begin
from chnorm_cli.restoration.by_prior import PriorTiles, prior_restoration
from chnorm_cli.restoration.common import (
    NO_MAP,
    Pixels,
    answered,
    observation,
    of_one_colour,
    unit_sigma,
    with_time_for_map,
)
from chnorm_cli.restoration.compressed import artefacts_in
from chnorm_cli.restoration.errors import KnownErrors
from chnorm_cli.restoration.hole_errors import HoleErrors
from chnorm_cli.restoration.restoration import Restoration
from chnorm_cli.restoration.tiles.learning import NO_MAP_IN_TILES, best_filling
from chnorm_cli.restoration.tiles.tile_work import FitPrior
from chnorm_cli.restoration.tiles.tiling import tiling_of

COMPRESSED = (
    "the picture is {}: its observed pixels stay as they are, the holes are filled from what is"
    " clean of its artefacts, and --clean gives all pixels so"
)
CLEANED = "the picture is {}, and its artefacts were taken out"
LEFT = (
    "the observed pixels are noisy ({}) and stay as they are; the holes are filled from what is"
    " clean of it, and --clean gives all pixels so"
)

STAY = (
    "{} were found and stay in the observed pixels; the holes are filled without them, and --clean"
    " takes them out of all"
)


def prepare_inpaint(
    pixels: Pixels,
    missing: np.ndarray[Any, np.dtype[np.bool_]],
    *,
    sigma: float | None = None,
    level: Level | None = None,
    noise: str = Kind.AUTO,
    strength: float = 1.0,
    bad_pixels: str = Faults.AUTO,
    banding: str = Faults.AUTO,
    clean: bool | None = None,
    jpeg: Jpeg | None = None,
    law: Law | None = None,
    settings: FitSettings | None = None,
    uncertainty: bool = False,
) -> Restoration:
    """Prepare to fill the pixels where `missing` (H, W) is true.

    What is said of the noise means the same as in `prepare_denoise`, and the holes are filled from
    what is clean of it. Observed pixels that are not bad are kept bit for bit unless the answer is
    to be `clean`; None makes it so where `sigma` or `level` says that they are noisy. So it is with
    a JPEG, of which `jpeg` says what its file knows, and its artefacts.
    `uncertainty` asks for a map of the errors too.
    """
    said = Said(sigma, level, noise, strength, bad_pixels, banding)
    settings = settings or FitSettings()
    clock = Budget(0, None, settings.time)
    if uncertainty:
        settings = with_time_for_map(settings)
    y = observation(pixels, settings)
    missing = np.asarray(missing, dtype=bool)
    if missing.ndim != 2:
        raise ValueError(f"the mask must be (H, W), not of shape {missing.shape}")
    if missing.shape != tuple(y.shape[1:]):
        raise ValueError(
            f"the mask is {missing.shape[1]}×{missing.shape[0]} pixels and the picture"
            f" {y.shape[2]}×{y.shape[1]}; both must be of one size"
        )
    if missing.all():
        raise ValueError("the mask marks every pixel as missing, so there is nothing to fill from")
    choice = choose(settings, default=Fit.RECORRUPT, recorrupt=INPAINT)
    known = torch.from_numpy(~missing).to(y.device)
    if not missing.any():
        return Restoration(
            None,
            settings=settings,
            choice=choice,
            problem=Problem(y, Mask(known.to(y.dtype))),
            untouched=Outcome.NOTHING_MISSING,
            notes=("the mask marks no pixel as missing, and the picture is left as it is",),
            errors=KnownErrors(torch.full_like(y[0], unit_sigma(sigma) or 0.0)),
            uncertainty=uncertainty,
        )
    colour = of_one_colour(y, known)
    if colour is not None:
        unknown = KnownErrors(torch.where(known, 0.0, torch.nan))
        return answered(
            colour.expand_as(y),
            Outcome.ONE_COLOUR,
            choice,
            settings,
            errors=unknown,
            uncertainty=uncertainty,
        )
    beginning = begin(y, said, ~known, sure=True, told=law)
    tiling = tiling_of(y, settings)
    wrong = None if choice.fit is Fit.PRIOR else artefacts_in(jpeg, beginning, tiling.tile)
    if wrong is not None:
        beginning = replace(beginning, told=beginning.law, decided=False)
    law = beginning.removed
    cleaned = said.level_given if clean is None else clean
    clean = (law is not None or wrong is not None) and cleaned
    notes = list(beginning.notes)
    if beginning.banding is not None and not cleaned:
        notes[-1] = STAY.format(beginning.banding.sentence())
    if wrong is not None:
        notes.append((CLEANED if clean else COMPRESSED).format(wrong.jpeg.compression.sentence()))
    if law is not None and not clean:
        notes.append(LEFT.format(law.sentence()))
    if choice.fit is Fit.PRIOR:
        if uncertainty:
            raise ValueError(NO_MAP)
        return _by_prior(beginning, choice, settings, notes, clean=clean, as_given=not cleaned)
    if uncertainty and tiling.tile is not None:
        raise ValueError(NO_MAP_IN_TILES)
    filling, fit = best_filling(beginning, settings, tiling.tile, wrong)
    filling.notes[:] = notes
    errors = HoleErrors(filling, settings.seed, clock.in_time, clean)
    return Restoration(
        fit,
        settings=settings,
        choice=choice,
        problem=filling.problem,
        network=filling.network,
        recipe=choice.recorrupt,
        notes=filling.notes,
        law=law,
        law_found=law is not None and not said.level_given,
        restored=lambda x: beginning.finished(x, clean=clean, as_given=not cleaned),
        bad=beginning.bad,
        banding=beginning.banding,
        jpeg=None if wrong is None else wrong.jpeg.beside(~known),
        errors=None if tiling.tile is not None else errors,
        tiling=tiling,
        uncertainty=uncertainty,
    )


def _by_prior(
    beginning: Beginning,
    choice: Choice,
    settings: FitSettings,
    notes: list[str],
    *,
    clean: bool,
    as_given: bool,
) -> Restoration:
    """Put a `prior` fit together, which sees the known pixels where their noise is white."""
    law, whole, tiling = beginning.removed, beginning.whole, tiling_of(beginning.y, settings)
    tiles = None
    if tiling.tile is not None:
        work = FitPrior(law and replace(law, flat=None), choice, settings, masked=True)
        tiles = PriorTiles(work, whole, tiling, beginning.known)
    mask = Mask(beginning.known.to(whole.dtype))
    if law is None:
        problem = Problem(mask.forward(whole), mask)
    else:
        problem = Problem(mask.forward(law.whitened(whole)), mask, law.noise)
    return prior_restoration(
        problem,
        choice,
        settings,
        law=law,
        law_found=law is not None and not beginning.said.level_given,
        restored=lambda z: beginning.finished(
            z if law is None or tiles is not None else law.restored(z, whole),
            clean=clean,
            as_given=as_given,
        ),
        notes=notes,
        bad=beginning.bad,
        banding=beginning.banding,
        tiles=tiles,
    )
