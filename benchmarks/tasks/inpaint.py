"""Inpainting: pixels and discs missing at random, and masks of text, scratches and large holes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch

from benchmarks import dip
from benchmarks.measuring.contest import Contender, Result, contest, ours, timed
from benchmarks.measuring.options import Options
from benchmarks.measuring.pictures import Pixels, save
from benchmarks.measuring.rows import Row
from benchmarks.measuring.scores import Score, whole, within
from benchmarks.peers import FILLERS
from benchmarks.tasks.denoise import noisy
from chnorm_cli.fitting.settings import FitSettings
from chnorm_cli.restoration import Restoration, prepare_inpaint

# In these two the holes are what is to go, a bookcase's text and a crack: there is no truth below.
WITHOUT_TRUTH = {"library", "vase"}


def measure(options: Options) -> Iterator[Row]:
    everything = not options.missing and not options.masks and not options.discs
    for fraction in (0.5, 0.8) if everything else options.missing:
        for name, truth in options.source.pictures("denoise"):
            missing = np.random.default_rng(0).random(truth.shape[:2]) < fraction
            for sigma in options.noisy:
                yield from _fill_and_clean(options, name, truth, missing, fraction, sigma)
            if not options.noisy:
                yield from _fill(options, name, truth, missing, f"{fraction:.0%} missing")
    for radius in options.discs:
        for name, truth in options.source.pictures("denoise"):
            missing = _discs(truth.shape[:2], radius)
            yield from _fill(options, name, truth, missing, f"discs of radius {radius}")
    if everything or options.masks:
        for name, truth, missing in options.source.masked():
            yield from _fill(options, name, truth, missing, "mask")


def _discs(size: tuple[int, ...], radius: int) -> np.ndarray:
    """Give 24 discs for every 256² pixels, at random places; they may overlap."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[: size[0], : size[1]]
    missing = np.zeros(size[:2], dtype=bool)
    for _ in range(round(24 * size[0] * size[1] / 256**2)):
        row, column = random.random(2) * size[:2]
        missing |= (rows - row) ** 2 + (columns - column) ** 2 <= radius**2
    return missing


def _fill(
    options: Options, name: str, truth: Pixels, missing: np.ndarray, setting: str
) -> Iterator[Row]:
    y = np.where(missing[..., None], np.float32(0), truth)
    known = torch.from_numpy(~missing)
    blind = name in WITHOUT_TRUTH
    score = (lambda x: Score()) if blind else within(truth, missing)
    yield from contest(
        [
            *_peers(options, y, missing),
            *ours(options, lambda settings: prepare_inpaint(y, missing, settings=settings)),
            *dip.contenders(options, y, score, truth.shape, lambda x: x * known.to(x.device)),
        ],
        score,
        task="inpaint",
        setting=setting + options.source.words(),
        picture=name,
        repeat=options.repeat,
        see=_before_and_after(options, name, y) if blind else lambda contender, result: None,
    )


def _fill_and_clean(
    options: Options, name: str, truth: Pixels, missing: np.ndarray, fraction: float, sigma: float
) -> Iterator[Row]:
    """Fill a noisy picture and clean all of it, told how noisy it is and not."""
    y = np.where(missing[..., None], np.float32(0), noisy(truth, sigma))

    def prepare(settings: FitSettings, told: float | None = None) -> Restoration:
        return prepare_inpaint(y, missing, sigma=told, clean=True, settings=settings)

    yield from contest(
        [
            *ours(options, prepare),
            *ours(options, lambda settings: prepare(settings, sigma), ", told σ"),
        ],
        whole(truth),
        task="inpaint",
        setting=f"{fraction:.0%} missing, σ={sigma:g}{options.source.words()}",
        picture=name,
        repeat=options.repeat,
    )


def _peers(options: Options, y: Pixels, missing: np.ndarray) -> list[Contender]:
    return [
        Contender(name, timed(lambda peer=peer: peer(y, missing).reshape(y.shape)))
        for name, peer in FILLERS.items()
        if options.wants_peer(name)
    ]


def _before_and_after(
    options: Options, name: str, y: Pixels
) -> Callable[[Contender, Result], None]:
    def see(contender: Contender, result: Result) -> None:
        title = "-".join(filter(None, [name, contender.method, contender.effort]))
        save(options.save / f"{title.replace(', ', '-').replace(' ', '_')}.png", y, result.pixels)

    return see
