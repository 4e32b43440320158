"""What `auto` means: the measured settings for each task and effort (docs/design-notes.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from chnorm_cli.classical.passes import DETAIL, FIRST, SECOND, SIMILAR, THIRD
from chnorm_cli.fitting.learnt import SYMMETRIES
from chnorm_cli.fitting.prior import PriorRecipe
from chnorm_cli.fitting.recorrupt import RecorruptRecipe
from chnorm_cli.fitting.settings import (
    Effort,
    Fit,
    FitSettings,
    GeneratorName,
    NormalizationPlace,
)
from chnorm_cli.generators.spec import DEFAULT_WIDTHS, GeneratorSpec

RECORRUPT = {
    Effort.FAST: RecorruptRecipe(
        steps=10,
        copies=1,
        symmetries=1,
        passes=(
            replace(FIRST, stride=7, gray_stride=8),
            replace(SECOND, neighbours=40, stride=7),
            replace(THIRD, gray_stride=5),
        ),
        polish=(replace(DETAIL, neighbours=48, stride=4, gray_stride=5),),
        strengths=(12.0, 8.0, 5.0),
    ),
    Effort.NORMAL: RecorruptRecipe(
        steps=600,
        copies=4,
        passes=(replace(FIRST, stride=6), replace(SECOND, stride=7), THIRD),
        polish=(SIMILAR, DETAIL, DETAIL),
        trials=4,
        strengths=(16.0, 14.0, 12.0, 10.0, 9.0, 8.0, 7.0, 6.0),
    ),
    Effort.BEST: RecorruptRecipe(
        steps=1400,
        copies=6,
        polish=(SIMILAR, DETAIL, DETAIL),
        trials=4,
        strengths=(16.0, 14.0, 12.0, 10.0, 9.0, 8.0, 7.0, 6.0),
    ),
}

# Gray pictures gain nothing from the longer fit of `best`. They have the fit of `normal`, and then
# one of its answer and of dead leaves, without a first guess. (In colour that gains no more.)
GRAY_TWICE = (
    RECORRUPT[Effort.NORMAL],
    RecorruptRecipe(
        steps=2000,
        adam_lr=3e-3,
        muon_lr=0.02,  # twice as far as Adam after the same number of steps
        decay_share=0.4,
        warmup=50,
        average=0.995,
        widths=(48, 64, 96, 128),
        drawings=150,
    ),
)

# Undoing one more compression; `fast` does without.
UNCOMPRESS = {
    Effort.NORMAL: replace(RECORRUPT[Effort.NORMAL], steps=300, passes=(), polish=(), trials=0),
    Effort.BEST: replace(RECORRUPT[Effort.BEST], steps=600, passes=(), polish=(), trials=0),
}

PRIOR_STEPS = {Effort.FAST: 400, Effort.NORMAL: 2000, Effort.BEST: 6000}


INPAINT = {
    Effort.FAST: replace(
        RECORRUPT[Effort.FAST],
        steps=100,
        copies=3,
        symmetries=SYMMETRIES,
        polish=(),
        tile=256,
        iterations=24,
        enough=0.003,  # with few iterations, on to the weaker ones sooner
    ),
    Effort.NORMAL: replace(
        RECORRUPT[Effort.NORMAL], steps=600, copies=6, polish=(), tile=256, iterations=60
    ),
    Effort.BEST: replace(RECORRUPT[Effort.BEST], copies=12, polish=(), tile=256, iterations=90),
}


@dataclass(frozen=True)
class SuperresRecipe:
    """Super-resolution: recorrupt in steps of ×2, the prior from several seeds, and their mean."""

    recorrupt: RecorruptRecipe
    prior: PriorRecipe
    priors: int
    first_shrinks: tuple[float, ...] = (1.0, 0.9, 0.8, 0.7, 0.6)
    later_shrinks: tuple[float, ...] = (1.0, 0.8)
    # Of the plug-and-play iterations, 0–255 scale; those of one strength have momentum.
    strengths: tuple[float, ...] = (15.0,) * 6 + (10.0,) * 6 + (7.0,) * 5
    # Of another U-Net for the last step: descended with Muon it errs differently.
    second_muon_lr: float | None = None
    # The prior's cost grows with the enlarged picture. On a CPU, fewer priors share this many
    # pixels, and beyond `most_pixels` even one would take many minutes.
    prior_pixels: int = 300_000
    most_pixels: int = 1_500_000

    def priors_for(self, pixels: int) -> int:
        """Give the number of prior fits that a picture of so many pixels can afford on a CPU."""
        if pixels > self.most_pixels:
            return 0
        return min(self.priors, max(1, self.prior_pixels // pixels))


SUPERRES = {
    Effort.FAST: SuperresRecipe(
        RecorruptRecipe(steps=120, crop=48, tile=144),
        PriorRecipe(steps=80, muon_lr=0.01, decay_share=0.5),
        priors=0,
        strengths=(15.0, 15.0, 15.0, 10.0),
    ),
    Effort.NORMAL: SuperresRecipe(
        RecorruptRecipe(steps=300, crop=48, tile=144),
        PriorRecipe(steps=150, muon_lr=0.01, decay_share=0.5),
        priors=2,
    ),
    Effort.BEST: SuperresRecipe(
        RecorruptRecipe(steps=600, crop=48, tile=144, widths=(32, 40, 56, 72)),
        PriorRecipe(steps=200, muon_lr=0.01, decay_share=0.5),
        priors=4,
        prior_pixels=1_200_000,
        strengths=(15.0,) * 10 + (10.0,) * 10 + (7.0,) * 8 + (5.0,) * 6,
    ),
}

# The prior only costs at ×2 (−0.3 dB, 3× the time). An ×2 picture is nearly right, so that the noise
# that plug-and-play takes to be in it may be less.
DOUBLE = {
    Effort.FAST: replace(SUPERRES[Effort.FAST], strengths=(10.0, 10.0, 6.0, 6.0)),
    Effort.NORMAL: replace(
        SUPERRES[Effort.NORMAL], strengths=(10.0,) * 4 + (6.0,) * 4, second_muon_lr=0.02
    ),
    Effort.BEST: replace(
        SUPERRES[Effort.BEST],
        strengths=(10.0,) * 4 + (6.0,) * 4 + (4.0,) * 4,
        second_muon_lr=0.02,
    ),
}

# Per architecture; the shape of the hourglass and its jitter are the authors'.
PRIOR = {
    GeneratorName.DECODER: PriorRecipe(steps=2000),
    GeneratorName.DEEP_DECODER: PriorRecipe(steps=2000),
    GeneratorName.HOURGLASS: PriorRecipe(
        # Muon does in 300 steps what Adam does in thousands, and then fits the noise at once: the
        # weights that the split check chose are better (30.07 dB) than any refit of them (29.82).
        steps=2000,
        muon_lr=0.01,
        jitter=1 / 30,
        refit=0.0,
    ),
}


Recipe = RecorruptRecipe | PriorRecipe | SuperresRecipe


@dataclass(frozen=True)
class Choice:
    """The fit, generator and numbers that a restoration runs with."""

    fit: Fit
    generator: GeneratorSpec
    recorrupt: RecorruptRecipe
    prior: PriorRecipe


def choose(
    settings: FitSettings,
    *,
    default: Fit,
    staged: bool = False,
    recorrupt: Mapping[Effort, RecorruptRecipe] = RECORRUPT,
) -> Choice:
    """Resolve every `auto` in the settings; raise `ValueError` for a pair that cannot work.

    `default` is what the task measured best with; `staged` says that it can run both fits.
    """
    name = settings.generator
    fit = settings.fit
    if fit is Fit.AUTO:
        # A generator that is asked for by name decides the fit it is made for.
        fit = default if name is GeneratorName.AUTO else _fit_for(name)
    if name is GeneratorName.AUTO:
        name = GeneratorName.DECODER if fit is Fit.PRIOR else GeneratorName.UNET
    if fit is Fit.BOTH and not staged:
        raise ValueError("fit both is for super-resolution; choose recorrupt or prior here")
    if fit is not Fit.BOTH and _fit_for(name) is not fit:
        raise ValueError(
            f"generator {name} does not go with fit {fit}: recorrupt learns an image-to-image map"
            " (unet), prior a picture from random input (decoder, deep-decoder, hourglass)"
        )
    widths = (
        recorrupt[settings.effort].widths if name is GeneratorName.UNET else DEFAULT_WIDTHS[name]
    )
    prior = PRIOR.get(name, PRIOR[GeneratorName.DECODER])
    return Choice(
        fit,
        GeneratorSpec(name, widths, settings.normalization, _place(name, settings)),
        recorrupt[settings.effort],
        replace(prior, steps=PRIOR_STEPS[settings.effort]),
    )


def _place(name: GeneratorName, settings: FitSettings) -> NormalizationPlace:
    if settings.normalization_place is not NormalizationPlace.AUTO:
        return settings.normalization_place
    before = name is GeneratorName.HOURGLASS  # the deep image prior; the paper's code has it after
    return NormalizationPlace.BEFORE if before else NormalizationPlace.AFTER


def _fit_for(name: GeneratorName) -> Fit:
    return Fit.RECORRUPT if name is GeneratorName.UNET else Fit.PRIOR
