"""`chnorm lab gradients`: how large the gradient is at initialisation, against depth."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from chnorm_cli.fitting.descent import convolution_weights
from chnorm_cli.fitting.settings import Normalization
from chnorm_cli.lab import theory
from chnorm_cli.lab.depth import random_last_layer
from chnorm_cli.lab.networks import (
    Chain,
    ChainSpec,
    Init,
    Layer,
    UnbiasedChannelNorm,
    layer,
)
from chnorm_cli.lab.observations import random_input, step_signal
from chnorm_cli.lab.report import Cell, Claim, Report, Table, short

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DEPTHS = (2, 6, 20, 40, 80)
Closed = Callable[[Tensor, Tensor, Tensor], Tensor]

LINEAR: dict[str, Closed] = {
    "none": theory.plain_gradient,
    "channel": theory.normalized_gradient,
    "channel, official code (projection lost)": theory.official_gradient,
}
CONVOLUTIONAL: dict[str, tuple[Layer, Init]] = {
    "none": (layer(Normalization.NONE), Init.EIGHTH),
    "channel": (layer(Normalization.CHANNEL_PLAIN), Init.EIGHTH),
    "channel, official code (unbiased variance)": (UnbiasedChannelNorm, Init.EIGHTH),
    "none, He": (layer(Normalization.NONE), Init.HE),
}

# log|ŵ| of one complex Gaussian coefficient has mean −γ/2: a typical frequency shrinks by ×0.749 a
# layer. The norm lags behind, because the luckiest of n/2 frequencies carries it.
SHRINKAGE = math.exp(-0.5772156649 / 2)
# Behind a ReLU the variance of N(0, 1) is (π − 1)/2π and half of the slopes are 1, so that normalizing
# multiplies squared gradients by π/(π − 1): the explosion of Yang et al. (ICLR 2019, arXiv 1902.08129).
EXPLOSION = math.sqrt(math.pi / (math.pi - 1))


@dataclass(frozen=True)
class Settings:
    """The paper: n = 100, 20 000 linear draws; 4 channels, kernel 9, n = 256, 2000 convolutional ones."""

    full: bool = False
    seed: int = 0
    seeds: int = 1  # more seeds are more draws
    device: str = "cpu"

    @property
    def linear_draws(self) -> int:
        """Random linear networks per depth."""
        return (20_000 if self.full else 4000) * self.seeds

    @property
    def convolutional_draws(self) -> int:
        """Random convolutional networks per depth."""
        return (2000 if self.full else 100) * self.seeds


@dataclass(frozen=True)
class Sample:
    """Gradient norms (draws,) of one kind of network at one depth."""

    network: str
    arm: str
    depth: int
    norms: Tensor

    def quantile(self, q: float) -> float:
        """Give a quantile of the norms."""
        return float(self.norms.quantile(q))


@dataclass(frozen=True)
class Result:
    """All samples."""

    settings: Settings
    samples: list[Sample]

    def find(self, network: str, arm: str, depth: int) -> Sample:
        """Give one sample."""
        return next(s for s in self.samples if (s.network, s.arm, s.depth) == (network, arm, depth))

    def report(self) -> Report:
        """Give quantiles by depth."""
        rows: list[list[Cell]] = [
            [s.network, s.arm, s.depth, *(short(s.quantile(q)) for q in (0.05, 0.5, 0.95))]
            for s in self.samples
        ]
        table = Table(("network", "normalization", "depth", "5 %", "median", "95 %"), rows)
        notes = [
            "linear: n = 100, w and y ~ N(0, I), the gradient of the last filter, closed form. "
            "convolutional: 4 channels, kernel 9, ReLU, n = 256, step signal, sqrt(Σ_l ‖∇W_l‖²) "
            "of the mean squared error.",
            "The paper stops at depth 6 without normalization, where the norm is heavy-tailed but "
            "has not vanished yet; 20, 40 and 80 are added here.",
            "N(0, 1/64) with 36 inputs shrinks a ReLU network by itself; the He arm does not.",
        ]
        return Report(
            "Gradient norms at initialisation", table, self._claims(), self._curves(), notes
        )

    def _claims(self) -> list[Claim]:
        linear = [self._decay("linear", arm) for arm in ("none", "channel")]
        deep = [self._decay("convolutional", arm) for arm in ("none", "channel")]
        claims = [
            Claim(
                "linear: without normalization the gradient vanishes with depth",
                f"towards ×{SHRINKAGE:.3f} per layer (derived)",
                f"median ×{linear[0]:.3f} per layer",
                SHRINKAGE <= linear[0] < 0.9,
            ),
            Claim(
                "linear: with normalization it stays of one size",
                "bounded",
                f"median ×{linear[1]:.3f} per layer",
                0.95 < linear[1] < 1.05,
            ),
            Claim(
                "convolutional: without normalization the gradient vanishes with depth",
                "vanishes",
                f"median ×{deep[0]:.3f} per layer",
                deep[0] < 0.9,
            ),
            Claim(
                "convolutional: with normalization it does not vanish",
                "does not vanish",
                f"median ×{deep[1]:.3f} per layer",
                deep[1] > 0.95,
            ),
            Claim(
                "convolutional, ReLU: normalized gradients explode (Yang et al. 2019)",
                f"×{EXPLOSION:.3f} per layer (derived)",
                f"median ×{deep[1]:.3f} per layer",
                abs(deep[1] - EXPLOSION) < 0.05,
            ),
        ]
        wide = self.find("linear", "none", 6)
        tight = self.find("linear", "channel", 6)
        claims.append(
            Claim(
                "linear, depth 6 (the paper's histogram): normalization makes it concentrated",
                "narrow against heavy-tailed",
                f"95 %/5 % is {short(_spread(tight))} against {short(_spread(wide))}",
                _spread(tight) < _spread(wide),
            )
        )
        lost = self.find("linear", "channel, official code (projection lost)", 40)
        right = self.find("linear", "channel", 40)
        claims.append(
            Claim(
                "linear, depth 40: the official code's lost projection matters",
                "not known to the paper",
                f"median {short(lost.quantile(0.5))} against {short(right.quantile(0.5))}",
                None,
            )
        )
        he = self._decay("convolutional", "none, He")
        claims.append(
            Claim(
                "convolutional: how much is the initialisation? No normalization, He",
                "not in the paper",
                f"median ×{short(he)} per layer",
                None,
            )
        )
        return claims

    def _decay(self, network: str, arm: str) -> float:
        """Give the factor per layer of the median, between depth 20 and the deepest one."""
        shallow, deep = (self.find(network, arm, depth).quantile(0.5) for depth in (20, 80))
        return math.exp((math.log(max(deep, 1e-300)) - math.log(max(shallow, 1e-300))) / 60)

    def _curves(self) -> Table:
        rows = [
            (s.network, s.arm, s.depth, number, norm)
            for s in self.samples
            for number, norm in enumerate(s.norms.tolist())
        ]
        return Table(("network", "normalization", "depth", "draw", "gradient_norm"), rows)

    def draw(self, figure: Figure) -> None:
        """Medians with 5…95 % bands against depth; beside them the paper's histogram at depth 6."""
        from chnorm_cli.lab.plots import DASHES, MARKERS, colour, label_lines, prepare

        panels = figure.subplots(1, 3)
        for axes, network in zip(panels, ("linear", "convolutional"), strict=False):
            prepare(axes, title=f"{network} networks", xlabel="depth", ylabel="‖∇‖ at the start")
            axes.set_yscale("log")
            arms = dict.fromkeys(s.arm for s in self.samples if s.network == network)
            for number, arm in enumerate(arms):
                found = [s for s in self.samples if (s.network, s.arm) == (network, arm)]
                depths = [s.depth for s in found]
                low, mid, high = (
                    [max(s.quantile(q), 1e-30) for s in found] for q in (0.05, 0.5, 0.95)
                )
                axes.plot(
                    depths, mid, MARKERS[number], color=colour(number), markersize=4,
                    linestyle=DASHES[number], linewidth=1, label=arm.replace(" (", "\n("),
                )  # fmt: skip
                axes.fill_between(depths, low, high, color=colour(number), alpha=0.15, linewidth=0)
            label_lines(axes, loc="lower left")
        axes = panels[2]
        prepare(axes, title="linear, depth 6: histogram", xlabel="‖∇‖", ylabel="draws")
        axes.set_xscale("log")
        edges = torch.logspace(-1.5, 3.5, 120).tolist()
        for number, arm in enumerate(("none", "channel")):
            norms = self.find("linear", arm, 6).norms.tolist()
            axes.hist(
                norms, edges, color=colour(number), alpha=0.6, label=arm, histtype="stepfilled"
            )
        label_lines(axes)


