"""What a run was asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measuring.pictures import CHECKOUT, Source
from benchmarks.measuring.rows import Row
from chnorm_cli.fitting.settings import Effort, Fit, FitSettings, GeneratorName


@dataclass(frozen=True)
class Options:
    """The command line, parsed; the defaults are those of a plain run."""

    source: Source = field(default_factory=Source)
    efforts: tuple[Effort, ...] = (Effort.NORMAL,)
    sigmas: tuple[float, ...] = (25.0,)
    real: bool = False
    missing: tuple[float, ...] = ()
    discs: tuple[int, ...] = ()
    masks: bool = False
    scales: tuple[int, ...] = (4,)
    enlarged: tuple[int, ...] = ()
    qualities: tuple[int, ...] = (10, 20, 30, 50, 80)
    noisy: tuple[float, ...] = ()
    laws: tuple[str, ...] = ()
    peers: tuple[str, ...] | None = None
    peer_paths: Mapping[str, Path] = field(default_factory=dict)
    peer_time: float | None = None
    fit: Fit = Fit.AUTO
    generator: GeneratorName = GeneratorName.AUTO
    steps: int | None = None
    time: float | None = None
    device: str = "cpu"
    threads: int = 1
    repeat: int = 1
    every: float = 2.0
    save: Path = CHECKOUT / "out" / "benchmarks"
    wants: Callable[[Row], bool] = lambda row: True  # whether a cell is to be measured
    dry: bool = False  # say what would be measured, and measure nothing

    def wants_law(self, setting: str, all_settings: Collection[str] = ()) -> bool:
        """Tell whether a setting of noise is measured: all are, or those that are named in part.

        Who names one whole means no other that begins so.
        """
        parts = [law for law in self.laws if law not in all_settings]
        return not self.laws or setting in self.laws or any(law in setting for law in parts)

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
