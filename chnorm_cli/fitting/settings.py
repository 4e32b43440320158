"""What a person may ask of a fit; `None` and `auto` leave the choice to chnorm."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from chnorm_cli.generators.names import GeneratorName, Normalization, NormalizationPlace
from chnorm_cli.problems.names import FirstGuess

LEAST_TILE = 256  # pixels; of smaller ones most is overlap


class Fit(StrEnum):
    """The objective that is minimised over θ (design: two ways to fit, both from the one picture)."""

    AUTO = "auto"
    RECORRUPT = "recorrupt"
    PRIOR = "prior"
    BOTH = "both"  # super-resolution only: the two agree so little in their errors that both help


class Effort(StrEnum):
    """Measured points on the curve of quality against seconds."""

    FAST = "fast"
    NORMAL = "normal"
    BEST = "best"


class Stop(StrEnum):
    """How a `prior` fit finds its end without the truth."""

    AUTO = "auto"  # split check for noise, held-out pixels for the other tasks
    VARIANCE = "variance"  # ES-WMV: needs no noise level, for noise that is not Gaussian
    NONE = "none"  # only --steps and --time


@dataclass(frozen=True)
class FitSettings:
    """Everything that decides the result besides the picture and the problem.

    `steps` and `time` (seconds) bound the fit; `threads` is torch's number of CPU threads.
    The same settings, device and threads give the same bytes.
    """

    fit: Fit = Fit.AUTO
    effort: Effort = Effort.NORMAL
    generator: GeneratorName = GeneratorName.AUTO
    normalization: Normalization = Normalization.CHANNEL
    normalization_place: NormalizationPlace = NormalizationPlace.AUTO
    first_guess: FirstGuess = FirstGuess.AUTO
    stop: Stop = Stop.AUTO
    steps: int | None = None
    time: float | None = None
    device: str = "auto"
    seed: int = 0
    threads: int | None = None
    tile: int | None = (
        None  # pixels, the side of what is restored at once; 0: all, None: as is best
    )

    def __post_init__(self) -> None:
        """Raise `ValueError` with one clear line for values that no fit can use."""
        if self.steps is not None and self.steps < 1:
            raise ValueError(f"steps must be at least 1, not {self.steps}")
        if self.time is not None and not self.time > 0:
            raise ValueError(f"time must be more than 0 seconds, not {self.time}")
        if self.threads is not None and self.threads < 1:
            raise ValueError(f"threads must be at least 1, not {self.threads}")
        if self.tile is not None and self.tile != 0 and self.tile < LEAST_TILE:
            raise ValueError(f"tile must be at least {LEAST_TILE} pixels, or off, not {self.tile}")
        if not -(2**63) <= self.seed < 2**64:
            raise ValueError(f"seed must fit in 64 bits, not {self.seed}")

    def as_dict(self) -> dict[str, Any]:
        """Plain values for the JSON report."""
        return {
            key: str(value) if isinstance(value, StrEnum) else value
            for key, value in asdict(self).items()
        }


__all__ = [
    "Effort",
    "FirstGuess",
    "Fit",
    "FitSettings",
    "GeneratorName",
    "Normalization",
    "NormalizationPlace",
    "Stop",
]
