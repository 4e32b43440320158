"""How well the noise level is found, and whether a clean picture is left alone."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.measuring.clock import Clock
from benchmarks.measuring.contest import TO_BE_MEASURED, Result, contest, ours
from benchmarks.measuring.options import Options
from benchmarks.measuring.pictures import Pixels
from benchmarks.measuring.rows import OURS, Row, Subject
from benchmarks.measuring.scores import Score, psnr
from benchmarks.measuring.tensors import to_tensor
from benchmarks.tasks.denoise import noisy
from chnorm_cli.noise.finding import find_law
from chnorm_cli.restoration import prepare_denoise

LEVELS = (0.0, 5.0, 10.0, 15.0, 25.0, 50.0, 75.0)
IDENTICAL = 99.0  # dB; stands for infinity, which JSON cannot hold


def measure(options: Options) -> Iterator[Row]:
    source = options.source
    kinds = source.kinds("denoise", "superres")
    pictures = [(source.dataset(k), *each) for k in kinds for each in source.pictures(k)]
    for dataset, name, truth in pictures:
        about = Subject("sigma", dataset, f"estimate{source.words()}", name)
        for level in LEVELS:
            yield from _estimates(options, about, noisy(truth, level), level)
    for dataset, name, truth in pictures:
        about = Subject("sigma", dataset, f"clean picture in{source.words()}", name)
        yield from _clean(options, about, truth)


def _clean(options: Options, subject: Subject, truth: Pixels) -> Iterator[Row]:
    yield from contest(
        options,
        ours(options, lambda settings: prepare_denoise(truth, settings=settings)),
        lambda x: Score(min(psnr(x, truth), IDENTICAL)),
        subject,
        pixels=truth.shape[0] * truth.shape[1],
    )


def _estimates(options: Options, subject: Subject, y: Pixels, level: float) -> Iterator[Row]:
    for method, estimate in ((OURS, _ours), ("scikit-image", _scikit)):
        row = Row(*subject, method, f"at σ={level:g}", megapixels=y[..., 0].size / 1e6)
        if not options.wants(row):
            continue
        if options.dry:
            yield row.noting(TO_BE_MEASURED)
            continue
        clock = Clock()
        found = 255 * estimate(y)
        detail = {"sigma": level, "estimate": found, "error": found - level}
        yield row.measured(Result(y, *clock.read(), detail=detail), Score())


def _ours(y: Pixels) -> float:
    return find_law(to_tensor(y)).sigma


def _scikit(y: Pixels) -> float:
    from skimage.restoration import estimate_sigma as wavelet_estimate

    return float(wavelet_estimate(y, channel_axis=-1, average_sigmas=True))
