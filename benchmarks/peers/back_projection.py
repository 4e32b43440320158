"""Bicubic, then the nearest picture whose reduction is exactly what was seen (Irani & Peleg, 1991)."""

from __future__ import annotations

from benchmarks.measuring.pictures import Pixels
from benchmarks.measuring.tensors import to_pixels, to_tensor
from benchmarks.peers.peer import Peer, Seen
from chnorm_cli.classical.first_guess import first_guess
from chnorm_cli.problems.operators import Downsample


def restore(seen: Seen) -> Pixels:
    low = to_tensor(seen.y)
    return to_pixels(first_guess(Downsample((low.shape[1], low.shape[2]), seen.scale), low))


PEER = Peer("back-projection", {"superres"}, restore)
