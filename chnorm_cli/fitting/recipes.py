"""What `auto` means: the measured settings for each task and effort (benchmarks/README.md)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chnorm_cli.fitting.prior import PriorRecipe
from chnorm_cli.fitting.recorrupt import RecorruptRecipe
from chnorm_cli.fitting.settings import Effort, Fit, FitSettings, GeneratorName
from chnorm_cli.generators.spec import DEFAULT_WIDTHS, GeneratorSpec
from chnorm_cli.problems.nonlocal_ridge import FIRST, SECOND

RECORRUPT = {
    Effort.FAST: RecorruptRecipe(
        steps=60,
        copies=1,
        passes=(replace(FIRST, stride=6), replace(SECOND, stride=5)),
        strengths=(12.0, 8.0, 5.0),
    ),
    Effort.NORMAL: RecorruptRecipe(
        steps=700,
        copies=4,
        passes=(replace(FIRST, stride=5), replace(SECOND, stride=5)),
        strengths=(16.0, 14.0, 12.0, 10.0, 9.0, 8.0, 7.0, 6.0),
    ),
    Effort.BEST: RecorruptRecipe(
        steps=2500,
        copies=8,
        widths=(32, 48, 64, 96),
        passes=(FIRST, SECOND, replace(SECOND, neighbours=80)),
        strengths=(20.0, 18.0, 16.0, 15.0, 14.0, 13.0, 12.0, 11.0, 10.0, 9.0, 8.0, 7.0, 6.0, 5.0),
    ),
}

PRIOR_STEPS = {Effort.FAST: 400, Effort.NORMAL: 2000, Effort.BEST: 6000}

# The learning rate of the authors, per architecture; the hourglass is theirs, Adam and jitter too.
PRIOR = {
    GeneratorName.DECODER: PriorRecipe(steps=2000),
    GeneratorName.DEEP_DECODER: PriorRecipe(steps=2000),
    GeneratorName.HOURGLASS: PriorRecipe(
        steps=2000, adam_lr=0.01, muon_lr=None, jitter=1 / 30, average=0.99
    ),
}


@dataclass(frozen=True)
class Choice:
    """The fit, generator and numbers that a restoration runs with."""

    fit: Fit
    generator: GeneratorSpec
    recorrupt: RecorruptRecipe
    prior: PriorRecipe


def choose(settings: FitSettings, *, default: Fit) -> Choice:
    """Resolve every `auto` in the settings; raise `ValueError` for a pair that cannot work."""
    name = settings.generator
    fit = settings.fit
    if fit is Fit.AUTO:
        # A generator that is asked for by name decides the fit it is made for.
        fit = default if name is GeneratorName.AUTO else _fit_for(name)
    if name is GeneratorName.AUTO:
        name = GeneratorName.UNET if fit is Fit.RECORRUPT else GeneratorName.DECODER
    if _fit_for(name) is not fit:
        raise ValueError(
            f"generator {name} does not go with fit {fit}: recorrupt learns an image-to-image map"
            " (unet), prior a picture from random input (decoder, deep-decoder, hourglass)"
        )
    recorrupt = RECORRUPT[settings.effort]
    widths = recorrupt.widths if name is GeneratorName.UNET else DEFAULT_WIDTHS[name]
    prior = PRIOR.get(name, PRIOR[GeneratorName.DECODER])
    return Choice(
        fit,
        GeneratorSpec(name, widths, settings.normalization, settings.normalization_place),
        recorrupt,
        replace(prior, steps=PRIOR_STEPS[settings.effort]),
    )


def _fit_for(name: GeneratorName) -> Fit:
    return Fit.RECORRUPT if name is GeneratorName.UNET else Fit.PRIOR
