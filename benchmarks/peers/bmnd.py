"""Block matching that knows Poisson counts, of bmnd (Duhme et al., 2026), colour by colour.

Its first run compiles for some seconds: of `--repeat 3` the median is without them.
"""

from __future__ import annotations

import numpy as np

from benchmarks.measuring.pictures import Pixels
from benchmarks.peers.peer import LAW, Peer, Seen
from chnorm_cli.noise.names import Kind


def restore(seen: Seen) -> Pixels:
    import bmnd

    assert seen.level is not None
    profile = bmnd.BM3DProfile(noise_model=bmnd.NoiseModel.POISSON)
    gain = seen.level.gain.numpy()
    counts = (seen.y / gain).clip(0)
    return np.stack([gain[c] * bmnd.bmnd(counts[..., c], profile) for c in range(len(gain))], 2)


def counts_only(seen: Seen) -> bool:
    """Tell whether the noise is that of counts, with nothing beside it."""
    level = seen.level
    return level is not None and level.kind is Kind.POISSON and not bool(level.black.any())


PEER = Peer("bmnd", {"noise"}, restore, told=LAW, module="bmnd", takes=counts_only)
