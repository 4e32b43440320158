"""Inpainting: pixels and discs missing at random, and masks of text, scratches and large holes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch

from benchmarks.measuring.contest import Contender, Result, contest, ours, untouched
from benchmarks.measuring.options import Options
from benchmarks.measuring.pictures import Pixels, save
from benchmarks.measuring.rows import Row, Subject
from benchmarks.measuring.scores import Score, whole, within
from benchmarks.peers import contenders, watch
from benchmarks.peers.peer import Seen
from benchmarks.tasks.denoise import noisy
from chnorm_cli.fitting.settings import FitSettings
from chnorm_cli.restoration import Restoration, prepare_inpaint

# In these two the holes are what is to go, a bookcase's text and a crack: there is no truth below.
WITHOUT_TRUTH = {"library", "vase"}


def measure(options: Options) -> Iterator[Row]:
    source = options.source
    everything = not options.missing and not options.masks and not options.discs
    for fraction in (0.5, 0.8) if everything else options.missing:
        for name, truth in source.pictures("denoise"):
            missing = np.random.default_rng(0).random(truth.shape[:2]) < fraction
            setting = f"{fraction:.0%} missing"
            for sigma in options.noisy:
                about = _subject(options, f"{setting}, σ={sigma:g}", name)
                yield from _fill_and_clean(options, about, truth, missing, sigma)
            if not options.noisy:
                yield from _fill(options, _subject(options, setting, name), truth, missing)
    for radius in options.discs:
        for name, truth in source.pictures("denoise"):
            about = _subject(options, f"discs of radius {radius}", name)
            yield from _fill(options, about, truth, _discs(truth.shape[:2], radius))
    if everything or options.masks:
        for name, truth, missing in source.masked():
            yield from _fill(options, _subject(options, "mask", name, "inpaint"), truth, missing)


def _subject(options: Options, setting: str, name: str, kind: str = "denoise") -> Subject:
    source = options.source
    return Subject("inpaint", source.dataset(kind), setting + source.words(), name)


def _discs(size: tuple[int, ...], radius: int) -> np.ndarray:
    """Give 24 discs for every 256² pixels, at random places; they may overlap."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[: size[0], : size[1]]
    missing = np.zeros(size[:2], dtype=bool)
    for _ in range(round(24 * size[0] * size[1] / 256**2)):
        row, column = random.random(2) * size[:2]
        missing |= (rows - row) ** 2 + (columns - column) ** 2 <= radius**2
    return missing


def _fill(options: Options, subject: Subject, truth: Pixels, missing: np.ndarray) -> Iterator[Row]:
    y = np.where(missing[..., None], np.float32(0), truth)
    known = torch.from_numpy(~missing)
    blind = subject.picture in WITHOUT_TRUTH
    score = (lambda x: Score()) if blind else within(truth, missing)
    seen = Seen(
        y,
        missing=missing,
        watch=watch(options, score, truth.shape, lambda x: x * known.to(x.device)),
    )
    yield from contest(
        options,
        [
            *contenders(options, "inpaint", seen),
            *ours(options, lambda settings: prepare_inpaint(y, missing, settings=settings)),
        ],
        score,
        subject,
        pixels=truth.shape[0] * truth.shape[1],
        see=_before_and_after(options, subject.picture, y) if blind else lambda *_: None,
    )


def _fill_and_clean(
    options: Options, subject: Subject, truth: Pixels, missing: np.ndarray, sigma: float
) -> Iterator[Row]:
    """Fill a noisy picture and clean all of it, told how noisy it is and not."""
    y = np.where(missing[..., None], np.float32(0), noisy(truth, sigma))

    def prepare(settings: FitSettings, told: float | None = None) -> Restoration:
        return prepare_inpaint(y, missing, sigma=told, clean=True, settings=settings)

    yield from contest(
        options,
        [
            untouched(y),
            *ours(options, prepare),
            *ours(options, lambda settings: prepare(settings, sigma), ", told σ"),
        ],
        whole(truth),
        subject,
        pixels=truth.shape[0] * truth.shape[1],
    )


def _before_and_after(
    options: Options, name: str, y: Pixels
) -> Callable[[Contender, Result], None]:
    def see(contender: Contender, result: Result) -> None:
        title = "-".join(filter(None, [name, contender.method, contender.effort]))
        save(options.save / f"{title.replace(', ', '-').replace(' ', '_')}.png", y, result.pixels)

    return see
