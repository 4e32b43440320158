"""Super-resolution: reduced by an antialiased bicubic, rounded to 8 bits, scored on Y; noisy or not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from benchmarks import dip
from benchmarks.measuring.contest import Contender, contest, ours, timed
from benchmarks.measuring.options import Options
from benchmarks.measuring.pictures import Pixels
from benchmarks.measuring.rows import Row
from benchmarks.measuring.scores import luminance
from benchmarks.peers import ENLARGERS, to_pixels, to_tensor
from benchmarks.tasks.denoise import noisy
from chnorm_cli.device import choose_device
from chnorm_cli.fitting.settings import FitSettings
from chnorm_cli.problems.operators import Downsample
from chnorm_cli.restoration import Restoration, prepare_denoise, prepare_superres


def measure(options: Options) -> Iterator[Row]:
    for scale in options.scales:
        for name, picture in options.source.pictures("superres"):
            truth = trimmed(picture, scale)
            for sigma in options.noisy or (0.0,):
                yield from _enlarge(options, name, truth, scale, sigma)


def _enlarge(options: Options, name: str, truth: Pixels, scale: int, sigma: float) -> Iterator[Row]:
    operator = Downsample((truth.shape[0] // scale, truth.shape[1] // scale), scale)
    small = to_pixels(operator.forward(to_tensor(truth)))
    y = eight_bit(noisy(small, sigma) if sigma else small)
    score = luminance(truth, border=scale)

    def prepare(settings: FitSettings) -> Restoration:
        return prepare_superres(y, scale, settings=settings)

    def piped(settings: FitSettings) -> Restoration:
        """Denoise into 8 bits, and enlarge what comes out: two commands with a pipe between."""
        denoising = prepare_denoise(y, settings=settings)
        for _ in denoising:
            pass
        clean = eight_bit(denoising.solution.pixels)
        return prepare_superres(clean, scale, sigma=0.0, settings=settings)

    # The deep image prior sees the operator on its device, and the peers above on the CPU.
    at_device = Downsample(operator.output_size, scale).to(choose_device(options.device))
    yield from contest(
        [
            *_peers(options, y, scale),
            *ours(options, prepare),
            *(ours(options, piped, ", denoised before") if sigma else ()),
            *dip.contenders(options, y, score, truth.shape, at_device.forward),
        ],
        score,
        task="superres",
        setting=f"×{scale}{f', σ={sigma:g}' if sigma else ''}{options.source.words()}",
        picture=name,
        repeat=options.repeat,
    )


def trimmed(picture: Pixels, scale: int) -> Pixels:
    """Cut the right and the bottom so that both sides are multiples of the scale."""
    return np.ascontiguousarray(
        picture[: picture.shape[0] // scale * scale, : picture.shape[1] // scale * scale]
    )


def eight_bit(pixels: Pixels) -> Pixels:
    return (np.rint(pixels.clip(0, 1) * 255) / 255).astype(np.float32)


def _peers(options: Options, y: Pixels, scale: int) -> list[Contender]:
    torch.set_num_threads(options.threads)
    return [
        Contender(name, timed(lambda peer=peer: peer(y, scale)))
        for name, peer in ENLARGERS.items()
        if options.wants_peer(name)
    ]
