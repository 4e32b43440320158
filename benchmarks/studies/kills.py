"""Kill a run in tiles at random moments, take it up each time, and compare with an unbroken run.

python -m benchmarks.studies.kills --kills 10
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SIZE = (96, 2400)


def picture(path: Path) -> None:
    """Write a noisy strip of a sample picture as a tiled TIFF."""
    import tifffile
    from PIL import Image

    sample = Path(__file__).parents[2] / "sample_images" / "astronaut.png"
    with Image.open(sample) as image:
        pixels = np.asarray(image.convert("RGB"), dtype=np.float32)
    strip = np.tile(pixels[: SIZE[0]], (1, -(-SIZE[1] // pixels.shape[1]), 1))[:, : SIZE[1]]
    noisy = strip + 25 * np.random.default_rng(0).standard_normal(strip.shape)
    samples = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    tifffile.imwrite(path, samples, photometric="rgb", tile=(64, 64))


def command(source: Path, target: Path) -> list[str]:
    asked = ["--effort", "fast", "--steps", "3", "--tile", "256", "--resume", "--jobs", "1", "-q"]
    return [sys.executable, "-m", "chnorm_cli", "denoise", str(source), "-o", str(target), *asked]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    draw = random.Random(asked.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, whole, broken = (folder / f"{n}.tif" for n in ("noisy", "whole", "broken"))
        picture(source)
        began = time.monotonic()
        subprocess.run(command(source, whole), check=True)
        seconds = time.monotonic() - began
        print(f"unbroken: {seconds:.1f} s", flush=True)
        kills = 0
        while kills < asked.kills:
            run = subprocess.Popen(command(source, broken), start_new_session=True)
            try:
                # Most of it is over when it is taken up: a kill has to come before the end.
                run.wait(draw.uniform(0.0, seconds * 0.6))
            except subprocess.TimeoutExpired:
                os.killpg(run.pid, signal.SIGKILL)
                run.wait()
                kills += 1
                tiles = len(list(folder.glob(".chnorm-*/tile-*.npy")))
                print(f"kill {kills}: {tiles} tiles are there", flush=True)
                continue
            broken.unlink()  # it came to its end: once more from the beginning
        subprocess.run(command(source, broken), check=True)
        same = whole.read_bytes() == broken.read_bytes()
        left = [path.name for path in folder.iterdir() if path.name.startswith(".chnorm")]
        print(f"{kills} kills: {'the same bytes' if same else 'OTHER BYTES'}; left behind: {left}")
        raise SystemExit(0 if same else 1)


if __name__ == "__main__":
    main()
