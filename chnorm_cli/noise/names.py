"""The words for kinds of noise, free of torch so that the command line can list them."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """How the strength of the noise follows the brightness."""

    AUTO = "auto"
    GAUSSIAN = "gaussian"  # the same everywhere
    POISSON = "poisson"  # counts: the variance grows with the brightness
    POISSON_GAUSSIAN = "poisson-gaussian"  # counts, and the noise of reading them
    SPECKLE = "speckle"  # a share of the brightness
    MIXED = "mixed"  # all of them
    FREE = "free"  # as it is measured, as after a tone curve


class Faults(StrEnum):
    """Whether bad pixels are looked for."""

    AUTO = "auto"
    OFF = "off"


class Doubt(StrEnum):
    """Why noise is not removed although a picture is not smooth."""

    CLEAN = "clean"
    TEXTURE = "texture"  # what varies from pixel to pixel may be the picture's own
    DITHER = "dither"
    STROKES = "strokes"  # flat areas and edges only: a drawing, text, a screenshot

    @property
    def sentence(self) -> str:
        """What a person should know."""
        return {
            Doubt.CLEAN: "no noise of a kind that chnorm removes was found",
            Doubt.TEXTURE: "what varies from pixel to pixel looks like texture and cannot be told from noise",
            Doubt.DITHER: "its dots are dither, a drawing or a halftone, not noise",
            Doubt.STROKES: "it is made of flat areas and sharp strokes, and nothing in it looks like noise",
        }[self]
