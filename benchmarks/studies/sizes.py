"""Cost against size: seconds and memory of the command, from a quarter of a megapixel to a slide.

Each size is a noisy TIFF in colour, written, restored by `chnorm denoise` with its defaults, and
compared with the truth tile by tile, so that no picture is too large for it:

    python -m benchmarks.studies.sizes --effort fast --megapixels 0.25 1 4 24 --save
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring.machine import describe_run, place
from benchmarks.measuring.pictures import CHECKOUT
from benchmarks.measuring.rows import result_file
from benchmarks.reporting.sizes import FOLDER

SIGMA = 25.0
LARGEST = 2000  # pixels a side: beyond, the photograph is mirrored instead of enlarged
TILE = 256
Block = tuple[slice, slice]


@cache
def photograph(side: int) -> np.ndarray:
    """Give a photograph enlarged to a square, (side, side, 3), of 8 bits."""
    from PIL import Image

    with Image.open(CHECKOUT / "sample_images" / "astronaut.png") as image:
        large = image.convert("RGB").resize((side, side), Image.Resampling.BICUBIC)
        return np.asarray(large)


def truth(side: int, block: Block) -> np.ndarray:
    """Give a part of the picture without noise, (h, w, 3), of 8 bits."""
    large = photograph(min(side, LARGEST))
    n = len(large)
    rows, columns = (np.arange(part.start, part.stop) for part in block)
    rows, columns = (np.where(i // n % 2, n - 1 - i % n, i % n) for i in (rows, columns))
    part: np.ndarray = large[rows][:, columns]
    return part


def blocks(side: int) -> Iterator[Block]:
    """Give the parts that a tiled TIFF is made of, in their order."""
    for top in range(0, side, TILE):
        for left in range(0, side, TILE):
            yield slice(top, min(top + TILE, side)), slice(left, min(left + TILE, side))


def write(path: Path, side: int) -> None:
    """Write the noisy picture, tile by tile."""
    import tifffile

    def tiles() -> Iterator[np.ndarray]:
        for number, block in enumerate(blocks(side)):
            part = truth(side, block)
            draw = np.random.default_rng(number)
            noisy = part + SIGMA * draw.standard_normal(part.shape, dtype=np.float32)
            tile = np.zeros((TILE, TILE, 3), np.uint8)
            tile[: part.shape[0], : part.shape[1]] = noisy.round().clip(0, 255)
            yield tile

    tifffile.imwrite(
        path,
        tiles(),
        shape=(side, side, 3),
        dtype=np.uint8,
        photometric="rgb",
        tile=(TILE, TILE),
        bigtiff=side**2 * 3 > 2**32 - 2**25,
    )


def psnr(path: Path, side: int) -> float:
    """Compare a restored TIFF with the truth, tile by tile."""
    import tifffile
    import zarr

    with tifffile.imread(path, aszarr=True) as store:
        restored = zarr.open(store, mode="r")
        total = 0.0
        for block in blocks(side):
            error = np.asarray(restored[block], np.float32) - truth(side, block)
            total += float(np.square(error, dtype=np.float64).sum())
    return float(-10 * np.log10(total / (3 * side**2) / 255**2))


def watched(command: list[str], said: Path) -> tuple[float, float, float]:
    """Run a command, keep what it says, and give its seconds, CPU-seconds, and peak of memory of all its processes, in GB.

    Memory that processes share is counted once (PSS); where a system does not say it, as often as it
    is seen (RSS).
    """
    import psutil

    began, peak, cpu = time.monotonic(), 0, 0.0
    with said.open("wb") as out, psutil.Popen(command, stdout=out) as process:
        while process.poll() is None:
            held, used = 0, 0.0
            for each in [process, *process.children(recursive=True)]:
                try:
                    memory, times = each.memory_full_info(), each.cpu_times()
                except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                    continue
                held += getattr(memory, "pss", memory.rss)
                used += times.user + times.system
            peak, cpu = max(peak, held), max(cpu, used)
            time.sleep(0.25)
    if process.returncode:
        raise SystemExit(f"exit {process.returncode}: {' '.join(command)}")
    return time.monotonic() - began, cpu, peak / 1e9


def measure(megapixels: float, effort: str, folder: Path, more: list[str]) -> dict[str, Any]:
    """Denoise one picture through the command, told nothing."""
    side = round((megapixels * 1e6) ** 0.5)
    noisy, clean, said = folder / "noisy.tif", folder / "clean.tif", folder / "report.json"
    write(noisy, side)
    clean.unlink(missing_ok=True)
    command = [sys.executable, "-m", "chnorm_cli", "denoise", str(noisy), "-o", str(clean)]
    command += ["--effort", effort, "--json", "--max-pixels", str(10**10), "-q", *more]
    seconds, cpu, peak = watched(command, said)
    plan = json.loads(said.read_text())["plan"]
    return {
        "megapixels": megapixels,
        "effort": effort,
        "tile": plan["tile"],
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu, 1),
        "peak_gb": round(peak, 2),
        "estimated_gb": round(plan["memory"] / 1e9, 2),
        "psnr": round(psnr(clean, side), 2),
    }


def save(row: dict[str, Any]) -> None:
    """Keep a row in the file of this machine, in place of an older one of its size and effort."""
    run = describe_run("cpu")
    machine = place(run)
    path = result_file("denoise", machine, FOLDER)
    rows = json.loads(path.read_text()) if path.exists() else []
    key = ("effort", "megapixels")
    rows = [r for r in rows if any(r[k] != row[k] for k in key)]
    rows.append({"machine": machine} | row | {"date": run["date"], "code": run["code"]})
    rows.sort(key=lambda r: tuple(r[k] for k in key))
    FOLDER.mkdir(exist_ok=True)
    path.write_text(json.dumps(rows, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--effort", default="fast")
    parser.add_argument("--megapixels", type=float, nargs="+", default=[0.25, 1.0, 4.0])
    parser.add_argument("--save", action="store_true", help="keep the rows in results/sizes/")
    parser.add_argument("more", nargs="*", help="options of the command, after --")
    asked = parser.parse_args()
    for megapixels in asked.megapixels:
        with tempfile.TemporaryDirectory() as folder:
            row = measure(megapixels, asked.effort, Path(folder), asked.more)
        print(row, flush=True)
        if asked.save:
            save(row)


if __name__ == "__main__":
    main()
