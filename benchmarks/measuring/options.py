"""What a run was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.measuring.pictures import Source
from chnorm_cli.fitting.settings import Effort, Fit, FitSettings, GeneratorName


@dataclass(frozen=True)
class Options:
    """The command line, parsed."""

    source: Source
    efforts: tuple[Effort, ...]
    sigmas: tuple[float, ...]
    real: bool
    missing: tuple[float, ...]
    discs: tuple[int, ...]
    masks: bool
    scales: tuple[int, ...]
    qualities: tuple[int, ...]
    noisy: tuple[float, ...]
    laws: tuple[str, ...]
    peers: tuple[str, ...] | None
    peer_time: float | None
    fit: Fit
    generator: GeneratorName
    steps: int | None
    time: float | None
    device: str
    threads: int
    repeat: int
    every: float
    save: Path

    def wants_law(self, setting: str) -> bool:
        """Tell whether a setting of noise is measured: all are, or those that are named in part."""
        return not self.laws or any(law in setting for law in self.laws)

    def settings(self, effort: Effort) -> FitSettings:
        """Give the settings of ours."""
        return FitSettings(
            fit=self.fit,
            effort=effort,
            generator=self.generator,
            steps=self.steps,
            time=self.time,
            device=self.device,
            threads=self.threads,
        )

    def label(self, effort: Effort) -> str:
        """Name an effort; what is not the default settings must not pass for them."""
        parts = [str(effort)]
        parts += [str(self.fit)] if self.fit is not Fit.AUTO else []
        parts += [str(self.generator)] if self.generator is not GeneratorName.AUTO else []
        parts += [f"{self.steps} steps"] if self.steps else []
        parts += [f"{self.time:g} s"] if self.time else []
        return ", ".join(parts)

    def wants_peer(self, name: str, *, unasked: bool = True) -> bool:
        """Tell whether a peer takes part; `unasked` says whether it does without being named."""
        return unasked if self.peers is None else name in self.peers
