"""Super-resolution: reduced by an antialiased bicubic, rounded to 8 bits, scored on Y; noisy or not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.measuring.contest import contest, ours
from benchmarks.measuring.options import Options
from benchmarks.measuring.pictures import Pixels
from benchmarks.measuring.rows import Row, Subject
from benchmarks.measuring.scores import luminance
from benchmarks.measuring.tensors import to_pixels, to_tensor
from benchmarks.peers import contenders, watch
from benchmarks.peers.peer import Seen
from benchmarks.tasks.denoise import noisy
from chnorm_cli.device import choose_device
from chnorm_cli.fitting.settings import FitSettings
from chnorm_cli.problems.operators import Downsample
from chnorm_cli.restoration import Restoration, prepare_denoise, prepare_superres


def measure(options: Options) -> Iterator[Row]:
    source = options.source
    for scale in options.scales:
        for name, picture in source.pictures("superres"):
            truth = trimmed(picture, scale)
            for sigma in options.noisy or (0.0,):
                setting = f"×{scale}{f', σ={sigma:g}' if sigma else ''}{source.words()}"
                about = Subject("superres", source.dataset("superres"), setting, name)
                yield from _enlarge(options, about, truth, scale, sigma)


def _enlarge(
    options: Options, subject: Subject, truth: Pixels, scale: int, sigma: float
) -> Iterator[Row]:
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

    # The deep image prior sees the operator on its device, and the other peers on the CPU.
    at_device = Downsample(operator.output_size, scale).to(choose_device(options.device))
    seen = Seen(y, scale=scale, watch=watch(options, score, truth.shape, at_device.forward))
    yield from contest(
        options,
        [
            *contenders(options, "superres", seen),
            *ours(options, prepare),
            *(ours(options, piped, ", denoised before") if sigma else ()),
        ],
        score,
        subject,
        pixels=truth.shape[0] * truth.shape[1],
    )


def trimmed(picture: Pixels, scale: int) -> Pixels:
    """Cut the right and the bottom so that both sides are multiples of the scale."""
    return np.ascontiguousarray(
        picture[: picture.shape[0] // scale * scale, : picture.shape[1] // scale * scale]
    )


def eight_bit(pixels: Pixels) -> Pixels:
    return (np.rint(pixels.clip(0, 1) * 255) / 255).astype(np.float32)