def run(settings: Settings) -> Generator[str, None, Result]:
    """Draw all networks."""
    samples = []
    for depth in DEPTHS:
        yield f"linear, depth {depth}"
        random = torch.Generator().manual_seed(settings.seed)
        drawn = random_last_layer(depth, 100, settings.linear_draws, random)
        for arm, gradient in LINEAR.items():
            samples.append(Sample("linear", arm, depth, gradient(*drawn).norm(dim=-1)))
    for arm, (norm, init) in CONVOLUTIONAL.items():
        for depth in DEPTHS:
            yield f"convolutional, {arm}, depth {depth}"
            random = torch.Generator().manual_seed(settings.seed)
            norms = torch.cat(
                [
                    convolutional_norms(norm, init, depth, min(50, left), random, settings.device)
                    for left in range(settings.convolutional_draws, 0, -50)
                ]
            )
            samples.append(Sample("convolutional", arm, depth, norms))
    return Result(settings, samples)


def convolutional_norms(
    norm: Layer, init: Init, depth: int, copies: int, random: torch.Generator, device: str
) -> Tensor:
    """Give sqrt(Σ_l ‖∇W_l‖²) (copies,) of that many random networks, side by side in one."""
    spec = ChainSpec(width=4, depth=depth, kernel=9, copies=copies)
    # float64: without normalization, depth 80 falls out of float32.
    network = Chain(spec, norm, random, init).to(device, torch.float64)
    z = random_input((1, 4 * copies, 1, 256), random).to(device, torch.float64)
    y = step_signal(256).to(z)
    # A sum over copies keeps their gradients apart: no copy sees another.
    loss = (network(z) - y).square().mean((-2, -1)).sum()
    loss.backward()
    squares = torch.zeros(copies, dtype=torch.float64)
    for weight in convolution_weights(network).values():
        assert weight.grad is not None
        squares += weight.grad.square().view(copies, -1).sum(1).cpu()
    return squares.sqrt()


def _spread(sample: Sample) -> float:
    return sample.quantile(0.95) / sample.quantile(0.05)
