"""One picture being restored: prepare it, iterate over its steps, read its solution.

    restoration = prepare_denoise(pixels, settings=FitSettings(effort=Effort.FAST))
    for step in restoration:
        print(step.loss)
    restored = restoration.solution.pixels

Commands and the array API are both thin over this package.
"""

from chnorm_cli.noise.law import Law
from chnorm_cli.restoration.denoise import prepare_denoise
from chnorm_cli.restoration.inpaint import prepare_inpaint
from chnorm_cli.restoration.missing import fill_missing
from chnorm_cli.restoration.neighbours import Joint, is_near, with_neighbours
from chnorm_cli.restoration.planes import (
    law_as_said,
    law_of_planes,
    law_on_plane,
    laws_of_planes,
    spread,
)
from chnorm_cli.restoration.restoration import Restoration
from chnorm_cli.restoration.superres import prepare_superres

__all__ = [
    "Joint",
    "Law",
    "Restoration",
    "fill_missing",
    "is_near",
    "law_as_said",
    "law_of_planes",
    "law_on_plane",
    "laws_of_planes",
    "prepare_denoise",
    "prepare_inpaint",
    "prepare_superres",
    "spread",
    "with_neighbours",
]
