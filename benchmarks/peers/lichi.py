"""LIChI of its authors, with the settings of their demo (Herbreteau & Kervrann, 2022)."""

from __future__ import annotations

import torch

from benchmarks.measuring.pictures import Pixels
from benchmarks.measuring.tensors import to_pixels, to_tensor
from benchmarks.peers.loading import load
from benchmarks.peers.peer import SIGMA, Checkout, Peer, Seen

# By the level up to which they serve, on the 0–255 scale: patches of the first pass, iterations.
SETTINGS = (
    (10.0, {"p1": 9, "M": 6}),
    (30.0, {"p1": 11, "M": 9}),
    (float("inf"), {"p1": 13, "M": 11}),
)


def restore(seen: Seen) -> Pixels:
    (network,) = load(seen, "lichi.py", "LIChI")
    assert seen.sigma is not None
    sigma = 255 * seen.sigma
    settings = next(found for limit, found in SETTINGS if sigma <= limit)
    with torch.no_grad():
        x = network()(255 * to_tensor(seen.y)[None], sigma=sigma, **settings)
    return to_pixels(x[0] / 255)


PEER = Peer(
    "lichi",
    {"denoise"},
    restore,
    told=SIGMA,
    checkout=Checkout("lichi.py", "github.com/sherbret/LIChI"),
)
