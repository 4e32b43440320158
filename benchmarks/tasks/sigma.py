"""How well the noise level is found, and whether a clean picture is left alone."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

from benchmarks.measuring.contest import ours
from benchmarks.measuring.options import Options
from benchmarks.measuring.pictures import Pixels
from benchmarks.measuring.rows import OURS, Row
from benchmarks.measuring.scores import psnr
from benchmarks.peers import to_tensor
from benchmarks.tasks.denoise import noisy
from chnorm_cli.noise.finding import find_law
from chnorm_cli.restoration import prepare_denoise

LEVELS = (0.0, 5.0, 10.0, 15.0, 25.0, 50.0, 75.0)
IDENTICAL = 99.0  # dB; stands for infinity, which JSON cannot hold


def measure(options: Options) -> Iterator[Row]:
    pictures = dict(options.source.pictures("denoise") + options.source.pictures("superres"))
    setting = f"estimate{options.source.words()}"
    for name, truth in pictures.items():
        for level in LEVELS:
            yield from _estimates(name, noisy(truth, level), level, setting)
    for name, truth in pictures.items():
        yield from _clean(options, name, truth)


def _estimates(name: str, y: Pixels, level: float, setting: str) -> Iterator[Row]:
    for method, estimate in ((OURS, _ours), ("scikit-image", _scikit)):
        started = time.perf_counter()
        found = 255 * estimate(y)
        seconds = time.perf_counter() - started
        detail = {"sigma": level, "estimate": found, "error": found - level}
        yield Row("sigma", setting, name, method, seconds=seconds, detail=detail)


def _clean(options: Options, name: str, truth: Pixels) -> Iterator[Row]:
    for contender in ours(options, lambda settings: prepare_denoise(truth, settings=settings)):
        result = contender.run()
        quality = psnr(result.pixels, truth)
        yield Row(
            "sigma",
            f"clean picture in{options.source.words()}",
            name,
            contender.method,
            contender.effort,
            psnr=IDENTICAL if math.isinf(quality) else quality,
            seconds=result.seconds,
            steps=result.steps,
            detail=result.detail,
        )


def _ours(y: Pixels) -> float:
    return find_law(to_tensor(y)).sigma


def _scikit(y: Pixels) -> float:
    from skimage.restoration import estimate_sigma as wavelet_estimate

    return float(wavelet_estimate(y, channel_axis=-1, average_sigmas=True))
