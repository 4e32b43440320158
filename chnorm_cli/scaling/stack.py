"""What the planes of a stack have in common: one law of the noise, and what neighbours show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from chnorm_cli.fitting.settings import Fit
from chnorm_cli.scaling.own_numbers import noise_arguments
from chnorm_cli.scaling.parts import Part, parts_of
from chnorm_cli.scaling.preparing import observed
from chnorm_cli.scaling.requests import Denoise, Request
from chnorm_cli.scaling.same_noise import law_in, to_be_found

if TYPE_CHECKING:
    from chnorm_cli.images import Picture
    from chnorm_cli.noise.law import Law
    from chnorm_cli.restoration import Joint


class Stack:
    """The pages of a file, some of which are planes of one channel.

    One camera took them all: the law of a channel is found when its first plane is restored. Where
    nobody says what the pages of a file are, they share a law only if it is that of each.
    """

    def __init__(self, pictures: Sequence[Picture], request: Request) -> None:
        from chnorm_cli.images import planes_of_channels

        self._pictures, self._request = pictures, request
        self._found: dict[tuple[int, int], Law | None] = {}
        groups = [group for group in planes_of_channels(pictures) if len(group) > 1]
        self._group = {number: group for group in groups for number in group}

    def law(self, number: int, part: Part) -> Law | None:
        """Give the law for a part of page `number` (from 0); None: the page has to say it alone."""
        if self._request.laws is not None:
            return law_in(self._request.laws, part, self._request)
        group = self._group.get(number)
        if group is None or not to_be_found(self._request.task.noise):
            return None
        key = (group[0], part.number)
        if key not in self._found:
            self._found[key] = self._find(group, part.number)
        law = self._found[key]
        if law is None:
            return None
        from chnorm_cli.restoration import law_on_plane

        pixels, mask = observed(part.picture, self._request)
        return law_on_plane(law, pixels, None if mask is None else mask.missing)

    def joint(self, number: int, part: Part, law: Law | None) -> Joint | None:
        """Give the planes that are denoised together with a part of page `number`, if any are."""
        task, fit = self._request.task, self._request.settings.fit
        group = self._group.get(number, [])
        if not isinstance(task, Denoise) or not task.noise.strength or fit is Fit.PRIOR:
            return None
        if len(group) < 3 or part.picture.pixels.shape[2] != 1:
            return None
        from chnorm_cli.restoration import is_near, law_as_said, with_neighbours

        pixels, _ = observed(part.picture, self._request)
        if law is None and not to_be_found(task.noise):
            said = noise_arguments(part.picture, task.noise)
            law = law_as_said(pixels, sigma=said["sigma"], level=said["level"])
        if law is None:
            return None
        here = self._index(number)
        near = [k for k in group if k == number or is_near(here, self._index(k))]
        planes = [
            observed(parts_of(self._pictures[k])[part.number - 1].picture, self._request)[0]
            for k in near
        ]
        return with_neighbours(planes, [self._index(k) for k in near], near.index(number), law)

    def _index(self, number: int) -> tuple[int, ...]:
        place = self._pictures[number].place
        return () if place is None else place.index

    def _find(self, group: Sequence[int], part: int) -> Law | None:
        from chnorm_cli.restoration import law_of_planes, spread

        place = self._pictures[group[0]].place
        planes, holes = [], []
        for at in spread(len(group), self._pictures[group[0]].pixels[..., 0].size):
            picture = parts_of(self._pictures[group[at]])[part - 1].picture
            pixels, mask = observed(picture, self._request)
            planes.append(pixels)
            holes.append(np.zeros(picture.shape, bool) if mask is None else mask.missing)
        return law_of_planes(
            planes,
            self._request.task.noise.kind,
            missing=holes if any(mask.any() for mask in holes) else None,
            doubtful=place is None or not place.named,
        )
