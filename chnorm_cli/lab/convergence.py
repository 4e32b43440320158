"""`chnorm lab convergence`: 1-D networks fit a step, with and without normalization."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from chnorm_cli.lab import recorded
from chnorm_cli.lab.descents import Trace, follow
from chnorm_cli.lab.networks import Chain
from chnorm_cli.lab.observations import random_input, step_signal
from chnorm_cli.lab.report import Claim, Report, Table, covers, short, within
from chnorm_cli.lab.signals import ARMS, CHANNEL, NETWORKS, NONE, Arm, Network

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RATE, MOMENTUM = 0.1, 0.9
STARTS = 31  # networks whose first gradient is taken: at depth 30 it varies over decades


@dataclass(frozen=True)
class Settings:
    """`full` takes the paper's numbers of steps."""

    full: bool = False
    seed: int = 0
    seeds: int = 1
    device: str = "cpu"

    def steps(self, network: Network, arm: Arm) -> int:
        """Gradient steps of one descent."""
        if not self.full:
            return network.quick_steps
        return network.steps if arm.name == CHANNEL else network.steps_without


@dataclass(frozen=True)
class Run:
    """One descent, and the signal that it ended with."""

    network: str
    arm: str
    seed: int
    trace: Trace
    fitted: Tensor  # (n,)


@dataclass(frozen=True)
class Result:
    """All descents."""

    settings: Settings
    runs: list[Run]
    starts: dict[tuple[str, str], list[float]]  # typical ‖∇W_l‖ of `STARTS` fresh networks

    def traces(self, network: str, arm: str) -> list[Trace]:
        """Give the traces of one network and arm, one a seed."""
        return [run.trace for run in self.runs if (run.network, run.arm) == (network, arm)]

    def loss(self, network: str, arm: str) -> float:
        """Give the median over seeds of the final loss."""
        return _median([trace.final_loss for trace in self.traces(network, arm)])

    def start(self, network: str, arm: str) -> float:
        """Give the median over fresh networks of the typical ‖∇W_l‖ before the first update."""
        return _median(self.starts[network, arm])

    def report(self) -> Report:
        """Put final losses and initial gradients beside the recorded ones."""
        rows = []
        for network in NETWORKS:
            for arm in ARMS:
                losses = [trace.final_loss for trace in self.traces(network.name, arm.name)]
                record = recorded.SIGNALS.get((network.name, arm.name))
                rows.append(
                    (
                        network.name, arm.name, short(_median(losses)),
                        f"{short(min(losses))} … {short(max(losses))}",
                        short(record.loss) if record else "",
                        short(self.start(network.name, arm.name)),
                        short(record.layer_norm) if record and record.layer_norm else "",
                    )
                )  # fmt: skip
        columns = (
            "network", "normalization", "loss", "over seeds", "recorded", "‖∇W_l‖ at start",
            "recorded",
        )  # fmt: skip
        steps = "the paper's steps" if self.settings.full else "fewer steps than the paper's"
        notes = [
            "The loss of the constant ½ is 0.25; a saturated sigmoid gives 0.5.",
            "“none” keeps a learned β, so that all arms express the same functions. "
            "“none, He” is initialised so that the signal keeps its size: what it gains over "
            "“none” is due to the initialisation, not to normalization.",
            f"‖∇W_l‖ is the geometric mean over layers, and the median of {STARTS} fresh networks; each "
            "recorded value is that of one network.",
            "The authors' variance is that of n − 1, ours that of n: 0.4 % apart at n = 128.",
        ]
        title = f"Fitting a step, SGD {RATE}, momentum {MOMENTUM}, {steps}"
        return Report(title, Table(columns, rows), self._claims(), self._curves(), notes)

    def _claims(self) -> list[Claim]:
        claims = []
        for network in NETWORKS:
            with_, without = (self.loss(network.name, arm) for arm in (CHANNEL, NONE))
            enough = self.settings.full or network.spec.depth < 30
            claims.append(
                Claim(
                    f"{network.name}: normalization learns the step, without it little is learned",
                    "low against ≥ 0.25",
                    f"{short(with_)} against {short(without)}{'' if enough else ' (needs --full)'}",
                    (with_ < 0.7 * without) if enough else None,
                )
            )
        starts = [self.start(f"linear, {depth}", NONE) for depth in (5, 30)]
        normal = [self.start(f"linear, {depth}", CHANNEL) for depth in (5, 30)]
        claims.append(
            Claim(
                "linear, depth 5 → 30: initial gradients vanish without normalization only",
                "9e-4 → 2e-10 against 0.06 → 0.016",
                f"{' → '.join(map(short, starts))} against {' → '.join(map(short, normal))}",
                starts[1] < 1e-4 * starts[0] and normal[1] > 0.05 * normal[0],
            )
        )
        for (name, arm), record in recorded.SIGNALS.items():
            if record.layer_norm is not None:
                claims.append(self._near_start(name, arm, record.layer_norm))
            if self.settings.full:
                claims.append(self._near_end(name, arm, record.loss))
        return claims

    def _near_start(self, network: str, arm: str, record: float) -> Claim:
        """Compare with one recorded network: their median, and where among ours it would stand."""
        ours = sorted(self.starts[network, arm])
        rank = sum(value < record for value in ours) / len(ours)
        return Claim(
            f"{network}, {arm}: ‖∇W_l‖ at start, within ×3",
            short(record),
            f"{short(_median(ours))} (recorded one at our {rank:.0%} quantile)",
            within(_median(ours), record),
        )

    def _near_end(self, network: str, arm: str, record: float) -> Claim:
        losses = [trace.final_loss for trace in self.traces(network, arm)]
        return Claim(
            f"{network}, {arm}: final loss, within ×3 of our range over seeds",
            short(record),
            f"{short(min(losses))} … {short(max(losses))}",
            covers(losses, record),
        )

    def _curves(self) -> Table:
        rows = [
            (run.network, run.arm, run.seed, step + 1, loss, layer, run.trace.layers[layer][step],
             run.trace.filters[layer][step])
            for run in self.runs
            for step, loss in enumerate(run.trace.losses)
            if step < 100 or step % 10 == 0
            for layer in run.trace.layers
        ]  # fmt: skip
        columns = (
            "network", "normalization", "seed", "step", "loss", "layer", "gradient_norm",
            "filter_norm",
        )  # fmt: skip
        return Table(columns, rows)

    def draw(self, figure: Figure) -> None:
        """One row a network: loss, gradients by layer with and without, fitted signal, filter norms."""
        from chnorm_cli.lab.plots import (
            DASHES,
            colour,
            label_lines,
            layer_curves,
            loglog,
            prepare,
            thinned,
        )

        figure.set_size_inches(15, 2.7 * len(NETWORKS))
        grid = figure.subplots(len(NETWORKS), 5)
        for row, network in zip(grid, NETWORKS, strict=True):
            row[2].sharey(row[1])  # so that what vanishes is seen to
            loglog(row[0], title=f"{network.name}: loss", ylabel="mean squared error")
            prepare(row[3], title="fitted signal", xlabel="position", ylabel="value")
            row[3].plot(step_signal(network.n).flatten(), color="0.6", linewidth=2, label="step")
            for number, arm in enumerate(ARMS):
                runs = [r for r in self.runs if (r.network, r.arm) == (network.name, arm.name)]
                for run in runs:
                    steps = thinned(len(run.trace.losses))
                    row[0].plot(
                        steps, [run.trace.losses[step - 1] for step in steps], color=colour(number),
                        linestyle=DASHES[number], linewidth=1, label=arm.name,
                    )  # fmt: skip
                if arm.name in (CHANNEL, NONE):
                    row[3].plot(
                        runs[0].fitted, color=colour(number), linestyle=DASHES[number], linewidth=1,
                        label=arm.name,
                    )  # fmt: skip
            label_lines(row[0], loc="lower left")
            label_lines(row[3])
            for axes, arm_name in ((row[1], CHANNEL), (row[2], NONE)):
                layers = self.traces(network.name, arm_name)[0].layers
                layer_curves(axes, layers, title=f"‖∇W_l‖: {arm_name}")
            filters = self.traces(network.name, CHANNEL)[0].filters
            layer_curves(row[4], filters, title=f"filter norms: {CHANNEL}", ylabel="‖W_l‖₂")


