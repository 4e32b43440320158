"""Zero-shot Noise2Noise: 2000 steps of Adam, the rate halved after 1500 (Mansour & Heckel, 2023).

The loop is the published one; network and loss are those of the checkout, on the CPU.
"""

from __future__ import annotations

import torch

from benchmarks.measuring.pictures import Pixels
from benchmarks.measuring.tensors import to_pixels, to_tensor
from benchmarks.peers.loading import load
from benchmarks.peers.peer import Checkout, Peer, Seen

STEPS, RATE, HALVED_AFTER = 2000, 0.001, 1500


def restore(seen: Seen) -> Pixels:
    network, train_one = load(seen, "util.py", "network", "train_one")
    torch.manual_seed(0)
    y = to_tensor(seen.y)[None]
    model = network(n_chan=y.shape[1])
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=HALVED_AFTER, gamma=0.5)
    for _ in range(seen.watch.steps or STEPS):
        train_one(model, optimizer, y)
        scheduler.step()
    with torch.no_grad():
        return to_pixels((y - model(y))[0])


PEER = Peer(
    "zsn2n",
    {"denoise", "noise"},
    restore,
    checkout=Checkout("util.py", "github.com/Li-Tong-621/ZS-N2N"),
)
