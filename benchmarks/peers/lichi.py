"""LIChI of its authors, with the settings of their demo (Herbreteau & Kervrann, 2022)."""

from __future__ import annotations

from benchmarks.measuring.pictures import Pixels
from benchmarks.peers.loading import load, restored_at_level
from benchmarks.peers.peer import SIGMA, Checkout, Peer, Seen

# By the level up to which they serve, on the 0–255 scale: patches of the first pass, iterations.
SETTINGS = (
    (10.0, {"p1": 9, "M": 6}),
    (30.0, {"p1": 11, "M": 9}),
    (float("inf"), {"p1": 13, "M": 11}),
)


def restore(seen: Seen) -> Pixels:
    (network,) = load(seen, "lichi.py", "LIChI")
    return restored_at_level(seen, network(), SETTINGS)


PEER = Peer(
    "lichi",
    {"denoise"},
    restore,
    told=SIGMA,
    checkout=Checkout("lichi.py", "github.com/sherbret/LIChI"),
)
