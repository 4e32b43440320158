"""JPEG: artefacts, noise that went through the compression, and enlarging.

Pictures of `denoise/` and `superres/`, compressed by Pillow, 4:2:0. Ours is told nothing that the
file does not say; each peer has the best of five strengths, chosen with the truth, and where there
was noise, non-local means are told the true error once more, as is usual.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch

from benchmarks.contest import Contender, Result, contest, ours, timed
from benchmarks.options import Options
from benchmarks.peers import DENOISERS, ENLARGERS, nlm, to_pixels, to_tensor
from benchmarks.pictures import Pixels
from benchmarks.rows import Row
from benchmarks.scores import luminance, psnr, whole
from benchmarks.superres import trimmed
from chnorm_cli.images import read_pictures
from chnorm_cli.problems.jpeg import Jpeg
from chnorm_cli.problems.operators import Downsample
from chnorm_cli.restoration import prepare_denoise, prepare_superres
from chnorm_cli.scaling.compression import jpeg_of

STRENGTHS = (0.5, 0.75, 1.0, 1.4, 2.0)  # times the true root mean square
TOLD = "nlm, told the error"


def measure(options: Options) -> Iterator[Row]:
    for kind in ("denoise", "superres"):
        for name, truth in options.source.pictures(kind):
            for quality in options.qualities:
                for scale in options.scales:
                    yield from _enlarge(options, name, trimmed(truth, scale), quality, scale)
                for level in () if options.scales else options.noisy or (0.0,):
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
            *_peers(options, y, truth, noisy=level > 0),
            *ours(options, lambda settings: prepare_denoise(y, jpeg=jpeg, settings=settings)),
        ],
        whole(truth),
        task="jpeg",
        setting=setting + options.source.words(),
        picture=name,
        repeat=options.repeat,
    )


def _enlarge(options: Options, name: str, truth: Pixels, quality: int, scale: int) -> Iterator[Row]:
    operator = Downsample((truth.shape[0] // scale, truth.shape[1] // scale), scale)
    y, jpeg = compressed(to_pixels(operator.forward(to_tensor(truth))), quality)
    yield from contest(
        [
            Contender("bicubic", timed(lambda: ENLARGERS["bicubic"](y, scale))),
            *ours(
                options,
                lambda settings: prepare_superres(y, scale, jpeg=jpeg, settings=settings),
            ),
        ],
        luminance(truth, border=scale),
        task="jpeg",
        setting=f"×{scale} of quality {quality}{options.source.words()}",
        picture=name,
        repeat=options.repeat,
    )


def _peers(options: Options, y: Pixels, truth: Pixels, *, noisy: bool) -> list[Contender]:
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

    contenders = [
        Contender(name, best(run))
        for name, run in peers.items()
        if options.wants_peer(name, unasked=name != "wavelet")
    ]
    if noisy and options.wants_peer("nlm"):
        told = timed(lambda: nlm(y, sigma, options.threads).reshape(y.shape))
        contenders.append(Contender(TOLD, told))
    return contenders


def bilateral(y: Pixels, sigma: float, threads: int) -> Pixels:
    """Bilateral filter: colours within 3 σ, places within 1.5 pixels."""
    from skimage.restoration import denoise_bilateral

    return denoise_bilateral(
        y.clip(0, 1), sigma_color=3.0 * sigma, sigma_spatial=1.5, channel_axis=-1
    )
