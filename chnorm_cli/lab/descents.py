"""Descents of the experiments: the product's own gradient step, under the paper's optimizer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from chnorm_cli.fitting.descent import Descent, Measured
from chnorm_cli.fitting.optimizers import Optimizer, Optimizers
from chnorm_cli.fitting.solution import DivergedError


class GradientDescent(Optimizer):
    """v ← μ v + ∇, θ ← θ − η v."""

    def __init__(self, params: Iterable[Tensor], rate: float, momentum: float) -> None:
        super().__init__(params, rate)
        self.momentum = momentum

    def _update(self, indices: list[int], params: list[Tensor], grads: list[Tensor]) -> None:
        velocities = self.remembered("velocity", indices)
        torch._foreach_mul_(velocities, self.momentum)
        torch._foreach_add_(velocities, grads)
        torch._foreach_add_(params, velocities, alpha=-self.rate)


class Momentum(Optimizers):
    """The paper's SGD, on the whole signal, so nothing is stochastic."""

    def __init__(self, network: nn.Module, *, rate: float, momentum: float) -> None:
        parameters = [p for p in network.parameters() if p.requires_grad]
        self._have(GradientDescent(parameters, rate, momentum))


@dataclass
class Trace:
    """What one descent measured, step by step."""

    losses: list[float] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)  # sqrt(Σ_l ‖∇W_l‖²)
    layers: dict[str, list[float]] = field(default_factory=dict)  # ‖∇W_l‖ by layer
    filters: dict[str, list[float]] = field(default_factory=dict)  # ‖W_l‖ by layer
    diverged: bool = False

    def add(self, measured: Measured, weights: dict[str, Tensor]) -> None:
        """Take in one step."""
        self.losses.append(measured.loss)
        self.norms.append(measured.grad_norm)
        for name, norm in measured.layer_grad_norms.items():
            self.layers.setdefault(name, []).append(norm)
        lengths = torch.stack(torch._foreach_norm(list(weights.values()))).tolist()
        for name, length in zip(weights, lengths, strict=True):
            self.filters.setdefault(name, []).append(length)

    @property
    def final_loss(self) -> float:
        """The last loss; infinite for a descent that diverged."""
        return math.inf if self.diverged or not self.losses else self.losses[-1]

    def typical_layer_norm(self, step: int) -> float:
        """The geometric mean over layers of ‖∇W_l‖ at `step`, counted from 0."""
        logs = [math.log(max(norms[step], 1e-300)) for norms in self.layers.values()]
        return math.exp(sum(logs) / len(logs))


def follow(
    network: nn.Module, z: Tensor, y: Tensor, *, rate: float, momentum: float, steps: int
) -> Iterator[Trace]:
    """Minimise mean (G_θ(z) − y)² and yield the growing trace after every step.

    A loss that is not finite ends the descent and marks the trace; nothing is put back.
    """
    trace = Trace()
    optimizers = Momentum(network, rate=rate, momentum=momentum)
    descent = Descent(network, optimizers, blowup=math.inf, patience=0)
    weights = descent.weights
    for _ in range(steps):
        try:
            measured = descent.step(lambda: (network(z) - y).square().mean())
        except DivergedError:
            trace.diverged = True
            yield trace
            return
        trace.add(measured, {name: w.detach() for name, w in weights.items()})
        yield trace
