"""Non-local means of scikit-image: patch 5, distance 6, h = 0.6 σ.

Over House, F16 and kodim12 crops at σ 15, 25, 50 it lost 0.1 to 2 dB with patch 7, distance 11 or
13, or h = 0.8 σ. Buades, Coll & Morel, 2005.
"""

from __future__ import annotations

from benchmarks.measuring.pictures import Pixels
from benchmarks.peers.peer import SIGMA, Peer, Seen


def restore(seen: Seen) -> Pixels:
    from skimage.restoration import denoise_nl_means

    assert seen.sigma is not None
    return denoise_nl_means(
        seen.y,
        patch_size=5,
        patch_distance=6,
        h=0.6 * seen.sigma,
        sigma=seen.sigma,
        fast_mode=True,
        channel_axis=-1,
    )


PEER = Peer(
    "nlm",
    {"denoise", "noise", "jpeg"},
    restore,
    told=SIGMA,
    module="skimage",
    package="scikit-image",
)
