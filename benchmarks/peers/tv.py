"""Total variation of scikit-image, weight σ: of 0.8, 1, 1.2 and 1.5 σ the best at σ = 50.

Chambolle, 2004.
"""

from __future__ import annotations

from benchmarks.measuring.pictures import Pixels
from benchmarks.peers.peer import SIGMA, Peer, Seen


def restore(seen: Seen) -> Pixels:
    from skimage.restoration import denoise_tv_chambolle

    return denoise_tv_chambolle(seen.y, weight=seen.sigma, channel_axis=-1)


PEER = Peer(
    "tv",
    {"denoise", "noise", "jpeg"},
    restore,
    told=SIGMA,
    module="skimage",
    package="scikit-image",
)
