"""Which axes the pages and samples of a file are: time, depth, channel, …, in tifffile's letters.

| letter | axis |
| --- | --- |
| `Y`, `X`, `S` | height, width, samples of a pixel (colours, channels, alpha) |
| `C`, `Z`, `T` | channel, depth, time |
| `E` | wavelength, energy, velocity (tifffile's "lambda") |
| `I`, `Q` | pages one after another; an axis that nobody named |
| others | as the TIFF names them: `A` angle, `P` phase, `R` tile, `H` lifetime, … |
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from chnorm_cli.images.samples import SampleRule, apply_rule

if TYPE_CHECKING:
    from chnorm_cli.images.picture import Picture

SAME_CAMERA = frozenset("ZT")  # along these nothing changes how light became numbers


@dataclass(frozen=True)
class Place:
    """Where a page stands: at ``index`` of the axes of its series that come before those of a page.

    ``axes`` are all axes of the series, e.g. "TZCYX", and ``sizes`` the lengths of those before the
    page's own. ``series`` counts the stacks of a file from 0.
    """

    axes: str
    sizes: tuple[int, ...] = ()
    index: tuple[int, ...] = ()
    series: int = 0

    @property
    def before(self) -> str:
        """The axes before those of a page."""
        return self.axes[: len(self.sizes)]

    @property
    def channel(self) -> int:
        """Which channel it is of, from 0; 0 where the series has none."""
        at = self.before.find("C")
        return 0 if at < 0 else self.index[at]

    @property
    def named(self) -> bool:
        """Whether the pages of a channel are sure to come from one camera: a stack in depth or time."""
        return set(self.before) - {"C"} <= SAME_CAMERA


def in_words(places: Sequence[Place | None]) -> str:
    """Say what the pages of a file are, e.g. " (T 2 × Z 3 × C 2)"; nothing where nobody named them."""
    first = places[0] if places else None
    if first is None or len(places) != math.prod(first.sizes) or set(first.before) <= {*"IQ"}:
        return ""
    named = zip(first.before, first.sizes, strict=True)
    return f" ({' × '.join(f'{axis} {size}' for axis, size in named)})"


def planes_of_channels(pictures: Sequence["Picture"]) -> list[list[int]]:
    """Group the pages (by their number, from 0) that are planes of one channel of one series."""

    def key(number: int) -> tuple[int, ...]:
        picture = pictures[number]
        if picture.place is None:
            return (-1, number)
        return (picture.place.series, picture.place.channel, *picture.pixels.shape)

    numbers = sorted(range(len(pictures)), key=key)
    return [list(group) for _, group in groupby(numbers, key)]


def of_one_range(pictures: Sequence["Picture"]) -> list["Picture"]:
    """Give the planes of each channel one rule between samples and pixels, that of the widest range.

    Else a number of the file, and the level of its noise, would mean something else on each plane.
    """
    same = list(pictures)
    for group in planes_of_channels(pictures):
        ranges = {same[number].value_range for number in group}
        if len(ranges) == 1:
            continue
        low = min(offset for offset, _ in ranges)
        span = max(offset + width for offset, width in ranges) - low
        rule = SampleRule(np.dtype(np.float32), low, span)
        for number in group:
            picture = same[number]
            stored = picture.pixels if picture.stored is None else picture.stored
            same[number] = replace(
                picture, pixels=apply_rule(stored, rule), value_range=(low, span), stored=stored
            )
    return same


def axes_of(
    pictures: Sequence["Picture"], size: tuple[int, int] | None = None
) -> tuple[str, list[int]] | None:
    """Give the axes of the pictures of a file and their lengths, e.g. ("TZCYX", [2, 3, 2, 64, 64]).

    ``size`` is (H, W) where the picture is only the first pixel of the whole. None where they are no
    one array: several series, pages of several sizes, or not all of a stack.
    """
    first = pictures[0]
    height, width = size or first.shape
    samples = first.pixels.shape[2] + (first.alpha is not None)
    lengths = {"Y": height, "X": width, "S": samples}
    own = "YXS" if samples > 1 else "YX"
    place = first.place
    if place is not None:
        own = place.axes[len(place.sizes) :]
        if sorted(own) != sorted("YXS" if samples > 1 else "YX"):
            own = "YXS" if samples > 1 else "YX"
    if len(pictures) == 1:
        return own, [lengths[axis] for axis in own]
    whole = place is not None and len(pictures) == math.prod(place.sizes)
    alike = all(
        p.place is not None and p.place.series == first.place.series
        for p in pictures
        if first.place is not None
    )
    if place is None or not whole or not alike:
        return None
    return place.before + own, [*place.sizes, *(lengths[axis] for axis in own)]
