"""One law of the noise for all planes of a channel: one camera took them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from chnorm_cli.scaling.parts import Part, parts_of
from chnorm_cli.scaling.preparing import observed
from chnorm_cli.scaling.requests import Request
from chnorm_cli.scaling.same_noise import law_in, to_be_found

if TYPE_CHECKING:
    from chnorm_cli.images import Picture
    from chnorm_cli.noise.law import Law


class SharedLaws:
    """The laws of the channels of a stack, each found when its first plane is restored.

    Where nobody says what the pages of a file are, they share a law only if it is that of each.
    """

    def __init__(self, pictures: Sequence[Picture], request: Request) -> None:
        from chnorm_cli.images import planes_of_channels

        self._pictures, self._request = pictures, request
        self._found: dict[tuple[int, int], Law | None] = {}
        groups = planes_of_channels(pictures) if to_be_found(request.task.noise) else []
        self._group = {number: group for group in groups if len(group) > 1 for number in group}

    def of(self, number: int, part: Part) -> Law | None:
        """Give the law for a part of page `number` (from 0); None: the page has to say it alone."""
        if self._request.laws is not None:
            return law_in(self._request.laws, part, self._request)
        group = self._group.get(number)
        if group is None:
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
