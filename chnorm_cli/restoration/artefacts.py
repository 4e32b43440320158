"""Taking the artefacts of its compression out of a picture: y = x after JPEG."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from chnorm_cli.classical.artefacts import Errors, compression_errors, without_artefacts
from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.recipes import Choice
from chnorm_cli.fitting.settings import FitSettings
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.fitting.stages import Direct
from chnorm_cli.noise.law import Law
from chnorm_cli.problems.jpeg import Jpeg
from chnorm_cli.problems.operators import Identity
from chnorm_cli.problems.problem import Problem
from chnorm_cli.restoration.restoration import Restoration

FOUND = "{}: its artefacts were taken out, and the file could have been made from the result"
LEAST = 0.4 / 255  # error of luma; below, 8 bits hide the artefacts
NOISIER = 1.25  # times the error: what is stronger is noise that went through the compression


def errors_that_matter(y: Tensor, jpeg: Jpeg | None, law: Law) -> Errors | None:
    """Give the errors of the compression of y (C, H, W) where they matter and noise does not."""
    if jpeg is None or min(y.shape[1:]) < 2:
        return None
    errors = compression_errors(y, jpeg.compression)
    noisy = law.doubt is None and law.noise.sigma > 0 and law.sigma > NOISIER * errors.luma
    return None if noisy or errors.luma < LEAST else errors


def prepare_artefacts(
    y: Tensor, jpeg: Jpeg, errors: Errors, choice: Choice, settings: FitSettings
) -> Restoration:
    """Prepare to take the artefacts out of y (C, H, W): the answer lies in the cells of `jpeg`."""
    budget = Budget(1, settings.steps, settings.time)

    def make(say: Callable[[str], None]) -> Tensor:
        return without_artefacts(y, jpeg, errors, say=say, go_on=budget.in_time)

    return Restoration(
        Direct(make, budget, Outcome.CELLS),
        settings=settings,
        choice=choice,
        problem=Problem(y, Identity((y.shape[1], y.shape[2]))),
        jpeg=jpeg,
        notes=(FOUND.format(jpeg.compression.sentence()),),
    )
