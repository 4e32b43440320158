"""One law of the noise for all planes of a stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from chnorm_cli.noise.law import Law
from chnorm_cli.noise.names import Kind
from chnorm_cli.noise.silence import find_silence
from chnorm_cli.restoration.beginning import Said, begin
from chnorm_cli.restoration.common import Pixels

ENOUGH = 8  # planes, evenly spread over the stack, tell what all of them would


def laws_of_planes(planes: Sequence[Pixels], noise: str = Kind.AUTO) -> list[Law]:
    """Find the law that (H, W, C) planes share, from all of them together, and give it for each.

    One camera took them all: what is seen of its noise in one plane holds for the others, and a
    dark plane says little of its own. Only what is flat differs from plane to plane.
    """
    chosen = np.unique(np.linspace(0, len(planes) - 1, ENOUGH).round().astype(int))
    together = np.concatenate([planes[index] for index in chosen])
    y = torch.from_numpy(together).movedim(-1, 0).contiguous()
    law = begin(y, Said(noise=noise)).law

    def own(plane: Pixels) -> Law:
        flat = find_silence(torch.from_numpy(plane).movedim(-1, 0).contiguous()).flat
        return replace(law, flat=flat if bool(flat.any()) else None)

    return [own(plane) for plane in planes]
