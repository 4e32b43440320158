"""Noise as it really is: it follows the brightness, and ours is told nothing of it.

Peers are told the true law where they can use it: BM3D plain and non-local means the root mean
square, BM3D between the stabilizing transform of the law and its exact unbiased inverse all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from benchmarks.measuring.contest import contest, ours, untouched
from benchmarks.measuring.options import Options
from benchmarks.measuring.pictures import Pixels
from benchmarks.measuring.rows import Row, Subject
from benchmarks.measuring.scores import whole
from benchmarks.measuring.tensors import to_pixels, to_tensor
from benchmarks.peers import contenders
from benchmarks.peers.peer import Seen, Watch
from chnorm_cli.noise.level import Level
from chnorm_cli.restoration import prepare_denoise

BLUR = 0.7  # pixels, of the noise of the synthetic camera


@dataclass(frozen=True)
class Case:
    """A law with its name; the noise of a camera is blurred as demosaicing does."""

    name: str
    gain: float = 0.0
    read: float = 0.0  # 0–255 scale
    speckle: float = 0.0
    blurred: bool = False

    def level(self, channels: int) -> Level:
        """Give the level of noise in pictures in [0, 1]."""
        one = torch.ones(channels)
        return Level(self.read / 255 * one, self.gain * one, self.speckle * one, 0.0 * one)

    def noisy(self, truth: Pixels, seed: int = 0) -> Pixels:
        """Give the picture with noise of this law, the same in every run, not clipped."""
        generator = torch.Generator().manual_seed(seed)
        y = to_pixels(self.level(truth.shape[2]).added_to(to_tensor(truth), generator))
        return truth + gaussian_filter(y - truth, (BLUR, BLUR, 0)) if self.blurred else y


CASES = (
    Case("Poisson, peak 30", gain=1 / 30),
    Case("Poisson, peak 5", gain=1 / 5),
    Case("Poisson, peak 2", gain=1 / 2),
    Case("Poisson, peak 30, and σ=12", gain=1 / 30, read=12),
    Case("speckle 20 %", speckle=0.2),
    Case("camera, blurred 0.7 px", gain=0.038, read=8, blurred=True),
)


# The share of thrown pixels, and σ of 0–255 between them.
IMPULSES = ((0.01, 0.0), (0.05, 0.0), (0.2, 0.0), (0.05, 10.0), (0.0, 10.0))
# σ of the offsets of rows, whether each colour has its own, and σ of 0–255 between.
BANDING = ((0.0, False, 8.0), (12.0, False, 8.0), (12.0, True, 8.0), (12.0, False, 0.0))


def measure(options: Options) -> Iterator[Row]:
    source = options.source
    if not options.real:
        for name, truth in source.pictures("denoise"):
            for setting, y, level in corrupted(options, truth):
                words = setting + source.words()
                subject = Subject("noise", source.dataset("denoise"), words, name)
                yield from _denoise(options, subject, y, truth, level)
    if options.real or source.has("microscopy"):
        for name, y, truth in source.shot("microscopy"):
            setting = f"confocal microscope{source.words()}"
            if options.wants_law(setting):
                subject = Subject("noise", source.dataset("microscopy"), setting, name)
                yield from _denoise(options, subject, y, truth, level_of(y, truth))


def corrupted(options: Options, truth: Pixels) -> Iterator[tuple[str, Pixels, Level | None]]:
    """Give what the noise is called, the noisy picture, and the law where a peer can use it."""
    makers: dict[str, Callable[[], tuple[Pixels, Level | None]]] = {}
    for case in CASES:
        level = None if case.blurred else case.level(truth.shape[2])
        makers[case.name] = lambda case=case, level=level: (case.noisy(truth), level)
    for share, sigma in IMPULSES:
        name = f"impulses {share:.0%}" + (f" on σ={sigma:g}" if sigma else "")
        makers[name] = lambda how=(share, sigma): (with_impulses(truth, *how), None)
    for rows, each, sigma in BANDING:
        name = f"rows σ={rows:g}" + " in each colour" * each + f" on σ={sigma:g}"
        makers[name] = lambda how=(rows, sigma), each=each: (
            with_banding(truth, *how, each=each),
            None,
        )
    for name, make in makers.items():
        if options.wants_law(name, makers):
            yield name, *make()


def with_impulses(truth: Pixels, share: float, sigma: float) -> Pixels:
    """Give the picture in 8 bits, with noise, and with a share of its pixels black or white."""
    random = np.random.default_rng(0)
    noise = np.float32(sigma / 255) * random.standard_normal(truth.shape, np.float32)
    y = np.rint(255 * (truth + noise).clip(0, 1)).astype(np.float32) / np.float32(255)
    thrown = random.random(truth.shape[:2]) < share
    y[thrown] = random.integers(0, 2, (int(thrown.sum()), 1)).astype(np.float32)
    return y


def with_banding(truth: Pixels, rows: float, sigma: float, *, each: bool) -> Pixels:
    """Give the picture in 8 bits, with noise, and with an offset for each row."""
    random = np.random.default_rng(0)
    height, _, channels = truth.shape
    offsets = rows / 255 * random.standard_normal((height, 1, channels if each else 1))
    y = truth + offsets + sigma / 255 * random.standard_normal(truth.shape)
    return (np.rint(255 * y.clip(0, 1)) / 255).astype(np.float32)


def level_of(y: Pixels, truth: Pixels) -> Level:
    """Take shot and read noise from one shot and the truth: a line through squares of the noise."""
    x, squares = truth.ravel().astype(float), np.square(y - truth).ravel().astype(float)
    gain, read = np.polyfit(x, squares, 1, w=1.0 / np.maximum(x, x.mean()))
    one = torch.ones(y.shape[2])
    # The line may cut the axis right of 0: there is no light at that brightness.
    black = max(0.0, -read / gain)
    return Level(max(read, 0.0) ** 0.5 * one, gain * one, 0.0 * one, black * one)


def _denoise(
    options: Options, subject: Subject, y: Pixels, truth: Pixels, level: Level | None
) -> Iterator[Row]:
    sigma = float(np.sqrt(np.square(y - truth).mean()))
    seen = Seen(y, sigma=sigma, level=level, watch=Watch(steps=options.steps))
    yield from contest(
        options,
        [
            untouched(y),
            *contenders(options, "noise", seen),
            *ours(options, lambda settings: prepare_denoise(y, settings=settings)),
        ],
        whole(truth),
        subject,
        pixels=truth.shape[0] * truth.shape[1],
    )
