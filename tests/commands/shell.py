"""What the tests of the commands share: command lines, environments, small pictures."""

import os
import sys
from pathlib import Path

import numpy as np

from chnorm_cli.images import Picture, encode

ROOT = Path(__file__).parents[2]
FAKE = Path(__file__).with_name("fake_chnorm.py")


def environment(fake="", **changes):
    base = {k: v for k, v in os.environ.items() if not k.startswith("CHNORM_")}
    # With `auto` each worker asks torch for the number of GPUs, which takes two seconds.
    base |= {"PYTHONPATH": str(ROOT), "FAKE": fake, "CHNORM_DEVICE": "cpu"}
    base |= {"CHNORM_THREADS": "1", **changes}  # threads that wait for each other are slow in CI
    return {key: value for key, value in base.items() if value is not None}


def command(*arguments, real=False):
    start = ["-m", "chnorm_cli"] if real else [str(FAKE)]
    return [sys.executable, *start, *map(str, arguments)]


def save(path, size=(16, 16), channels=3, seed=0):
    y, x = np.mgrid[: size[0], : size[1]] / 16
    waves = [0.5 + 0.4 * np.sin(3 * x + (k + seed) * y) for k in range(channels)]
    pixels = np.stack(waves, 2).astype(np.float32)
    suffix = path.suffix.lower().lstrip(".")
    name = {"jpg": "jpeg", "tif": "tiff"}.get(suffix, suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode([Picture(pixels)], format=name).data)
    return path
