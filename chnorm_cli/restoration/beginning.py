"""What a restoration begins with: the law of the noise, found or told, and whether it is removed."""

from __future__ import annotations

import torch
from torch import Tensor

from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.noise.finding import find_law
from chnorm_cli.noise.law import Law
from chnorm_cli.noise.level import Level
from chnorm_cli.noise.names import Doubt, Kind
from chnorm_cli.restoration.bootstrap import noise_variance
from chnorm_cli.restoration.common import unit_sigma

MOST_STRENGTH = 1.5


def asked_law(y: Tensor, *, sigma: float | None, level: Level | None, noise: str) -> Law:
    """Find the law of the noise in y (C, H, W), or take the one that is given."""
    if noise not in list(Kind):
        raise ValueError(f"noise must be one of {', '.join(Kind)}, not {noise!r}")
    if sigma is not None and level is not None:
        raise ValueError("give sigma or the numbers of a camera, not both")
    if sigma is not None and noise not in (Kind.AUTO, Kind.GAUSSIAN):
        raise ValueError(f"sigma is a level of gaussian noise, not of {noise}")
    return find_law(y, sigma=unit_sigma(sigma), level=level, kind=Kind(noise))


def left_alone(law: Law, strength: float, *, found: bool) -> tuple[Outcome, tuple[str, ...]] | None:
    """Say why a picture is left as it is, if it is."""
    if strength == 0:
        return Outcome.NOTHING_ASKED, ()
    if not found and law.noise.sigma == 0:
        return Outcome.NOTHING_ASKED, ()
    if law.doubt is None:
        return None
    outcome = Outcome.CLEAN if law.doubt is Doubt.CLEAN else Outcome.NOT_NOISE
    level = f" (σ {255 * law.sigma:.1f} of 255)" if law.doubt is Doubt.CLEAN else ""
    return outcome, (
        f"{law.doubt.sentence}{level}, and the picture is left as it is; give --sigma to denoise"
        " it all the same",
    )


def noise_left(y: Tensor, law: Law) -> Tensor:
    """Give the standard error (H, W) of y (C, H, W) as it is: its noise, NaN where that is in doubt."""
    if law.doubt not in (None, Doubt.CLEAN):
        return torch.full_like(y[0], torch.nan)
    return noise_variance(y, law).sqrt()
