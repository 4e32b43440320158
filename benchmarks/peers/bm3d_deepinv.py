"""The BM3D that deepinv wrote anew, free for every use; it needs ptwt beside deepinv."""

from __future__ import annotations

from benchmarks.measuring.contest import NoResultError
from benchmarks.measuring.pictures import Pixels
from benchmarks.measuring.tensors import to_pixels, to_tensor
from benchmarks.peers.dip import torchvision_ready
from benchmarks.peers.peer import SIGMA, Peer, Seen


def restore(seen: Seen) -> Pixels:
    torchvision_ready()
    try:
        from deepinv.models import BM3D

        filter_ = BM3D(use_legacy=False)
    except ImportError as error:
        raise NoResultError(f"deepinv's BM3D lacks a package: {error}") from error
    return to_pixels(filter_(to_tensor(seen.y)[None], seen.sigma)[0])


PEER = Peer(
    "bm3d-deepinv", {"denoise", "noise"}, restore, told=SIGMA, module="deepinv", unasked=False
)
