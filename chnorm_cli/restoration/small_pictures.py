"""A small JPEG, whose artefacts are taken out before it is enlarged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from chnorm_cli.classical.artefacts import CompressionErrors, without_artefacts
from chnorm_cli.noise.names import Kind
from chnorm_cli.problems.jpeg import Jpeg
from chnorm_cli.problems.names import Say
from chnorm_cli.restoration.artefacts import errors_that_matter
from chnorm_cli.restoration.beginning import Beginning

MENDED = "the small picture is {}, and the enlarged one explains it without its artefacts"


@dataclass(frozen=True)
class SmallJpeg:
    """What the file of a small picture says, and how far it is from the picture that was compressed."""

    jpeg: Jpeg
    errors: CompressionErrors

    @property
    def note(self) -> str:
        """What a person should know."""
        return MENDED.format(self.jpeg.compression.sentence())

    def cleaned(self, y: Tensor, say: Say, go_on: Callable[[], bool]) -> Tensor:
        """Give y (C, h, w) without artefacts."""
        return without_artefacts(y, self.jpeg, self.errors, say=say, go_on=go_on)


def artefacts_in(jpeg: Jpeg | None, beginning: Beginning) -> SmallJpeg | None:
    """Give what is to be taken out of a JPEG; None where it is little, or noise or faults come first."""
    said = beginning.said
    spoken = said.level_given or said.noise != Kind.AUTO or said.strength == 0
    if jpeg is None or spoken or beginning.holes is not None or beginning.banding is not None:
        return None
    errors = errors_that_matter(beginning.y, jpeg, beginning.law)
    return None if errors is None else SmallJpeg(jpeg.to(beginning.y.device), errors)
