"""The four networks of `chnorm lab convergence`, and the ways to normalize them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chnorm_cli.fitting.settings import Normalization
from chnorm_cli.lab.networks import ChainSpec, Init, Layer, Shift, beta_only, layer


@dataclass(frozen=True)
class Network:
    """One of the paper's four networks, and the number of steps it was given."""

    name: str
    spec: ChainSpec
    n: int
    steps: int
    steps_without: int  # of the authors' runs without normalization
    quick_steps: int


@dataclass(frozen=True)
class Arm:
    """What stands behind each convolution, and how the weights are drawn."""

    name: str
    norm: Layer
    init: Init = Init.TORCH


RELU = ChainSpec(width=4, depth=12, kernel=3, sigmoid=True)
LINEAR = ChainSpec(width=1, depth=5, kernel=15, relu=False, sigmoid=True)
NETWORKS = (
    Network("ReLU, 4 × 12", RELU, 1024, 2000, 2000, 200),
    Network("linear, 5", LINEAR, 128, 2000, 1000, 800),
    Network("linear, 10", replace(LINEAR, depth=10), 128, 2000, 1000, 400),
    Network("linear, 30", replace(LINEAR, depth=30), 128, 3000, 5000, 100),
)
CHANNEL, NONE = "channel", "none"
ARMS = (
    Arm(CHANNEL, beta_only),
    Arm("centred only", layer(Normalization.CENTER)),
    Arm("scaled only", layer(Normalization.SCALE)),
    Arm(NONE, Shift),
    Arm("none, He", Shift, Init.HE),
)
