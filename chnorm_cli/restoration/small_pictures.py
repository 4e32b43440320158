"""What is taken out of a small picture before it is enlarged."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from chnorm_cli.classical.artefacts import CompressionErrors
from chnorm_cli.noise.finding import find_law
from chnorm_cli.noise.law import Law
from chnorm_cli.problems.jpeg import Jpeg
from chnorm_cli.restoration.artefacts import errors_that_matter

LEAST_NOISE = 3.0 / 255  # σ from which on a small picture is cleaned before it is enlarged


@dataclass(frozen=True)
class Beginning:
    """What is taken out of a small picture first: noise by its law, or what a JPEG has lost."""

    law: Law | None = None
    jpeg: Jpeg | None = None
    errors: CompressionErrors | None = None


def look_at(y: Tensor, jpeg: Jpeg | None) -> Beginning:
    """Look at a small picture (C, h, w)."""
    law = find_law(y)
    errors = errors_that_matter(y, jpeg, law)
    if jpeg is not None and errors is not None:
        return Beginning(jpeg=jpeg.to(y.device), errors=errors)
    return Beginning(noise_in(law))


def noise_in(law: Law) -> Law | None:
    """Give the noise in a small picture that an enlarged one should not have to explain.

    Noise that neighbours share is not told from fine texture safely enough in so few pixels.
    """
    plain = law.doubt is None and law.noise.kernel is None and law.mixing is None
    return law if plain and law.noise.sigma >= LEAST_NOISE else None
