"""`chnorm lab landscape`: the loss around where a descent ended, along two random directions."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from chnorm_cli.fitting.descent import convolution_weights
from chnorm_cli.fitting.settings import Normalization
from chnorm_cli.lab import recorded
from chnorm_cli.lab.descents import Trace, follow
from chnorm_cli.lab.networks import Chain, ChainSpec, Init, Layer, layer
from chnorm_cli.lab.observations import random_input, step_signal
from chnorm_cli.lab.report import Claim, Report, Table, covers, short

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RATE = 0.1
REACH = 2.0


@dataclass(frozen=True)
class Network:
    """One of the paper's two networks of depth 10, without a sigmoid."""

    name: str
    spec: ChainSpec
    n: int
    edge: float
    quick_steps: int  # enough to see the difference; the paper takes 2000


RELU = ChainSpec(width=4, depth=10, kernel=9)
NETWORKS = (
    Network("ReLU, 4 × 10", RELU, 256, 1 / 2, 300),
    Network("linear, 10", ChainSpec(width=1, depth=10, kernel=9, relu=False), 64, 1 / 3, 2000),
)
ARMS: dict[str, tuple[Layer, Init]] = {
    "channel": (layer(Normalization.CHANNEL_PLAIN), Init.TORCH),
    "none": (layer(Normalization.NONE), Init.TORCH),
    "none, He": (layer(Normalization.NONE), Init.HE),
}


@dataclass(frozen=True)
class Settings:
    """The paper: 2000 steps without momentum, 30 × 30 points in [−2, 2]²."""

    full: bool = False
    seed: int = 0
    seeds: int = 1
    device: str = "cpu"

    def steps(self, network: Network) -> int:
        """Gradient steps before the surface is taken."""
        return 2000 if self.full else network.quick_steps

    @property
    def points(self) -> int:
        """Points along a side; odd, so that the end of the descent is one of them."""
        return 31 if self.full else 21


@dataclass(frozen=True)
class Surface:
    """The loss at θ + a d₁ + b d₂, d₁ and d₂ drawn like initial weights (not scaled to filters)."""

    network: str
    arm: str
    seed: int
    end: float  # the loss at the centre
    grid: Tensor  # (points,) of a and of b
    loss: Tensor  # (points, points)

    @property
    def heights(self) -> tuple[str, str, str, str]:
        """Centre, median, highest point and plateau, for the table."""
        if not math.isfinite(self.end):
            return "diverged", "", "", ""
        middle, top = float(self.loss.median()), float(self.loss.max())
        return short(self.end), short(middle), short(top), f"{self.plateau:.0%}"

    @property
    def plateau(self) -> float:
        """The share of the surface whose loss is within 10 % of the loss at its centre."""
        near = (self.loss - self.end).abs() <= 0.1 * self.end
        return float(near.double().mean()) if math.isfinite(self.end) else math.nan


