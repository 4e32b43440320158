"""The median of the 3×3 pixels around each, colour by colour: what people use against impulses."""

from __future__ import annotations

from benchmarks.measuring.pictures import Pixels
from benchmarks.peers.peer import Peer, Seen


def restore(seen: Seen) -> Pixels:
    from scipy.ndimage import median_filter

    return median_filter(seen.y, (3, 3, 1))


PEER = Peer("median", {"noise"}, restore, module="scipy")
