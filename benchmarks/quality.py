"""What each task gives on small crops, so that a loss of quality fails a test.

    python -m benchmarks.quality            # measure, and say what changed
    python -m benchmarks.quality --write    # keep that: tests/benchmarks/quality.json

Three crops of bundled pictures, `--effort fast`, one thread, fixed seeds: 25 seconds of one core.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.measuring.pictures import CHECKOUT, Pixels, Source
from benchmarks.measuring.scores import Scorer, luminance, whole, within
from benchmarks.measuring.tensors import to_pixels, to_tensor
from benchmarks.tasks.denoise import noisy
from benchmarks.tasks.jpeg import compressed
from benchmarks.tasks.noise import CASES, with_impulses
from benchmarks.tasks.superres import eight_bit
from chnorm_cli.fitting.settings import Effort, FitSettings
from chnorm_cli.problems.operators import Downsample
from chnorm_cli.restoration import Restoration, prepare_denoise, prepare_inpaint, prepare_superres

TABLE = CHECKOUT / "tests" / "benchmarks" / "quality.json"
TOLERANCE = 0.05  # dB
# Name, and how far the crop's centre is from the picture's. These change by at most 0.02 dB with the
# instructions that a processor has (SSE4, AVX2, AVX-512); a smooth one of 40 dB changes by 0.2 dB.
CROPS = {
    "astronaut": (0, 0),
    "chelsea": (0, 0),
    "chelsea's ear": (40, -40),
    "chelsea's eye": (-20, 60),
}
SIDES = {"missing": 48}  # it takes longest
SETTINGS = FitSettings(effort=Effort.FAST, device="cpu", threads=1)

Task = Callable[[Pixels], tuple[Restoration, Scorer]]


def white(truth: Pixels) -> tuple[Restoration, Scorer]:
    return prepare_denoise(noisy(truth, 25), settings=SETTINGS), whole(truth)


def counts(truth: Pixels) -> tuple[Restoration, Scorer]:
    case = next(case for case in CASES if case.name == "Poisson, peak 5")
    return prepare_denoise(case.noisy(truth), settings=SETTINGS), whole(truth)


def impulses(truth: Pixels) -> tuple[Restoration, Scorer]:
    return prepare_denoise(with_impulses(truth, 0.05, 0.0), settings=SETTINGS), whole(truth)


def jpeg(truth: Pixels) -> tuple[Restoration, Scorer]:
    y, found = compressed(truth, 30)
    return prepare_denoise(y, jpeg=found, settings=SETTINGS), whole(truth)


def missing(truth: Pixels) -> tuple[Restoration, Scorer]:
    holes = np.random.default_rng(0).random(truth.shape[:2]) < 0.5
    y = np.where(holes[..., None], np.float32(0), truth)
    return prepare_inpaint(y, holes, settings=SETTINGS), within(truth, holes)


def superres(truth: Pixels) -> tuple[Restoration, Scorer]:
    operator = Downsample((truth.shape[0] // 2, truth.shape[1] // 2), 2)
    y = eight_bit(to_pixels(operator.forward(to_tensor(truth))))
    return prepare_superres(y, 2, settings=SETTINGS), luminance(truth, border=2)


TASKS: dict[str, Task] = {
    task.__name__: task for task in (white, counts, impulses, jpeg, missing, superres)
}


def measured(task: str, picture: str) -> float:
    """Give the PSNR in dB of one task on one crop."""
    restoration, score = TASKS[task](crop(picture, SIDES.get(task, 64)))
    for _ in restoration:
        pass
    found = score(restoration.solution.pixels).psnr
    assert found is not None
    return found


def crop(picture: str, side: int) -> Pixels:
    """Cut a square out of a bundled picture."""
    ((_, whole_picture),) = Source(names=(picture.partition("'")[0],)).pictures("denoise")
    top, left = (
        (length - side) // 2 + moved
        for length, moved in zip(whole_picture.shape, CROPS[picture], strict=False)
    )
    return np.ascontiguousarray(whole_picture[top : top + side, left : left + side])


def table(path: Path = TABLE) -> dict[str, dict[str, float]]:
    """Give what is committed, by task and picture."""
    found: dict[str, dict[str, float]] = json.loads(path.read_text()) if path.exists() else {}
    return found


def crops(task: str) -> list[str]:
    """Name the three crops of a task: enlarging the astronaut depends on the processor."""
    left_out = "astronaut" if task == "superres" else "chelsea's eye"
    return [name for name in CROPS if name != left_out]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("--write", action="store_true", help="keep what is measured")
    given = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    before = table()
    now = {task: dict(_changes(task, before.get(task, {}))) for task in TASKS}
    if given.write:
        TABLE.write_text(json.dumps(now, indent=1) + "\n")
        print(TABLE.relative_to(CHECKOUT))
    return 0


def _changes(task: str, before: dict[str, float]) -> Iterator[tuple[str, float]]:
    for picture in crops(task):
        psnr = round(measured(task, picture), 3)
        change = f"{psnr - before[picture]:+.3f}" if picture in before else "new"
        print(f"{task}, {picture}: {psnr:.3f} dB, {change}", flush=True)
        yield picture, psnr


if __name__ == "__main__":
    raise SystemExit(main())
