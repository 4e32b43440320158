"""NL-Ridge of its authors, with the settings of their demo (Herbreteau & Kervrann, 2022)."""

from __future__ import annotations

from benchmarks.measuring.pictures import Pixels
from benchmarks.peers.loading import load, restored_at_level
from benchmarks.peers.peer import SIGMA, Checkout, Peer, Seen

# By the level up to which they serve, on the 0–255 scale: patches, group sizes, of both passes.
SETTINGS = (
    (15.0, {"p1": 7, "p2": 7, "k1": 18, "k2": 55}),
    (35.0, {"p1": 9, "p2": 9, "k1": 18, "k2": 90}),
    (float("inf"), {"p1": 11, "p2": 9, "k1": 20, "k2": 120}),
)


def restore(seen: Seen) -> Pixels:
    (network,) = load(seen, "nlridge.py", "NLRidge")
    return restored_at_level(seen, network(), SETTINGS, w=37, s=4)


PEER = Peer(
    "nlridge",
    {"denoise"},
    restore,
    told=SIGMA,
    checkout=Checkout("nlridge.py", "github.com/sherbret/NL-Ridge"),
)
