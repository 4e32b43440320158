"""How wrong a restored picture says that it is, against the truth: calibration and coverage.

    python -m benchmarks.uncertainty denoise --effort fast --keep out/uncertainty

Every second picture calibrates: the factor and the floor of `restoration/bootstrap.py` are the ones under
which its true squared errors are likeliest, for Gaussian errors. What is reported is told of the
other pictures, which took no part. Errors and their maps are kept in a folder, so that a run can be
taken up again; the rows and the numbers found go to `benchmarks/results/uncertainty/`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.measuring.machine import describe_run
from benchmarks.measuring.pictures import CHECKOUT, Pixels, Source, default_folder
from benchmarks.peers import to_tensor
from benchmarks.tasks.noise import Case
from chnorm_cli.commands.reliability import Reliability, reliability
from chnorm_cli.fitting.settings import Effort, FitSettings
from chnorm_cli.restoration import prepare_denoise
from chnorm_cli.restoration.bootstrap import (
    DRAWS,
    Bootstrap,
    Calibration,
    noise_variance,
    smoothed,
    spread,
)

CASES = {
    "σ=5": Case("", read=5),
    "σ=15": Case("", read=15),
    "σ=25": Case("", read=25),
    "σ=50": Case("", read=50),
    "Poisson, peak 30": Case("", gain=1 / 30),
    "camera, blurred 0.7 px": Case("", gain=0.038, read=8, blurred=True),
}
SHOTS = "shot of a camera"
FACTORS, FLOORS = np.arange(0.9, 2.0, 0.05), np.arange(0.0, 0.42, 0.02)
TABLES = CHECKOUT / "benchmarks" / "results" / "uncertainty"


@dataclass(frozen=True)
class Measured:
    """A restored picture with its truth: what the bootstrap says, and the noise, each (H, W)."""

    name: str
    case: str
    calibrates: bool
    difference: np.ndarray  # (H, W, C), of the restored picture from the truth
    spread: np.ndarray  # mean squares of the draws, smoothed
    noise: np.ndarray  # variance of the noise
    risk: float  # of the trials, in units of the noise's variance; NaN if there were none
    seconds: float  # of the restoration
    map_seconds: float

    def error(self, calibration: Calibration) -> np.ndarray:
        """Give the standard errors (H, W)."""
        floor = calibration.floor**2 * self.noise
        return np.sqrt(calibration.factor**2 * self.spread + floor)

    @property
    def squares(self) -> np.ndarray:
        """The true squared errors (H, W), the mean over the colours."""
        return np.square(self.difference).mean(2)


def main() -> int:
    given = _parser().parse_args()
    torch.set_num_threads(given.threads)
    folder = default_folder()
    if folder is None:
        print("the truths are in ../shared/data, which is not there", file=sys.stderr)
        return 1
    source = Source(folder, crop=given.crop)
    measured = []
    for name, case, calibrates, y, truth in pictures(source, given.cases or [*CASES, SHOTS]):
        one = _kept(given, name, case, calibrates, y, truth)
        if one is not None:
            measured.append(one)
            print(
                f"{case}, {name}: restored in {one.seconds:.1f} s, map in {one.map_seconds:.1f} s"
            )
    found = calibrated([m for m in measured if m.calibrates])
    rows = [judged(m, found) for m in measured]
    risk = risk_factor([m for m in measured if m.calibrates])
    run = describe_run("cpu") | {"crop": given.crop, "draws": DRAWS[given.effort]}
    table = {"factor": found.factor, "floor": found.floor, "risk_factor": risk, **run, "rows": rows}
    path = TABLES / f"{given.task}-{given.effort}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n")
    for line in report(table):
        print(line)
    return 0


def pictures(
    source: Source, cases: Sequence[str]
) -> Iterator[tuple[str, str, bool, Pixels, Pixels]]:
    """Give (name, case, whether it calibrates, noisy, truth); shots of cameras never calibrate."""
    truths = sorted(source.pictures("denoise") + source.pictures("superres"))
    for number, (name, truth) in enumerate(truths):
        for words, case in CASES.items():
            if words in cases:
                yield name, words, number % 2 == 0, case.noisy(truth), truth
    if SHOTS in cases:
        for name, y, truth in source.shot():
            yield name, SHOTS, False, y, truth


def measure(
    name: str, case: str, calibrates: bool, y: Pixels, truth: Pixels, effort: Effort
) -> Measured | None:
    """Restore, and spread the restorations of that; None where the picture is left alone."""
    restoration = prepare_denoise(y, settings=FitSettings(effort=effort))
    began = time.process_time()
    for _ in restoration:
        pass
    restored = time.process_time()
    errors = restoration.errors
    if not isinstance(errors, Bootstrap):
        return None
    x = to_tensor(restoration.solution.pixels)
    with torch.no_grad():
        squares = spread(x, errors.law, errors.restorer.restore, draws=DRAWS[effort], seed=0)
    risk = errors.restorer.risk
    return Measured(
        name,
        case,
        calibrates,
        restoration.solution.pixels - truth,
        smoothed(smoothed(squares)).numpy(),
        noise_variance(x, errors.law).numpy(),
        float("nan") if risk is None else risk,
        restored - began,
        time.process_time() - restored,
    )


def calibrated(measured: Sequence[Measured]) -> Calibration:
    """Give the factor and the floor under which the true squared errors are likeliest."""

    def surprise(calibration: Calibration) -> float:
        """Give minus twice the mean logarithm of the likelihood, each picture counting alike."""
        return float(np.mean([_surprise(m, calibration) for m in measured]))

    tried = [Calibration(float(a), float(b)) for a in FACTORS for b in FLOORS]
    return min(tried, key=surprise)


def _surprise(one: Measured, calibration: Calibration) -> float:
    variance = np.square(one.error(calibration)).clip(1e-12)
    return float(np.mean(np.log(variance) + one.squares / variance))


def risk_factor(measured: Sequence[Measured]) -> float | None:
    """Give the factor from the root mean square error of the trials to the true one."""
    ratios = [
        0.5 * np.log(m.squares.mean() / (m.risk * m.noise.mean()))
        for m in measured
        if np.isfinite(m.risk)
    ]
    return float(np.exp(np.mean(ratios))) if ratios else None


def judged(one: Measured, calibration: Calibration) -> dict[str, Any]:
    """Say how the map of one picture did."""
    found: Reliability = reliability(one.difference.astype(float), one.error(calibration))
    return {
        "picture": one.name,
        "case": one.case,
        "calibrates": one.calibrates,
        "within": round(found.within, 4),
        "correlation": None if found.correlation is None else round(found.correlation, 3),
        "deciles": [round(d.true / max(d.told, 1e-9), 3) for d in found.deciles],
        "expected_psnr": round(-20 * np.log10(found.told), 3),
        "psnr": round(-20 * np.log10(found.true), 3),
        "risk_psnr": _decibels(one.risk * float(one.noise.mean())),
        "seconds": round(one.seconds, 2),
        "map_seconds": round(one.map_seconds, 2),
    }


def _decibels(square: float) -> float | None:
    return round(-10 * float(np.log10(square)), 3) if np.isfinite(square) else None


def report(table: dict[str, Any]) -> Iterator[str]:
    """Give the lines of a table by case, of the pictures that took no part in the calibration."""
    yield f"factor {table['factor']:.2f}, floor {table['floor']:.2f} σ, of the trials {table['risk_factor']}"
    yield "| case | pictures | within 1.96 e | worst, best | deciles, true over told | correlation, least | PSNR told − true, mean, largest |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    held = [row for row in table["rows"] if not row["calibrates"]]
    cases = list(dict.fromkeys(row["case"] for row in held))
    for case in [*cases, "all"]:
        rows = [row for row in held if case in (row["case"], "all")]
        within = np.array([row["within"] for row in rows])
        deciles = np.sqrt(np.square([row["deciles"] for row in rows]).mean(0))
        alike = np.array([row["correlation"] or np.nan for row in rows])
        off = np.array([row["expected_psnr"] - row["psnr"] for row in rows])
        yield (
            f"| {case} | {len(rows)} | {within.mean():.1%} | {within.min():.1%}, {within.max():.1%} | "
            f"{deciles.min():.2f} … {deciles.max():.2f} | {np.nanmean(alike):.2f}, {np.nanmin(alike):.2f} | "
            f"{off.mean():+.2f}, {np.abs(off).max():.2f} dB |"
        )


def _kept(
    given: argparse.Namespace, name: str, case: str, calibrates: bool, y: Pixels, truth: Pixels
) -> Measured | None:
    """Measure, or read what an earlier run has kept."""
    path = None if given.keep is None else given.keep / f"{given.effort}-{name}-{case}.npz"
    if path is not None and path.exists():
        values = dict(np.load(path))
        numbers = {k: v.item() if v.ndim == 0 else v for k, v in values.items()}
        return Measured(name, case, calibrates, **numbers)
    one = None if given.kept else measure(name, case, calibrates, y, truth, given.effort)
    if one is not None and path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        values = {k: v for k, v in vars(one).items() if k not in ("name", "case", "calibrates")}
        np.savez_compressed(path, **values)
    return one


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.uncertainty", description=__doc__)
    add = parser.add_argument
    add("task", choices=["denoise"])
    add("--effort", type=Effort, default=Effort.FAST, choices=list(Effort))
    add("--crop", type=int, default=128, help="centre crop, pixels")
    add("--cases", nargs="+", choices=[*CASES, SHOTS], help="only these kinds of noise")
    add("--threads", type=int, default=1)
    add("--keep", type=Path, help="a folder for what is measured, to be taken up again")
    add("--kept", action="store_true", help="measure nothing more, and report what is kept")
    return parser


if __name__ == "__main__":
    sys.exit(main())
