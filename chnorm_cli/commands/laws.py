"""The law of the noise of one file, and all that `chnorm noise` says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from chnorm_cli.commands.streams import source_of
from chnorm_cli.images import Picture, axes_of, is_picture_folder, read_pictures
from chnorm_cli.noise.bad_pixels import BadPixels
from chnorm_cli.noise.banding import Banding
from chnorm_cli.noise.law import Law
from chnorm_cli.noise.level import Level
from chnorm_cli.noise.points import Points, measure
from chnorm_cli.noise.silence import find_silence
from chnorm_cli.restoration.beginning import Beginning, Said, begin
from chnorm_cli.scaling.course import layout_of, size_of
from chnorm_cli.scaling.own_numbers import numbers_of
from chnorm_cli.scaling.parts import parts_of
from chnorm_cli.scaling.report import finite
from chnorm_cli.scaling.requests import Denoise, Page, Request
from chnorm_cli.scaling.stack import Stack

SCHEMA = "chnorm.noise/1"
REACH = 3  # pixels, over which the correlation of neighbours is told


@dataclass(frozen=True)
class Told:
    """A picture, the law of its noise, and what was measured: None where too little is smooth."""

    name: str
    picture: Picture
    law: Law
    points: Points | None
    page: int | None = None  # from 1, where there are several
    channel: int | None = None  # from 1, of those that are restored one by one
    whole: Picture | None = None  # the page, where the picture is one of its channels
    bad: BadPixels | None = None
    banding: Banding | None = None

    @property
    def level(self) -> Level:
        """The level in the numbers of the file."""
        offset, span = numbers_of(self.picture)
        return self.law.level.scaled(span, offset)

    @property
    def sigmas(self) -> tuple[float, float, float]:
        """The standard deviation in the mean, in the dark and in the light, in the file's numbers."""
        _, span = numbers_of(self.picture)
        dark, light = self.law.levels()
        return span * self.law.sigma, span * dark, span * light

    @property
    def sentences(self) -> list[str]:
        """What a person should know: the law, or why there is nothing to remove; then the faults."""
        doubt = self.law.doubt
        faults = (self.bad, self.banding)
        return [
            self.law.sentence() if doubt is None else doubt.sentence,
            *(fault.sentence() for fault in faults if fault is not None),
        ]


def find_told(text: str, *, page: Page, max_pixels: int) -> list[Told]:
    """Read the pages of a file (or of standard input for `-`) and find the law of each.

    Channels that are no colours have one each, and the planes of a channel of a stack share theirs.
    """
    source, name = source_of(text)
    whole = isinstance(source, Path) and is_picture_folder(source)
    pictures = read_pictures(source, name=name, page=page, max_pixels=max_pixels, streamed=whole)
    stack = Stack(pictures, Request(Denoise(), source, None, name))
    told = []
    for number, picture in enumerate(pictures):
        for part in parts_of(picture):
            # As denoise sees it: below full transparency lies nothing that counts.
            y = torch.from_numpy(part.picture.visible_pixels()).movedim(-1, 0).contiguous()
            seen = begin(y, Said(), told=stack.law(number, part))
            told.append(
                Told(
                    name,
                    part.picture,
                    seen.law,
                    _points(seen),
                    number + 1 if len(pictures) > 1 else None,
                    part.number if part.count > 1 else None,
                    picture,
                    seen.bad,
                    seen.banding,
                )
            )
    return told


def _points(seen: Beginning) -> Points | None:
    """Measure the noise where nothing is bad, and without banding."""
    silence = find_silence(seen.y)
    if seen.holes is not None:
        silence = replace(silence, flat=silence.flat | ~seen.known)
    return measure(seen.whole, silence)


def correlation(law: Law) -> Tensor | None:
    """Give the correlation (2·REACH + 1, …) of a pixel with its neighbours; None where there is none."""
    kernel = law.noise.kernel
    if kernel is None:
        return None
    side = kernel.shape[-1]
    shared = F.conv2d(kernel, kernel, padding=side - 1)  # (C, C, 2·side − 1, …) at every lag
    mean = shared.diagonal().mean(-1)  # of the colours
    middle = mean.shape[-1] // 2
    reach = min(REACH, middle)
    near = slice(middle - reach, middle + reach + 1)
    unit: Tensor = mean[near, near] / mean[middle, middle]
    return unit


def describe(told: Sequence[Told]) -> dict[str, Any]:
    """Give the JSON object of one file; docs/shell.md documents the keys."""
    pages = [list(group) for _, group in groupby(told, lambda one: one.page)]
    laws = [_describe_page(page) for page in pages]
    wholes = [page[0].whole or page[0].picture for page in pages]
    axes = axes_of(wholes)
    report: dict[str, Any] = finite(
        {
            "schema": SCHEMA,
            "status": "ok",
            "command": "noise",
            "input": told[0].name,
            "input_size": list(size_of(wholes[0])),
            "layout": layout_of(wholes[0]),
            "axes": None if axes is None else axes[0],
            "shape": None if axes is None else axes[1],
            **(laws[0] if len(laws) == 1 else {"pages": laws}),
            "notes": list(dict.fromkeys(note for whole in wholes for note in whole.notes)),
        }
    )
    return report


def _describe_page(parts: Sequence[Told]) -> dict[str, Any]:
    laws = [_describe_law(one) for one in parts]
    return laws[0] if len(laws) == 1 else {"channels": laws}


def _describe_law(one: Told) -> dict[str, Any]:
    shared = correlation(one.law)
    sigma, dark, light = one.sigmas
    level = one.level
    return {
        "noise": one.law.as_dict(),
        "bad_pixels": None if one.bad is None else one.bad.as_dict(),
        "banding": None if one.banding is None else one.banding.as_dict(),
        "own_numbers": {
            "sigma": _rounded(sigma),
            "sigma_dark": _rounded(dark),
            "sigma_light": _rounded(light),
            "read": [_rounded(v) for v in level.read.tolist()],
            "gain": [_rounded(v) for v in level.gain.tolist()],
            "black": [_rounded(v) for v in level.black.tolist()],
        },
        "points": _describe_points(one.points),
        "correlation": None
        if shared is None
        else [[round(v, 4) for v in row] for row in shared.tolist()],
    }


def _describe_points(points: Points | None) -> list[dict[str, list[float]]] | None:
    """Give brightness and σ, on the scale on which white is 255, of the classes of each colour."""
    if points is None:
        return None
    sigma = points.variance.clamp_min(0.0).sqrt()
    return [
        {
            "brightness": [_rounded(255 * v) for v in x.tolist()],
            "sigma": [_rounded(255 * v) for v in s.tolist()],
        }
        for x, s in zip(points.brightness, sigma, strict=True)
    ]


def _rounded(value: float) -> float:
    """Round to six digits, whatever the size: fluxes are far smaller than 1."""
    return float(f"{value:.6g}")


def brightnesses(law: Law, channels: int) -> Tensor:
    """Give the brightnesses (C, 129) at which a curve is drawn."""
    return torch.linspace(law.low, law.high, 129).expand(channels, -1)
