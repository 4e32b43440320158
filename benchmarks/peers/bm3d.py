"""CBM3D (opponent colours) or gray BM3D, "normal profile", of its authors' package.

Dabov et al., "Image denoising by sparse 3-D transform-domain collaborative filtering", 2007; the
package is of Mäkinen et al., 2020. Its licence is for non-commercial use.
"""

from __future__ import annotations

from benchmarks.measuring.pictures import Pixels
from benchmarks.peers.peer import SIGMA, Peer, Seen


def restore(seen: Seen) -> Pixels:
    assert seen.sigma is not None
    return bm3d(seen.y, seen.sigma, seen.threads)


def bm3d(y: Pixels, sigma: float, threads: int) -> Pixels:
    """Denoise y (H, W, C) with noise of `sigma`, in its units."""
    import bm3d as package

    profile = package.BM3DProfile()
    profile.num_threads = threads
    if y.shape[2] == 3:
        return package.bm3d_rgb(y, sigma, profile)
    return package.bm3d(y[..., 0], sigma, profile).reshape(y.shape)


PEER = Peer("bm3d", {"denoise", "noise", "jpeg"}, restore, told=SIGMA, module="bm3d")