@dataclass(frozen=True)
class Result:
    """All surfaces."""

    settings: Settings
    surfaces: list[Surface]

    def find(self, network: str, arm: str) -> list[Surface]:
        """Give the surfaces of one network and arm, one a seed."""
        return [s for s in self.surfaces if (s.network, s.arm) == (network, arm)]

    def report(self) -> Report:
        """Say how low the centre is, and how flat its surroundings are."""
        rows = [
            (
                s.network, s.arm, s.seed, *s.heights,
            )
            for s in self.surfaces
        ]  # fmt: skip
        columns = (
            "network", "normalization", "seed", "centre", "median", "highest", "plateau",
        )  # fmt: skip
        notes = [
            "plateau: the share of the surface whose loss is within 10 % of that at the centre.",
            "The directions are raw random weights, as in the authors' notebook. Without "
            "normalization the heights far out depend on the scale of the weights and say little.",
            "diverged: the rate 0.1 is too much for that initialisation.",
        ]
        title = f"Loss in [−{REACH:g}, {REACH:g}]² around the end of a descent, SGD {RATE}"
        return Report(title, Table(columns, rows), self._claims(), self._curves(), notes)

    def _claims(self) -> list[Claim]:
        claims = []
        for network in NETWORKS:
            normal, plain = (self.find(network.name, arm) for arm in ("channel", "none"))
            ends = [_median([s.end for s in found]) for found in (normal, plain)]
            records = [recorded.LANDSCAPES[network.name, arm] for arm in ("channel", "none")]
            plateaus = [_median([s.plateau for s in found]) for found in (normal, plain)]
            claims.append(
                Claim(
                    f"{network.name}: the descent ends low with, high without normalization",
                    f"{short(records[0])} against {short(records[1])}",
                    f"{short(ends[0])} against {short(ends[1])}",
                    ends[0] < 0.2 * ends[1],
                )
            )
            if self.settings.full:
                for arm, found, record in zip(
                    ("channel", "none"), (normal, plain), records, strict=True
                ):
                    losses = [s.end for s in found]
                    claims.append(
                        Claim(
                            f"{network.name}, {arm}: final loss, within ×3 of our range over seeds",
                            short(record), f"{short(min(losses))} … {short(max(losses))}",
                            covers(losses, record),
                        )
                    )  # fmt: skip
            claims.append(
                Claim(
                    f"{network.name}: it ends in a well with, on a plateau without",
                    "narrow against wide",
                    f"plateau {plateaus[0]:.0%} against {plateaus[1]:.0%}",
                    plateaus[0] < 0.2 < plateaus[1],
                )
            )
        return claims

    def _curves(self) -> Table:
        rows = [
            (s.network, s.arm, s.seed, float(a), float(b), float(s.loss[i, j]))
            for s in self.surfaces
            for i, a in enumerate(s.grid)
            for j, b in enumerate(s.grid)
        ]
        return Table(("network", "normalization", "seed", "a", "b", "loss"), rows)

    def draw(self, figure: Figure) -> None:
        """Contours of the loss on one logarithmic scale for all, one panel a network and arm."""
        from chnorm_cli.lab.plots import prepare

        figure.set_size_inches(3.4 * len(ARMS), 3.1 * len(NETWORKS))
        grid = figure.subplots(len(NETWORKS), len(ARMS))
        levels = torch.linspace(-3, 1, 17).tolist()
        for row, network in zip(grid, NETWORKS, strict=True):
            for axes, arm in zip(row, ARMS, strict=True):
                surface = self.find(network.name, arm)[0]
                title = f"{network.name}, {arm}: centre {surface.heights[0]}"
                prepare(axes, title=title, xlabel="a", ylabel="b")
                axes.grid(visible=False)
                if not math.isfinite(surface.end):
                    axes.set_axis_off()
                    continue
                filled = axes.contourf(
                    surface.grid, surface.grid, surface.loss.log10().T, levels, cmap="viridis",
                    extend="both",
                )  # fmt: skip
                axes.plot([0], [0], "x", color="white", markersize=7)
            bar = figure.colorbar(filled, ax=row, ticks=[-3, -2, -1, 0, 1])
            bar.set_label("log₁₀ loss", fontsize=7)
            bar.ax.tick_params(labelsize=6)


def run(settings: Settings) -> Generator[str, None, Result]:
    """Descend, then evaluate the surface."""
    surfaces = []
    for network in NETWORKS:
        y = step_signal(network.n, edge=network.edge).to(settings.device)
        for arm, (norm, init) in ARMS.items():
            for seed in range(settings.seed, settings.seed + settings.seeds):
                random = torch.Generator().manual_seed(seed)
                steps = settings.steps(network)
                chain = Chain(network.spec, norm, random, init).to(settings.device)
                z = random_input((1, network.spec.width, 1, network.n), random).to(y)
                trace = Trace()
                for trace in follow(chain, z, y, rate=RATE, momentum=0.0, steps=steps):
                    if len(trace.losses) % 100 == 0:
                        yield f"{network.name}, {arm}, seed {seed}: step {len(trace.losses)}"
                yield f"{network.name}, {arm}, seed {seed}: surface"
                directions = [
                    hidden_weights(Chain(network.spec, norm, random, init).to(settings.device))
                    for _ in range(2)
                ]
                a = torch.linspace(-REACH, REACH, settings.points)
                loss = evaluate(chain, directions[0], directions[1], a, z, y)
                surfaces.append(Surface(network.name, arm, seed, trace.final_loss, a, loss))
    return Result(settings, surfaces)


def hidden_weights(chain: Chain) -> list[Tensor]:
    """Give the weights of all convolutions but the output's, which stays as it was trained."""
    weights = convolution_weights(chain)
    return [w.detach() for name, w in weights.items() if name != "output"]


@torch.no_grad()
def evaluate(
    chain: Chain, first: list[Tensor], second: list[Tensor], a: Tensor, z: Tensor, y: Tensor
) -> Tensor:
    """Give the loss (len(a), len(a)) at θ + a d₁ + b d₂; θ is put back afterwards."""
    weights = hidden_weights(chain)  # they share memory with the network's parameters
    kept = [w.clone() for w in weights]
    loss = torch.empty(len(a), len(a))
    for i, along in enumerate(a.tolist()):
        for j, across in enumerate(a.tolist()):
            for w, start, d1, d2 in zip(weights, kept, first, second, strict=True):
                w.copy_(start + along * d1 + across * d2)
            loss[i, j] = (chain(z) - y).square().mean()
    for w, start in zip(weights, kept, strict=True):
        w.copy_(start)
    return loss


def _median(values: list[float]) -> float:
    return sorted(values)[(len(values) - 1) // 2]
