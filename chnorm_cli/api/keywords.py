"""Keywords of the three tasks that say how to fit."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from chnorm_cli.fitting.settings import Effort, Fit, FitSettings

Kinds = TypeVar("Kinds", bound=StrEnum)


def fit_settings(
    settings: FitSettings | None,
    effort: str,
    fit: str,
    steps: int | None,
    time: float | None,
    device: str,
    seed: int,
    threads: int | None,
) -> FitSettings:
    """Put the keywords of a fit together, or take the settings that stand for them."""
    said = FitSettings(
        fit=_choice(Fit, "fit", fit),
        effort=_choice(Effort, "effort", effort),
        steps=steps,
        time=time,
        device=device,
        seed=seed,
        threads=threads,
    )
    if settings is not None and said != FitSettings():
        raise ValueError("give settings, or effort, fit, steps, time, device, seed and threads")
    return settings or said


def _choice(kinds: type[Kinds], name: str, value: str) -> Kinds:
    if value not in list(kinds):
        raise ValueError(f"{name} must be one of {', '.join(kinds)}, not {value!r}")
    return kinds(value)
