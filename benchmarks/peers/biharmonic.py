"""Biharmonic filling of scikit-image: what its users have for holes."""

from __future__ import annotations

from benchmarks.measuring.pictures import Pixels
from benchmarks.peers.peer import Peer, Seen


def restore(seen: Seen) -> Pixels:
    from skimage.restoration import inpaint_biharmonic

    return inpaint_biharmonic(seen.y, seen.missing, channel_axis=-1)


PEER = Peer("biharmonic", {"inpaint"}, restore, module="skimage", package="scikit-image")
