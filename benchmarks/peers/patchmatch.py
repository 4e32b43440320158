"""PatchMatch filling of pypatchmatch: 8 bits, patches of 15 pixels, its defaults."""

from __future__ import annotations

import numpy as np

from benchmarks.measuring.pictures import Pixels
from benchmarks.peers.peer import Peer, Seen


def restore(seen: Seen) -> Pixels:
    import patchmatch

    assert seen.missing is not None
    samples = np.rint(255 * seen.y.clip(0, 1)).astype(np.uint8)
    colours = np.repeat(samples, 3 // samples.shape[2], axis=2)
    filled = patchmatch.inpaint(np.ascontiguousarray(colours), seen.missing)
    pixels = filled[..., : samples.shape[2]].astype(np.float32) / 255
    return np.where(seen.missing[..., None], pixels, seen.y)


PEER = Peer("patchmatch", {"inpaint"}, restore, module="patchmatch", package="pypatchmatch")
