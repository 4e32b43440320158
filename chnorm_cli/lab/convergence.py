"""`chnorm lab convergence`: 1-D networks fit a step, with and without normalization."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from chnorm_cli.fitting.descent import convolution_weights
from chnorm_cli.lab import recorded
from chnorm_cli.lab.descents import Momentum, Trace, follow
from chnorm_cli.lab.networks import Chain
from chnorm_cli.lab.observations import random_input, step_signal
from chnorm_cli.lab.report import Claim, Report, Table, covers, short, within
from chnorm_cli.lab.signals import ARMS, CHANNEL, NETWORKS, NONE, Arm, Network

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RATE, MOMENTUM = 0.1, 0.9
NEAR = "recorded run within ×3 of our middle 90 %"
# Networks side by side: what one of them does varies over decades, and one of theirs is recorded.
CROWD = 31


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
class Crowd:
    """What `CROWD` networks of independent weights do, each a recorded run might have been."""

    starts: list[float]  # typical ‖∇W_l‖ before the first update
    ends: list[float] | None  # final losses, where there is a recorded one to compare with


@dataclass(frozen=True)
class Result:
    """All descents."""

    settings: Settings
    runs: list[Run]
    crowds: dict[tuple[str, str], Crowd]

    def traces(self, network: str, arm: str) -> list[Trace]:
        """Give the traces of one network and arm, one a seed."""
        return [run.trace for run in self.runs if (run.network, run.arm) == (network, arm)]

    def loss(self, network: str, arm: str) -> float:
        """Give the median over seeds of the final loss."""
        return _median([trace.final_loss for trace in self.traces(network, arm)])

    def start(self, network: str, arm: str) -> float:
        """Give the median over fresh networks of the typical ‖∇W_l‖ before the first update."""
        return _median(self.crowds[network, arm].starts)

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
            f"‖∇W_l‖ is the geometric mean over layers, and the median of {CROWD} fresh networks; each "
            "recorded value is that of one network, and is compared with the 5 % … 50 % … 95 % "
            "quantiles of ours. Their code run again: medians of nine seeds, by us.",
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
                starts = self.crowds[name, arm].starts
                claims.append(
                    _near(f"{name}, {arm}: ‖∇W_l‖ at start, {NEAR}", starts, record.layer_norm)
                )
            ends = self.crowds[name, arm].ends
            if ends is not None:
                claims.append(_near(f"{name}, {arm}: final loss, {NEAR}", ends, record.loss))
        for (name, arm), again in recorded.AGAIN.items():
            claims += self._again(name, arm, again)
        return claims

    def _again(self, network: str, arm: str, again: recorded.RecordedSignal) -> Iterator[Claim]:
        """Compare medians with those of the authors' own code: the fair comparison."""
        crowd = self.crowds[network, arm]
        assert again.layer_norm is not None
        pairs = [("‖∇W_l‖ at start", crowd.starts, again.layer_norm)]
        if crowd.ends is not None:
            pairs.append(("final loss", crowd.ends, again.loss))
        for what, ours, theirs in pairs:
            yield Claim(
                f"{network}, {arm}: median {what}, their code run again within ×3",
                short(theirs), short(_median(ours)), within(_median(ours), theirs),
            )  # fmt: skip

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
    crowds: dict[tuple[str, str], Crowd] = {}
    for network in NETWORKS:
        y = step_signal(network.n).to(settings.device)
        for arm in ARMS:
            crowds[network.name, arm.name] = yield from follow_crowd(network, arm, settings)
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
    return Result(settings, runs, crowds)


def follow_crowd(network: Network, arm: Arm, settings: Settings) -> Generator[str, None, Crowd]:
    """Descend with `CROWD` networks side by side, to the end where that was recorded too."""
    followed = settings.full and (network.name, arm.name) in recorded.SIGNALS
    random = torch.Generator().manual_seed(settings.seed)
    chain = Chain(replace(network.spec, copies=CROWD), arm.norm, random, arm.init)
    chain.to(settings.device)
    z = random_input((1, CROWD * network.spec.width, 1, network.n), random).to(settings.device)
    y = step_signal(network.n).to(settings.device)
    optimizer = Momentum(chain, rate=RATE, momentum=MOMENTUM)
    starts: list[float] = []
    losses = torch.empty(CROWD)
    for step in range(settings.steps(network, arm) if followed else 1):
        if step % 50 == 0:
            yield f"{network.name}, {arm.name}, {CROWD} networks: step {step}"
        optimizer.zero_grad()
        losses = (chain(z) - y).square().mean((-2, -1)).flatten()
        losses.sum().backward()  # a sum keeps their gradients apart: no copy sees another
        if step == 0:
            starts = layer_norms(chain)
        optimizer.step()
    ends = losses.nan_to_num(nan=math.inf).tolist()  # where one diverged
    return Crowd(starts, ends if followed else None)


def layer_norms(chain: Chain) -> list[float]:
    """Give the geometric mean over layers of ‖∇W_l‖ of each network in `chain`."""
    gradients = [weight.grad for weight in convolution_weights(chain).values()]
    norms = [g.view(CROWD, -1).norm(dim=1).double() for g in gradients if g is not None]
    typical: list[float] = torch.stack(norms).clamp_min(1e-300).log().mean(0).exp().tolist()
    return typical


def _near(claim: str, ours: list[float], record: float) -> Claim:
    """Compare one recorded network with the middle 90 % of ours: that one is of an unknown seed."""
    ranked, last = sorted(ours), len(ours) - 1
    low, high = ranked[math.floor(0.05 * last)], ranked[math.ceil(0.95 * last)]
    return Claim(
        claim,
        short(record),
        f"{short(low)} … {short(_median(ours))} … {short(high)}",
        covers([low, high], record),
    )


def _median(values: list[float]) -> float:
    """Give the lower median, which stays a number when some descents diverged."""
    return sorted(values)[(len(values) - 1) // 2] if values else math.nan
