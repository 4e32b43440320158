"""`chnorm lab image`: a decoder without upsampling fits one picture, with and without normalization."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from chnorm_cli.fitting.settings import Normalization
from chnorm_cli.lab import recorded
from chnorm_cli.lab.descents import Trace, follow
from chnorm_cli.lab.networks import Chain, ChainSpec, Init, Layer, draw_gammas, layer
from chnorm_cli.lab.observations import gray_square, random_input
from chnorm_cli.lab.report import Cell, Claim, Report, Table, short, within

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RATE, MOMENTUM = 0.1, 0.9


@dataclass(frozen=True)
class Arm:
    """One way to build the network. The authors' network without normalization has biases instead."""

    name: str
    norm: Layer
    bias: bool
    init: Init = Init.TORCH
    uniform_gamma: bool = False


ARMS = (
    Arm("channel", layer(Normalization.CHANNEL), bias=False),
    Arm("none", layer(Normalization.NONE), bias=True),
    Arm("none, He", layer(Normalization.NONE), bias=True, init=Init.HE),
)
# The authors' torch, before 1.2, started BatchNorm at γ ~ U(0, 1) (pytorch issue 12259). On their
# picture the loss after one update is 0.233; with γ = 1 it is 0.29 to 0.32, with this arm 0.23 to 0.25.
AS_RECORDED = replace(ARMS[0], name="channel, γ ~ U(0, 1)", uniform_gamma=True)


@dataclass(frozen=True)
class Settings:
    """The size of the experiment; `full` is the paper's: 256², k = 32, 5000 steps."""

    picture: Path | None = None
    full: bool = False
    seed: int = 0
    seeds: int = 1
    device: str = "cpu"

    @property
    def arms(self) -> Sequence[Arm]:
        """What is compared; the arm that only differs in old torch's γ belongs to the full size."""
        return (ARMS[0], AS_RECORDED, *ARMS[1:]) if self.full else ARMS

    @property
    def size(self) -> int:
        """Pixels along a side."""
        return 256 if self.full else 64

    @property
    def steps(self) -> int:
        """Gradient steps of each arm."""
        return 5000 if self.full else 300


