"""Three planes of a stack: the middle one alone, with its neighbours, and which of both is chosen.

The planes are made from crops of pictures in gray, in ways in which stacks differ:

    python -m benchmarks.studies.stacks --sigma 10 25 sample_images/cell.png sample_images/astronaut.png
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter, shift

from benchmarks.measuring.pictures import read

Planes = np.ndarray  # float32 (3, H, W), nominal range [0, 1]


def stacks(picture: np.ndarray, other: np.ndarray, side: int) -> Iterator[tuple[str, Planes]]:
    """Give names and clean planes of one picture (H, W), and of another for what shares nothing."""
    top, left = ((n - side) // 2 for n in picture.shape)

    def crop(x: np.ndarray) -> np.ndarray:
        return x[top : top + side, left : left + side]

    def moved(step: float) -> Planes:
        return np.stack(
            [crop(shift(picture, (0, step * i), order=3, mode="nearest")) for i in (-1, 0, 1)]
        )

    still = np.stack([crop(picture)] * 3)
    y, x = np.mgrid[:side, :side]
    yield "copies", still
    for step in (1.0, 2.5, 5.0):
        yield f"shifted by {step:g}", moved(step)
    disk, spot = still.copy(), still.copy()
    for i in range(3):
        disk[i][(y - side / 2) ** 2 + (x - side / 3 - 8 * i) ** 2 < 80] = 0.85
    spot[1][(y - side / 2) ** 2 + (x - side / 2) ** 2 < 12] += 0.23
    yield "a disk moves", disk
    yield "a spot in the middle one", spot
    yield (
        "out of focus beside",
        np.stack([gaussian_filter(p, s) for p, s in zip(still, (1.5, 0, 1.5), strict=True)]),
    )
    yield "bleached beside", still * np.array([0.4, 1.0, 0.6])[:, None, None]
    third = other[:side, :side]
    half = still.copy()
    for i, at in enumerate((0, 20, 40)):
        half[i][:, side // 2 :] = other[at : at + side, at : at + side][:, side // 2 :]
    yield "half of them unrelated", half
    yield "unrelated", np.stack([third, still[0], other[-side:, -side:]])


def psnr(x: np.ndarray, truth: np.ndarray) -> float:
    """Give the PSNR in dB."""
    return float(-10.0 * np.log10(np.square(x - truth).mean()))


def measure(planes: Planes, sigma: float, seed: int) -> tuple[float, float, bool]:
    """Give PSNR of the middle plane alone and with its neighbours, and whether it is joined."""
    from chnorm_cli.fitting.settings import Effort, FitSettings
    from chnorm_cli.restoration import law_of_planes, prepare_denoise, with_neighbours
    from chnorm_cli.restoration.neighbours import Joint, for_all

    rng = np.random.default_rng(seed)
    noisy = (planes + sigma / 255 * rng.standard_normal(planes.shape)).astype(np.float32)[..., None]
    law = law_of_planes(list(noisy))
    assert law is not None
    settings = FitSettings(effort=Effort.FAST, threads=1, device="cpu")

    def restored(pixels: np.ndarray, own_law: object) -> np.ndarray:
        restoration = prepare_denoise(pixels, law=own_law, settings=settings)
        for _ in restoration:
            pass
        return restoration.solution.pixels

    alone = restored(noisy[1], law)[..., 0]
    joint = Joint(np.concatenate(list(noisy), axis=2), for_all(law))
    together = restored(joint.pixels, joint.law)[..., 1]
    chosen = with_neighbours(list(noisy), [(0,), (1,), (2,)], 1, law) is not None
    return psnr(alone, planes[1]), psnr(together, planes[1]), chosen


def main() -> None:
    """Print a row for each picture, level and way to differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", type=Path, nargs="+")
    parser.add_argument("--sigma", type=float, nargs="+", default=[10.0, 25.0])
    parser.add_argument("--side", type=int, default=88)
    asked = parser.parse_args()
    print("| picture | σ | three planes | alone | together | joined |\n|---|---|---|---|---|---|")
    grays = [read(path).mean(axis=2) for path in asked.pictures]
    for number, (path, gray) in enumerate(zip(asked.pictures, grays, strict=True)):
        other = grays[number - 1] if len(grays) > 1 else gray[::-1, ::-1]
        for sigma in asked.sigma:
            for name, planes in stacks(gray, other, asked.side):
                alone, together, joined = measure(planes, sigma, number)
                words = "yes" if joined else "no"
                print(
                    f"| {path.stem} | {sigma:g} | {name} | {alone:.2f} | {together - alone:+.2f} | {words} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
