"""Denoising: Gaussian noise, or that of a camera; σ known to the peers and estimated by ours."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks import dip
from benchmarks.measuring.contest import Contender, contest, ours, timed
from benchmarks.measuring.options import Options
from benchmarks.measuring.pictures import Pixels
from benchmarks.measuring.rows import Row
from benchmarks.measuring.scores import whole
from benchmarks.peers import DENOISERS
from chnorm_cli.restoration import prepare_denoise


def measure(options: Options) -> Iterator[Row]:
    if options.real:
        for name, y, truth in options.source.shot():
            sigma = float(np.sqrt(np.square(y - truth).mean()))
            yield from _denoise(options, name, y, truth, sigma, "camera noise")
        return
    for name, truth in options.source.pictures("denoise"):
        for sigma in options.sigmas:
            y = noisy(truth, sigma)
            yield from _denoise(options, name, y, truth, sigma / 255, f"σ={sigma:g}")


def _denoise(
    options: Options, name: str, y: Pixels, truth: Pixels, sigma: float, setting: str
) -> Iterator[Row]:
    score = whole(truth)
    yield from contest(
        [
            *_peers(options, y, sigma),
            *ours(options, lambda settings: prepare_denoise(y, settings=settings)),
            *dip.contenders(options, y, score, truth.shape),
        ],
        score,
        task="denoise",
        setting=setting + options.source.words(),
        picture=name,
        repeat=options.repeat,
    )


def noisy(truth: Pixels, sigma: float) -> Pixels:
    """Add noise of `sigma` (0–255 scale), the same in every run."""
    noise = np.random.default_rng(0).standard_normal(truth.shape, dtype=np.float32)
    return truth + np.float32(sigma / 255) * noise


def _peers(options: Options, y: Pixels, sigma: float) -> list[Contender]:
    return [
        Contender(name, timed(lambda peer=peer: peer(y, sigma, options.threads).reshape(y.shape)))
        for name, peer in DENOISERS.items()
        if options.wants_peer(name)
    ]
