"""Denoising: Gaussian noise, or that of a camera; σ known to the peers and estimated by ours."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.measuring.contest import contest, ours, untouched
from benchmarks.measuring.options import Options
from benchmarks.measuring.pictures import Pixels
from benchmarks.measuring.rows import Row, Subject
from benchmarks.measuring.scores import whole
from benchmarks.peers import contenders, watch
from benchmarks.peers.peer import Seen
from chnorm_cli.restoration import prepare_denoise


def measure(options: Options) -> Iterator[Row]:
    source = options.source
    if options.real:
        for name, y, truth in source.shot():
            sigma = float(np.sqrt(np.square(y - truth).mean()))
            subject = Subject(
                "denoise", source.dataset("real"), _words(options, "real noise"), name
            )
            yield from _denoise(options, subject, y, truth, sigma)
        return
    for sigma in options.sigmas:
        for name, truth in source.pictures("denoise"):
            setting = _words(options, f"σ={sigma:g}")
            subject = Subject("denoise", source.dataset("denoise"), setting, name)
            yield from _denoise(options, subject, noisy(truth, sigma), truth, sigma / 255)


def _denoise(
    options: Options, subject: Subject, y: Pixels, truth: Pixels, sigma: float
) -> Iterator[Row]:
    score = whole(truth)
    seen = Seen(y, sigma=sigma, watch=watch(options, score, truth.shape))
    yield from contest(
        options,
        [
            untouched(y),
            *contenders(options, "denoise", seen),
            *ours(options, lambda settings: prepare_denoise(y, settings=settings)),
        ],
        score,
        subject,
        pixels=truth.shape[0] * truth.shape[1],
    )


def _words(options: Options, setting: str) -> str:
    return setting + options.source.words()


def noisy(truth: Pixels, sigma: float) -> Pixels:
    """Add noise of `sigma` (0–255 scale), the same in every run."""
    noise = np.random.default_rng(0).standard_normal(truth.shape, dtype=np.float32)
    return truth + np.float32(sigma / 255) * noise
