"""Bicubic enlarging, as Pillow does it."""

from __future__ import annotations

from benchmarks.measuring.pictures import Pixels
from benchmarks.measuring.tensors import to_pixels, to_tensor
from benchmarks.peers.peer import Peer, Seen
from chnorm_cli.problems.operators import resized


def restore(seen: Seen) -> Pixels:
    low = to_tensor(seen.y)
    return to_pixels(resized(low, (low.shape[1] * seen.scale, low.shape[2] * seen.scale)))


PEER = Peer("bicubic", {"superres"}, restore)
