"""How long one fit takes on a quiet and on a busy machine, by how its threads wait for each other.

    python -m benchmarks.studies.busy                         # 5 rounds, beside 3 busy processes
    python -m benchmarks.studies.busy --rounds 3 --size 128

Each round measures every cell once, in turn, so that whatever else the machine does disturbs all
alike; the table shows medians. Seconds are those of the whole command, its start included.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.measuring.pictures import CHECKOUT
from chnorm_cli.images import Picture, encode

WAITING = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "OMP_NUM_THREADS", "CHNORM_THREADS")
# GNU OpenMP's threads turn in a loop this often before they sleep; none is what `passive` means.
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "as the command sets it": {},
    "1000 turns": {"GOMP_SPINCOUNT": "1000"},
    "100 turns": {"GOMP_SPINCOUNT": "100"},
    "no turns": {"GOMP_SPINCOUNT": "0"},
    "OMP_WAIT_POLICY=passive": {"OMP_WAIT_POLICY": "passive"},
    "one thread": {"CHNORM_THREADS": "1"},
}


def main() -> int:
    """Measure, and print the table."""
    asked = parse()
    times: dict[tuple[str, bool], list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        picture = noisy_picture(folder / "noisy.png", asked.size)
        for number in range(1, asked.rounds + 1):
            for busy in (False, True):
                with busy_processes(asked.beside if busy else 0):
                    for setting in asked.settings:
                        seconds = timed(picture, SETTINGS[setting], asked.effort, asked.steps)
                        times.setdefault((setting, busy), []).append(seconds)
                        where = f"beside {asked.beside}" if busy else "alone"
                        print(
                            f"round {number}, {setting}, {where}: {seconds:.1f} s", file=sys.stderr
                        )
    print("\n".join(table(times, asked.settings, asked.beside)))
    return 0


def parse() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--beside", type=int, default=3, help="busy processes")
    parser.add_argument("--size", type=int, default=192, help="pixels along each side")
    parser.add_argument("--effort", default="normal")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--settings", nargs="+", choices=list(SETTINGS), default=list(SETTINGS))
    return parser.parse_args()


def noisy_picture(path: Path, size: int) -> Path:
    """Write waves with σ = 25 of 255, the same every time."""
    y, x = np.mgrid[:size, :size] / 16
    waves = np.stack([0.5 + 0.4 * np.sin(2 * x + k * y) for k in range(3)], axis=2)
    noise = np.random.default_rng(0).normal(0, 25 / 255, waves.shape)
    path.write_bytes(encode([Picture((waves + noise).astype(np.float32))], format="png").data)
    return path


@contextlib.contextmanager
def busy_processes(number: int) -> Iterator[None]:
    """Keep that many processes busy until the context ends."""
    command = [sys.executable, "-c", "while True: pass"]
    processes = [subprocess.Popen(command) for _ in range(number)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def timed(picture: Path, changes: Mapping[str, str], effort: str, steps: int) -> float:
    """Return the seconds of one command."""
    environment = {key: value for key, value in os.environ.items() if key not in WAITING}
    command = [sys.executable, "-m", "chnorm_cli", "denoise", str(picture), "--device", "cpu"]
    command += [
        "--effort",
        effort,
        "--steps",
        str(steps),
        "-q",
        "-o",
        str(picture.parent / "x.png"),
    ]
    started = time.perf_counter()
    subprocess.run(command, cwd=CHECKOUT, env={**environment, **changes}, check=True)
    return time.perf_counter() - started


def table(
    times: Mapping[tuple[str, bool], Sequence[float]], settings: Sequence[str], beside: int
) -> Iterator[str]:
    """Yield the rows of a Markdown table of medians."""
    yield f"| seconds | alone | beside {beside} busy processes |"
    yield "| --- | --- | --- |"
    for setting in settings:
        quiet, busy = (median(times[setting, where]) for where in (False, True))
        yield f"| {setting} | {quiet:.1f} | {busy:.1f} |"


if __name__ == "__main__":
    sys.exit(main())
