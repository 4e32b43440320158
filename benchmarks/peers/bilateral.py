"""Bilateral filter of scikit-image: colours within 3 σ, places within 1.5 pixels.

Tomasi & Manduchi, 1998.
"""

from __future__ import annotations

from benchmarks.measuring.pictures import Pixels
from benchmarks.peers.peer import SIGMA, Peer, Seen


def restore(seen: Seen) -> Pixels:
    from skimage.restoration import denoise_bilateral

    assert seen.sigma is not None
    gray = seen.y.shape[2] == 1
    y = seen.y[..., 0] if gray else seen.y
    settings = {"sigma_color": 3.0 * seen.sigma, "sigma_spatial": 1.5}
    return denoise_bilateral(y.clip(0, 1), channel_axis=None if gray else -1, **settings)


PEER = Peer("bilateral", {"jpeg"}, restore, told=SIGMA, module="skimage", package="scikit-image")
