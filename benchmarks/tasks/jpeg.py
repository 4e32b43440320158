"""JPEG: artefacts, noise that went through the compression, and enlarging.

Pictures of `denoise/` and `superres/`, compressed by Pillow, 4:2:0. Ours is told nothing that the
file does not say; each peer has the best of five strengths, chosen with the truth, and beside noise
non-local means are told the true error as well.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from benchmarks.measuring.clock import Clock
from benchmarks.measuring.contest import Contender, Result, contest, ours, untouched
from benchmarks.measuring.options import Options
from benchmarks.measuring.pictures import Pixels
from benchmarks.measuring.rows import Row, Subject
from benchmarks.measuring.scores import luminance, psnr, whole
from benchmarks.measuring.tensors import to_pixels, to_tensor
from benchmarks.peers import all_peers, contenders, plainly, shaped
from benchmarks.peers.peer import SIGMA, Peer, Seen
from benchmarks.tasks.superres import trimmed
from chnorm_cli.images import read_pictures
from chnorm_cli.problems.jpeg import Jpeg
from chnorm_cli.problems.operators import Downsample
from chnorm_cli.restoration import prepare_denoise, prepare_superres
from chnorm_cli.scaling.compression import jpeg_of

STRENGTHS = (0.5, 0.75, 1.0, 1.4, 2.0)  # times the true root mean square
TOLD = "nlm, told the error"


def measure(options: Options) -> Iterator[Row]:
    source = options.source
    if options.enlarged:
        yield from _measure_enlarged(options)
        return
    kinds = source.kinds("denoise", "superres")
    dataset = source.dataset(*kinds)
    for quality in options.qualities:
        for level in options.noisy or (0.0,):
            for kind in kinds:
                setting = f"quality {quality}"
                setting = setting if level == 0 else f"σ={level:g}, then {setting}"
                for name, truth in source.pictures(kind):
                    about = Subject("jpeg", dataset, setting + source.words(), name)
                    yield from _clean(options, about, truth, quality, level)


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


def _clean(
    options: Options, subject: Subject, truth: Pixels, quality: int, level: float
) -> Iterator[Row]:
    noise = np.random.default_rng(0).standard_normal(truth.shape, dtype=np.float32)
    y, jpeg = compressed(truth + np.float32(level / 255) * noise, quality)
    sigma = float(np.sqrt(np.square(y - truth).mean()))

    def best_strength(peer: Peer, seen: Seen) -> Callable[[], Result]:
        """Let a peer have the strength that the truth chooses for it."""
        return plainly(peer, seen) if peer.told != SIGMA else lambda: _best(peer, seen, truth)

    yield from contest(
        options,
        [
            untouched(y),
            *contenders(options, "jpeg", Seen(y, sigma=sigma), best_strength),
            *(_told(options, Seen(y, sigma=sigma, threads=options.threads)) if level else ()),
            *ours(options, lambda settings: prepare_denoise(y, jpeg=jpeg, settings=settings)),
        ],
        whole(truth),
        subject,
        pixels=truth.shape[0] * truth.shape[1],
    )


def _measure_enlarged(options: Options) -> Iterator[Row]:
    source = options.source
    kinds = source.kinds("denoise", "superres")
    dataset = source.dataset(*kinds)
    for scale in options.enlarged:
        for quality in options.qualities:
            setting = f"×{scale} of quality {quality}{source.words()}"
            for kind in kinds:
                for name, truth in source.pictures(kind):
                    about = Subject("jpeg", dataset, setting, name)
                    yield from _enlarge(options, about, trimmed(truth, scale), quality, scale)


def _enlarge(
    options: Options, subject: Subject, truth: Pixels, quality: int, scale: int
) -> Iterator[Row]:
    operator = Downsample((truth.shape[0] // scale, truth.shape[1] // scale), scale)
    y, jpeg = compressed(to_pixels(operator.forward(to_tensor(truth))), quality)
    yield from contest(
        options,
        [
            *contenders(options, "superres", Seen(y, scale=scale)),
            *ours(
                options,
                lambda settings: prepare_superres(y, scale, jpeg=jpeg, settings=settings),
            ),
        ],
        luminance(truth, border=scale),
        subject,
        pixels=truth.shape[0] * truth.shape[1],
    )


def _told(options: Options, seen: Seen) -> Iterator[Contender]:
    peer = all_peers()["nlm"]
    if options.wants_peer("nlm") and not peer.why_not():
        yield Contender(TOLD, plainly(peer, seen), version=peer.version(), told=SIGMA)


def _best(peer: Peer, seen: Seen, truth: Pixels) -> Result:
    tried = []
    for strength in STRENGTHS:
        assert seen.sigma is not None
        clock = Clock()
        x = shaped(peer.restore(replace(seen, sigma=strength * seen.sigma)), seen)
        assert isinstance(x, np.ndarray)
        tried.append((psnr(x, truth), Result(x, *clock.read(), detail={"strength": strength})))
    return max(tried, key=lambda each: each[0])[1]
