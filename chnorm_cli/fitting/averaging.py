"""Exponential averages of outputs and of weights, worth about 1 dB each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def decay_at(step: int, decay: float) -> float:
    """Warm up: a young average follows closely, so that it forgets where the fit began."""
    return min(decay, step / (step + 9.0))


class OutputAverage:
    """x̄ ← d x̄ + (1 − d) x, with d growing to `decay`."""

    def __init__(self, decay: float = 0.99) -> None:
        self.decay = decay
        self.value: Tensor | None = None
        self.count = 0

    def update(self, x: Tensor) -> Tensor:
        """Take one output (1, C, H, W) and give the average."""
        self.count += 1
        if self.value is None:
            self.value = x.detach().clone()
        else:
            self.value.lerp_(x.detach(), 1.0 - decay_at(self.count, self.decay))
        return self.value


class WeightAverage:
    """The same average, of all the parameters of a network."""

    def __init__(self, network: nn.Module, decay: float = 0.99) -> None:
        self.decay = decay
        self.parameters = list(network.parameters())
        self.values = [p.detach().clone() for p in self.parameters]
        self.count = 0

    @torch.no_grad()
    def update(self) -> None:
        """Take in the network's present weights."""
        self.count += 1
        torch._foreach_lerp_(
            self.values,
            [p.detach() for p in self.parameters],
            1.0 - decay_at(self.count, self.decay),
        )

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Let the network hold the averaged weights for the length of a `with` block."""
        present = [p.detach().clone() for p in self.parameters]
        self._load(self.values)
        try:
            yield
        finally:
            self._load(present)

    @torch.no_grad()
    def _load(self, values: list[Tensor]) -> None:
        for parameter, value in zip(self.parameters, values, strict=True):
            parameter.copy_(value)
