"""Whether a JPEG is cleaned before it is enlarged or its holes are filled."""

from __future__ import annotations

from chnorm_cli.noise.names import Kind
from chnorm_cli.problems.jpeg import Jpeg
from chnorm_cli.restoration.artefacts import Wrong, what_is_wrong
from chnorm_cli.restoration.beginning import Beginning


def artefacts_in(jpeg: Jpeg | None, beginning: Beginning, tile: int | None = None) -> Wrong | None:
    """Give what is to be taken out of a JPEG, in tiles of `tile`² pixels where they are asked for.

    None where it is little, or noise or faults come first.
    """
    said = beginning.said
    spoken = said.level_given or said.noise != Kind.AUTO or said.strength == 0
    if jpeg is None or spoken or beginning.bad is not None or beginning.banding is not None:
        return None
    wrong = what_is_wrong(beginning.y, jpeg, beginning.law, tile)
    if wrong is None or not wrong.visible:
        return None
    noise_first = wrong.chance == 1.0 and beginning.removed is not None
    return None if noise_first else wrong
