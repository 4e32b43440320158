"""Noise2Fast of its authors, as they run it: a script for a folder of gray TIFFs (Lequyer, 2022).

Colours are given one by one, as 16-bit numbers in floats, because the script rounds what it writes.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.measuring.contest import NoResultError
from benchmarks.measuring.pictures import Pixels
from benchmarks.peers.loading import checkout
from benchmarks.peers.peer import Checkout, Peer, Seen

SCALE = 65535.0


def restore(seen: Seen) -> Pixels:
    from tifffile import imread, imwrite

    script = checkout(seen) / "N2F.py"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "noisy"
        folder.mkdir()
        for c in range(seen.y.shape[2]):
            imwrite(folder / f"{c}.tif", (SCALE * seen.y[..., c]).astype(np.float32))
        asked = [sys.executable, str(script), str(folder)]
        done = subprocess.run(asked, cwd=name, capture_output=True, text=True, check=False)
        if done.returncode:
            last = done.stderr.strip().rsplit("\n", 1)[-1]
            raise NoResultError(f"{script} failed: {last}")
        clean = folder.with_name("noisy_N2F")
        planes = [imread(clean / f"{c}.tif") for c in range(seen.y.shape[2])]
    return np.stack(planes, 2).astype(np.float32) / np.float32(SCALE)


PEER = Peer(
    "noise2fast",
    {"denoise", "noise"},
    restore,
    checkout=Checkout("N2F.py", "github.com/jason-lequyer/Noise2Fast"),
)