def run(settings: Settings) -> Generator[str, None, Result]:
    """Take first gradients of many networks, then descend once a network, arm and seed."""
    runs = []
    starts: dict[tuple[str, str], list[float]] = {}
    for network in NETWORKS:
        y = step_signal(network.n).to(settings.device)
        for arm in ARMS:
            yield f"{network.name}, {arm.name}: first gradients"
            starts[network.name, arm.name] = [
                first_layer_norm(network, arm, settings.seed + number) for number in range(STARTS)
            ]
            for seed in range(settings.seed, settings.seed + settings.seeds):
                random = torch.Generator().manual_seed(seed)
                chain = Chain(network.spec, arm.norm, random, arm.init).to(settings.device)
                z = random_input((1, network.spec.width, 1, network.n), random).to(y)
                steps = settings.steps(network, arm)
                trace = Trace()
                for trace in follow(chain, z, y, rate=RATE, momentum=MOMENTUM, steps=steps):
                    if len(trace.losses) % 50 == 0:
                        yield f"{network.name}, {arm.name}, seed {seed}: step {len(trace.losses)}"
                with torch.no_grad():
                    fitted = chain(z).flatten().cpu()
                runs.append(Run(network.name, arm.name, seed, trace, fitted))
    return Result(settings, runs, starts)


def first_layer_norm(network: Network, arm: Arm, seed: int) -> float:
    """Give the geometric mean over layers of ‖∇W_l‖ of a fresh network."""
    random = torch.Generator().manual_seed(seed)
    chain = Chain(network.spec, arm.norm, random, arm.init)
    z = random_input((1, network.spec.width, 1, network.n), random)
    steps = follow(chain, z, step_signal(network.n), rate=0.0, momentum=0.0, steps=1)
    return next(steps).typical_layer_norm(0)


def _median(values: list[float]) -> float:
    """Give the lower median, which stays a number when some descents diverged."""
    return sorted(values)[(len(values) - 1) // 2] if values else math.nan
