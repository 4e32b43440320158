"""Cost against size: CPU-seconds and memory of a denoising, from a quarter of a megapixel upwards.

Each size runs in a process of its own, so that its peak of memory is its own:

    python -m benchmarks.studies.sizes --effort fast --megapixels 0.25 1 8 --json sizes.json
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

SIGMA = 25.0


def picture(megapixels: float) -> tuple[np.ndarray, np.ndarray]:
    """Give a photograph enlarged to a square of that size, and the same with noise, (H, W, 3)."""
    from PIL import Image

    side = round((megapixels * 1e6) ** 0.5)
    sample = Path(__file__).parents[2] / "sample_images" / "astronaut.png"
    with Image.open(sample) as image:
        large = image.convert("RGB").resize((side, side), Image.Resampling.BICUBIC)
    truth = np.asarray(large, dtype=np.float32) / 255
    noise = np.random.default_rng(0).standard_normal(truth.shape, dtype=np.float32)
    return truth, truth + np.float32(SIGMA / 255) * noise


def measure(megapixels: float, effort: str, tile: int | None) -> dict[str, Any]:
    """Denoise one picture on one thread, with the law found by itself."""
    import torch

    from chnorm_cli.fitting.settings import Effort, FitSettings
    from chnorm_cli.restoration import prepare_denoise

    torch.set_num_threads(1)
    truth, noisy = picture(megapixels)
    began = time.process_time()
    settings = FitSettings(effort=Effort(effort), tile=tile, threads=1, device="cpu")
    restoration = prepare_denoise(noisy, settings=settings)
    for _ in restoration:
        pass
    solution = restoration.solution
    error = float(((solution.pixels.clip(0, 1) - truth) ** 2).mean())
    seconds = time.process_time() - began
    return {
        "megapixels": megapixels,
        "effort": effort,
        "tile": solution.plan["tile"],
        "cpu_seconds": round(seconds, 1),
        "cpu_seconds_per_megapixel": round(seconds / megapixels, 2),
        "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
        "estimated_gb": round(solution.plan["memory"] / 1e9, 2),
        "psnr": round(-10 * np.log10(error), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--effort", default="fast")
    parser.add_argument("--megapixels", type=float, nargs="+", default=[0.25, 1.0, 4.0])
    parser.add_argument("--tile", type=int, help="pixels a side; 0: whole")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(measure(asked.megapixels[0], asked.effort, asked.tile)))
        return
    rows = []
    for megapixels in asked.megapixels:
        command = [
            sys.executable,
            "-m",
            "benchmarks.studies.sizes",
            "--one",
            "--effort",
            asked.effort,
        ]
        command += ["--megapixels", str(megapixels)]
        command += [] if asked.tile is None else ["--tile", str(asked.tile)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        rows.append(json.loads(done.stdout))
        print(rows[-1], flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
