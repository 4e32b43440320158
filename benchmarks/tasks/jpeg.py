"""JPEG: artefacts, and noise that went through the compression.

Pictures of `denoise/` and `superres/`, compressed by Pillow, 4:2:0. Ours is told nothing that the
file does not say; each peer has the best of five strengths, chosen with the truth.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch

from benchmarks.measuring.contest import Contender, Result, contest, ours, timed
from benchmarks.measuring.options import Options
from benchmarks.measuring.pictures import Pixels
from benchmarks.measuring.rows import Row
from benchmarks.measuring.scores import psnr, whole
from benchmarks.peers import DENOISERS
from chnorm_cli.images import read_pictures
from chnorm_cli.problems.jpeg import Jpeg
from chnorm_cli.restoration import prepare_denoise
from chnorm_cli.scaling.compression import jpeg_of

STRENGTHS = (0.5, 0.75, 1.0, 1.4, 2.0)  # times the true root mean square


def measure(options: Options) -> Iterator[Row]:
    for kind in ("denoise", "superres"):
        for name, truth in options.source.pictures(kind):
            for quality in options.qualities:
                for level in options.noisy or (0.0,):
                    yield from _clean(options, name, truth, quality, level)


def compressed(pixels: Pixels, quality: int) -> tuple[Pixels, Jpeg | None]:
    """Give the decoded JPEG of a picture, and what its file says."""
    from PIL import Image

    samples = np.rint(pixels.clip(0, 1) * 255).astype(np.uint8)
    gray = samples.shape[2] == 1
    image = Image.fromarray(samples[..., 0] if gray else samples)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, **({} if gray else {"subsampling": 2}))
    (picture,) = read_pictures(buffer.getvalue(), name="compressed.jpg")
    return picture.pixels, jpeg_of(picture)


def _clean(options: Options, name: str, truth: Pixels, quality: int, level: float) -> Iterator[Row]:
    noise = np.random.default_rng(0).standard_normal(truth.shape, dtype=np.float32)
    y, jpeg = compressed(truth + np.float32(level / 255) * noise, quality)
    setting = f"quality {quality}" if level == 0 else f"σ={level:g}, then quality {quality}"
    yield from contest(
        [
            Contender("decoded", timed(lambda: y)),
            *_peers(options, y, truth),
            *ours(options, lambda settings: prepare_denoise(y, jpeg=jpeg, settings=settings)),
        ],
        whole(truth),
        task="jpeg",
        setting=setting + options.source.words(),
        picture=name,
        repeat=options.repeat,
    )


def _peers(options: Options, y: Pixels, truth: Pixels) -> list[Contender]:
    torch.set_num_threads(options.threads)
    sigma = float(np.sqrt(np.square(y - truth).mean()))
    peers = {"bilateral": bilateral, **DENOISERS}

    def best(run: Callable[[Pixels, float, int], Pixels]) -> Callable[[], Result]:
        def found() -> Result:
            tried = []
            for strength in STRENGTHS:
                started = time.perf_counter()
                x = run(y, strength * sigma, options.threads).reshape(y.shape)
                tried.append((psnr(x, truth), x, time.perf_counter() - started, strength))
            _, x, seconds, strength = max(tried, key=lambda each: each[0])
            return Result(x, seconds, detail={"strength": strength})

        return found

    return [
        Contender(name, best(run))
        for name, run in peers.items()
        if options.wants_peer(name, unasked=name != "wavelet")
    ]


def bilateral(y: Pixels, sigma: float, threads: int) -> Pixels:
    """Bilateral filter: colours within 3 σ, places within 1.5 pixels."""
    from skimage.restoration import denoise_bilateral

    return denoise_bilateral(
        y.clip(0, 1), sigma_color=3.0 * sigma, sigma_spatial=1.5, channel_axis=-1
    )