@dataclass(frozen=True)
class Result:
    """One trace an arm and seed."""

    settings: Settings
    variance: float  # of the picture: the loss of the best constant
    traces: dict[str, list[Trace]]

    def report(self) -> Report:
        """Put the recorded numbers beside the measured ones."""
        table = Table(
            ("normalization", "loss, step 1", "loss, last", "PSNR dB", "‖∇‖ step 1", "‖∇‖ last"),
            [_row(name, trace) for name, traces in self.traces.items() for trace in traces],
        )
        notes = [
            f"The loss of the best constant picture is {short(self.variance)}.",
            "He: the same network without normalization, initialised so that its signal keeps "
            "its size; it shows how much of the effect is the initialisation.",
        ]
        if self.settings.full:
            notes.append(
                "γ ~ U(0, 1): how the authors' torch, before 1.2, started a BatchNorm; their "
                "recorded gradients need it. Their picture is mri.png."
            )
        else:
            notes.append("The recorded numbers are for --full and the authors' mri.png.")
        title = f"Fitting {self.settings.size}² pixels, SGD {RATE}, momentum {MOMENTUM}"
        return Report(title, table, self._claims(), self._curves(), notes)

    def _claims(self) -> list[Claim]:
        losses = {
            name: _median([t.final_loss for t in traces]) for name, traces in self.traces.items()
        }
        claims = []
        if losses.keys() >= {"channel", "none"}:
            claims.append(
                Claim(
                    "with normalization it fits, without it stays at a constant picture",
                    "3.7e-4 against a flat 4.8e-2",
                    f"{short(losses['channel'])} against {short(losses['none'])}",
                    losses["channel"] < 0.2 * self.variance < 0.8 * self.variance < losses["none"],
                )
            )
        if self.settings.full:
            claims += [
                claim
                for name, record in recorded.IMAGE.items()
                for claim in self._compare(name, record, losses[name])
            ]
        return claims

    def _compare(self, name: str, record: recorded.RecordedImage, loss: float) -> list[Claim]:
        """Compare one arm with its recorded run, which has one seed; ours is the median of seeds."""
        traces = self.traces[name]
        second = _median([trace.losses[1] for trace in traces])
        norms = {
            key: _median([trace.layers[key][1] for trace in traces]) for key in record.second_norms
        }
        return [
            Claim(
                f"{name}: loss after {self.settings.steps} steps, within ×3",
                short(record.loss), short(loss), within(loss, record.loss),
            ),
            Claim(
                f"{name}: loss after one update, within ×3",
                short(record.second_loss), short(second), within(second, record.second_loss),
            ),
            Claim(
                f"{name}: ‖∇W_l‖ after one update, layers 1, 5, 6, output, within ×3",
                " ".join(map(short, record.second_norms.values())),
                " ".join(map(short, norms.values())),
                all(within(norms[key], value) for key, value in record.second_norms.items()),
            ),
        ]  # fmt: skip

    def _curves(self) -> Table:
        rows: list[list[Cell]] = [
            [name, self.settings.seed + number, step + 1, trace.losses[step], trace.norms[step],
             *(norms[step] for norms in trace.layers.values())]
            for name, traces in self.traces.items()
            for number, trace in enumerate(traces)
            for step in range(len(trace.losses))
        ]  # fmt: skip
        layers = next(iter(self.traces.values()))[0].layers
        names = tuple(f"gradient_norm:{layer}" for layer in layers)
        return Table(("normalization", "seed", "step", "loss", "gradient_norm", *names), rows)

    def draw(self, figure: Figure) -> None:
        """Loss on the left, then one panel an arm with a gradient curve per layer."""
        from chnorm_cli.lab.plots import DASHES, colour, label_lines, layer_curves, loglog, thinned

        panels = figure.subplots(1, 1 + len(self.traces))
        loglog(panels[0], title="loss", ylabel="mean squared error")
        for number, (name, traces) in enumerate(self.traces.items()):
            for trace in traces:
                steps = thinned(len(trace.losses))
                panels[0].plot(
                    steps, [trace.losses[step - 1] for step in steps], color=colour(number),
                    linestyle=DASHES[number], label=name,
                )  # fmt: skip
            if number:
                panels[1 + number].sharey(panels[1])  # so that what vanishes is seen to
            layer_curves(panels[1 + number], traces[0].layers, title=f"‖∇W‖ by layer: {name}")
        panels[0].axhline(self.variance, color="0.6", linestyle=":", linewidth=0.8)
        label_lines(panels[0])


def run(settings: Settings) -> Generator[str, None, Result]:
    """Fit the picture once an arm and seed."""
    y = gray_square(settings.picture, settings.size).to(settings.device)
    traces: dict[str, list[Trace]] = {}
    for arm in settings.arms:
        for seed in range(settings.seed, settings.seed + settings.seeds):
            yield f"{arm.name}, seed {seed}"
            random = torch.Generator().manual_seed(seed)
            spec = ChainSpec(
                width=32, depth=6, kernel=3, signal=False, bias=arm.bias, output_bias=arm.bias
            )
            network = Chain(spec, arm.norm, random, arm.init).to(settings.device)
            if arm.uniform_gamma:
                draw_gammas(network, random)
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            z = random_input((1, 32, *y.shape[-2:]), random, scale=0.1).to(y)
            trace = Trace()
            for trace in follow(network, z, y, rate=RATE, momentum=MOMENTUM, steps=settings.steps):
                if len(trace.losses) % 10 == 0:
                    done = f"step {len(trace.losses)} of {settings.steps}"
                    yield f"{arm.name}, seed {seed}: {done}, loss {short(trace.losses[-1])}"
            traces.setdefault(arm.name, []).append(trace)
    return Result(settings, float(y.var(correction=0)), traces)


def _row(name: str, trace: Trace) -> tuple[str, ...]:
    loss = trace.final_loss
    psnr = f"{-10 * math.log10(loss):.1f}" if 0 < loss < math.inf else "–"
    return (
        name, short(trace.losses[0]), "diverged" if trace.diverged else short(loss), psnr,
        short(trace.norms[0]), short(trace.norms[-1]),
    )  # fmt: skip


def _median(values: Sequence[float]) -> float:
    return float(torch.tensor(values, dtype=torch.float64).median())
