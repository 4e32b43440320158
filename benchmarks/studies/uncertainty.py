"""How wrong a restored picture says that it is, against the truth: calibration and coverage.

    python -m benchmarks.studies.uncertainty denoise --effort fast --keep out/uncertainty

Every second picture calibrates: the numbers of `restoration/bootstrap.py` are the ones under which its
true squared errors are likeliest, for Gaussian errors. What is reported is told of the other
pictures, which took no part. Beside it stands what a map would reach that knew truth and noise: the
mean of the errors that the same restorer makes of other noisy pictures of the same. What is
measured is kept in a folder, so that a run can be taken up again; the rows and the numbers found go to
`benchmarks/results/uncertainty/`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.measuring.machine import describe_run
from benchmarks.measuring.pictures import CHECKOUT, Pixels, Source, default_folder
from benchmarks.measuring.tensors import to_tensor
from benchmarks.tasks.noise import Case
from chnorm_cli.commands.reliability import Reliability, reliability
from chnorm_cli.fitting.settings import Effort, FitSettings
from chnorm_cli.restoration import prepare_denoise
from chnorm_cli.restoration.bootstrap import (
    CALIBRATION,
    DRAWS,
    HIDDEN,
    Bootstrap,
    Calibration,
    noise_variance,
    smoothed,
)

CASES = {
    "σ=5": Case("", read=5),
    "σ=15": Case("", read=15),
    "σ=25": Case("", read=25),
    "σ=50": Case("", read=50),
    "Poisson, peak 30": Case("", gain=1 / 30),
    "camera, blurred 0.7 px": Case("", gain=0.038, read=8, blurred=True),
}
TOLD = ", told"  # the law of the noise is given
CASES |= {words + TOLD: CASES[words] for words in ("σ=15", "σ=25")}
SHOTS = "shot of a camera"
OTHERS = 6  # noisy pictures of a truth, for the errors that are known
FACTORS, FLOORS = np.arange(0.8, 1.85, 0.05), np.arange(0.0, 0.32, 0.02)
DETAILS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25)
TABLES = CHECKOUT / "benchmarks" / "results" / "uncertainty"


@dataclass(frozen=True)
class Measured:
    """A restored picture with its truth: what the bootstrap says, and the noise, each (H, W)."""

    name: str
    case: str
    calibrates: bool
    difference: np.ndarray  # (H, W, C), of the restored picture from the truth
    spread: np.ndarray  # mean squares of the draws, smoothed
    lost: np.ndarray  # squares of the detail that they say was removed
    noise: np.ndarray  # variance of the noise, at the level of the draws
    level: float  # of the draws, in units of the law's
    oracle: np.ndarray  # mean squared errors of other pictures of the same, smoothed; or NaN
    risk: float  # of the trials, in units of the noise's variance; NaN if there were none
    seconds: float  # of the restoration
    map_seconds: float

    def error(self, calibration: Calibration) -> np.ndarray:
        """Give the standard errors (H, W)."""
        floor = calibration.floor**2 * HIDDEN * np.sqrt(self.noise)
        lost = calibration.detail * self.lost
        return np.sqrt(calibration.factor**2 * self.spread + floor + lost)

    @property
    def squares(self) -> np.ndarray:
        """The true squared errors (H, W), the mean over the colours."""
        return np.square(self.difference).mean(2)


def main() -> int:
    given = _parser().parse_args()
    torch.set_num_threads(given.threads)
    folder = given.pictures
    if folder is None:
        print("give --pictures: ../shared/data is not there", file=sys.stderr)
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
    found = CALIBRATION[given.effort]
    if not given.as_it_is:
        found = calibrated([m for m in measured if m.calibrates])
    rows = [judged(m, found) for m in measured]
    run = describe_run("cpu") | {"crop": given.crop, "draws": DRAWS[given.effort]}
    table = {**vars(found), **run, "rows": rows}
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
    kinds = ("denoise", "superres", "inpaint")
    truths = sorted(one for kind in kinds for one in source.pictures(kind))
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
    sigma = CASES[case].read if case.endswith(TOLD) else None
    restoration = prepare_denoise(y, sigma=sigma, settings=FitSettings(effort=effort))
    began = time.process_time()
    for _ in restoration:
        pass
    restored = time.process_time()
    errors = restoration.errors
    if not isinstance(errors, Bootstrap):
        return None
    x = to_tensor(restoration.solution.pixels)
    with torch.no_grad():
        draws = errors.drawn(x)
        mapped = time.process_time()
        oracle = known_errors(errors, case, truth)
    risk = errors.restorer.risk
    return Measured(
        name,
        case,
        calibrates,
        restoration.solution.pixels - truth,
        _twice(draws.squares),
        draws.lost.numpy(),
        draws.level**2 * noise_variance(x, errors.law).numpy(),
        draws.level,
        oracle,
        float("nan") if risk is None else risk,
        restored - began,
        mapped - restored,
    )


def known_errors(errors: Bootstrap, case: str, truth: Pixels) -> np.ndarray:
    """Give the mean squared errors (H, W) that the restorer makes of the truth with other noise."""
    if case not in CASES:
        return np.full(truth.shape[:2], np.nan)
    total = torch.zeros(truth.shape[:2])
    for seed in range(1, OTHERS + 1):
        y = to_tensor(CASES[case].noisy(truth, seed))
        x = errors.law.restored(errors.restorer.restore(errors.law.whitened(y)), y)
        total += (x - to_tensor(truth)).square().mean(0)
    return _twice(total / OTHERS)


def _twice(squares: torch.Tensor) -> np.ndarray:
    smooth: np.ndarray = smoothed(smoothed(squares)).numpy()
    return smooth


def calibrated(measured: Sequence[Measured]) -> Calibration:
    """Give the numbers under which the true squared errors are likeliest."""

    def surprise(calibration: Calibration) -> float:
        """Give minus twice the mean logarithm of the likelihood, each picture counting alike."""
        return float(np.mean([_surprise(m, calibration) for m in measured]))

    tried = product(FACTORS, FLOORS, DETAILS)
    return min((Calibration(*(round(float(n), 2) for n in t)) for t in tried), key=surprise)


def _surprise(one: Measured, calibration: Calibration) -> float:
    thin = slice(None, None, 2)  # neighbours say the same
    variance = np.square(one.error(calibration)).clip(1e-12)[thin, thin]
    return float(np.mean(np.log(variance) + one.squares[thin, thin] / variance))


def told_by_trials(one: Measured, calibration: Calibration) -> float | None:
    """Give the PSNR that the trials tell which weigh the estimates, without a map; None: none were made."""
    if not np.isfinite(one.risk):
        return None
    noise = one.noise / one.level**2
    squares = calibration.factor**2 * one.risk * noise
    squares += calibration.floor**2 * HIDDEN * np.sqrt(noise)
    return round(-10 * float(np.log10(squares.mean())), 3)


def judged(one: Measured, calibration: Calibration) -> dict[str, Any]:
    """Say how the map of one picture did."""
    found: Reliability = reliability(one.difference.astype(float), one.error(calibration))
    return {
        "picture": one.name,
        "case": one.case,
        "calibrates": one.calibrates,
        "within": round(found.within, 4),
        "correlation": _rounded(found.correlation),
        "oracle_correlation": _oracle(one).get("correlation"),
        "oracle_within": _oracle(one).get("within"),
        "level": round(one.level, 3),
        "deciles": [round(d.true / max(d.told, 1e-9), 3) for d in found.deciles],
        "expected_psnr": round(-20 * np.log10(found.told), 3),
        "psnr": round(-20 * np.log10(found.true), 3),
        "trials_psnr": told_by_trials(one, calibration),
        "seconds": round(one.seconds, 2),
        "map_seconds": round(one.map_seconds, 2),
    }


def _oracle(one: Measured) -> dict[str, Any]:
    """Say how a map did that knew truth and noise; nothing where there is none."""
    if not np.isfinite(one.oracle).all():
        return {}
    found = reliability(one.difference.astype(float), np.sqrt(one.oracle))
    return {"within": round(found.within, 4), "correlation": _rounded(found.correlation)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def report(table: dict[str, Any]) -> Iterator[str]:
    """Give the lines of a table by case, of the pictures that took no part in the calibration."""
    yield (
        f"factor {table['factor']:.2f}, floor {table['floor']:.2f}, detail {table['detail']:.2f}"
    )
    yield "| case | pictures | within 1.96 e | least, most | deciles, true over told | correlation, least | the same, known | PSNR told − true, mean, largest | by trials |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    held = [row for row in table["rows"] if not row["calibrates"]]
    cases = list(dict.fromkeys(row["case"] for row in held))
    for case in [*cases, "all"]:
        rows = [row for row in held if case in (row["case"], "all")]
        within = np.array([row["within"] for row in rows])
        deciles = np.sqrt(np.square([row["deciles"] for row in rows]).mean(0))
        alike, known = (
            np.array([row[key] or np.nan for row in rows])
            for key in ("correlation", "oracle_correlation")
        )
        trials = np.array([(row["trials_psnr"] or np.nan) - row["psnr"] for row in rows])
        off = np.array([row["expected_psnr"] - row["psnr"] for row in rows])
        yield (
            f"| {case} | {len(rows)} | {within.mean():.1%} | {within.min():.1%}, {within.max():.1%} | "
            f"{deciles.min():.2f} … {deciles.max():.2f} | {np.nanmean(alike):.2f}, {np.nanmin(alike):.2f} | "
            f"{_words(known)} | "
            f"{off.mean():+.2f}, {np.abs(off).max():.2f} dB | {_words(trials)} |"
        )


def _words(values: np.ndarray) -> str:
    """Say the mean and the least of what is known."""
    known = values[np.isfinite(values)]
    return f"{known.mean():.2f}, {known.min():.2f}" if known.size else "–"


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
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.studies.uncertainty", description=__doc__
    )
    add = parser.add_argument
    add("task", choices=["denoise"])
    add(
        "--pictures", type=Path, default=default_folder(), metavar="DIR", help="of denoise/ real/ …"
    )
    add("--effort", type=Effort, default=Effort.FAST, choices=list(Effort))
    add("--crop", type=int, default=128, help="centre crop, pixels")
    add("--cases", nargs="+", choices=[*CASES, SHOTS], help="only these kinds of noise")
    add("--threads", type=int, default=1)
    add("--keep", type=Path, help="a folder for what is measured, to be taken up again")
    add("--as-it-is", action="store_true", help="keep the numbers that the code has")
    add("--kept", action="store_true", help="measure nothing more, and report what is kept")
    return parser


if __name__ == "__main__":
    sys.exit(main())
