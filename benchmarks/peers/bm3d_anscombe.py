"""BM3D where the noise is white: after the transform that makes it so, before its exact inverse.

Mäkitalo & Foi, "Optimal inversion of the generalized Anscombe transformation", 2013.
"""

from __future__ import annotations

import numpy as np

from benchmarks.measuring.pictures import Pixels
from benchmarks.measuring.tensors import to_pixels, to_tensor
from benchmarks.peers.bm3d import bm3d
from benchmarks.peers.peer import LAW, Peer, Seen
from chnorm_cli.noise.stabilizer import Stabilizer


def restore(seen: Seen) -> Pixels:
    assert seen.level is not None
    stabilizer = Stabilizer(seen.level, 0.0, 1.0)
    z = to_pixels(stabilizer.forward(to_tensor(seen.y)))
    clean = bm3d(z, stabilizer.sigma, seen.threads).astype(np.float32)
    return to_pixels(stabilizer.inverse(to_tensor(clean)))


PEER = Peer("bm3d-anscombe", {"noise"}, restore, told=LAW, module="bm3d")
