"""Optimisers of θ: Adam, and Muon's orthogonalised updates for the convolutions.

They are written out because those of torch bring in its compiler when they are made: 0.8 seconds,
a quarter of what a small picture takes.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

# Quintic Newton–Schulz coefficients of Jordan et al. (Muon, 2024): they drive the singular values
# into about [0.7, 1.2] in five steps, which is all an update direction needs.
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def orthogonalized(matrix: Tensor, *, iterations: int = 5) -> Tensor:
    """Give the (m, n) matrix with its singular values pushed to about one."""
    a, b, c = NEWTON_SCHULZ
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.mT
    x = wide / (wide.norm() + 1e-7)
    for _ in range(iterations):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    result: Tensor = x if matrix.shape[0] <= matrix.shape[1] else x.mT
    return result


class Optimizer(ABC):
    """What updates `params` from their gradients, by steps of about `rate`."""

    def __init__(self, params: Iterable[Tensor], rate: float) -> None:
        self.params = list(params)
        self.rate = rate
        self.state: dict[str, Any] = {}  # what the steps so far have left

    def step(self) -> None:
        """Update what has a gradient, once."""
        moved = [(i, p, p.grad) for i, p in enumerate(self.params) if p.grad is not None]
        if moved:
            with torch.no_grad():
                self._update(*(list(column) for column in zip(*moved, strict=True)))

    def remembered(self, name: str, indices: list[int]) -> list[Tensor]:
        """Give the moments of that name of these parameters, zero at first."""
        moments = self.state.setdefault(name, {})
        for i in indices:
            if i not in moments:
                moments[i] = torch.zeros_like(self.params[i])
        return [moments[i] for i in indices]

    @abstractmethod
    def _update(self, indices: list[int], params: list[Tensor], grads: list[Tensor]) -> None: ...


class Adam(Optimizer):
    """θ ← θ − η m̂ / (√v̂ + ε), with the running means m of the gradient and v of its square.

    Kingma & Ba, "Adam: a method for stochastic optimization", ICLR 2015.
    """

    BETAS, EPSILON = (0.9, 0.999), 1e-8

    def _update(self, indices: list[int], params: list[Tensor], grads: list[Tensor]) -> None:
        first, second = self.remembered("first", indices), self.remembered("second", indices)
        steps = self.state["steps"] = self.state.get("steps", 0) + 1
        towards, keep = self.BETAS
        torch._foreach_lerp_(first, grads, 1 - towards)
        torch._foreach_mul_(second, keep)
        torch._foreach_addcmul_(second, grads, grads, 1 - keep)
        # Means that began at zero are too small by what they have not seen yet.
        size = torch._foreach_sqrt(second)
        torch._foreach_div_(size, math.sqrt(1 - keep**steps))
        torch._foreach_add_(size, self.EPSILON)
        torch._foreach_addcdiv_(params, first, size, -self.rate / (1 - towards**steps))


class Muon(Optimizer):
    """Momentum whose update is orthogonalised per layer; a convolution is the matrix (C_out, C_in·k·k).

    Normalized layers do not feel the scale of their weights, so an update of fixed size is natural.
    """

    MOMENTUM = 0.95

    def _update(self, indices: list[int], params: list[Tensor], grads: list[Tensor]) -> None:
        momenta = self.remembered("momentum", indices)
        for p, momentum, grad in zip(params, momenta, grads, strict=True):
            momentum.mul_(self.MOMENTUM).add_(grad)
            direction = grad + self.MOMENTUM * momentum  # Nesterov
            update = orthogonalized(direction.flatten(1))
            rows, columns = update.shape
            size = max(1.0, rows / columns) ** 0.5
            p.add_(update.view(p.shape), alpha=-self.rate * size)


class Optimizers:
    """Muon for the hidden convolutions and Adam for the rest, or Adam for all, under one schedule."""

    def __init__(self, network: nn.Module, *, adam_lr: float, muon_lr: float | None) -> None:
        parameters = list(network.parameters())
        # The output layer keeps Adam: orthogonalising its few rows moves colours far too fast.
        last = next(p for p in reversed(parameters) if p.ndim == 4)
        hidden = [p for p in parameters if p.ndim == 4 and p is not last]
        if muon_lr is None or not hidden:
            self._have(Adam(parameters, adam_lr))
        else:
            chosen = {id(p) for p in hidden}
            rest = [p for p in parameters if id(p) not in chosen]
            self._have(Muon(hidden, muon_lr), Adam(rest, adam_lr))

    def _have(self, *members: Optimizer) -> None:
        self.members = members
        self.rates = [member.rate for member in members]

    def scale_rates(self, factor: float) -> None:
        """Set every learning rate to `factor` times its base."""
        for member, rate in zip(self.members, self.rates, strict=True):
            member.rate = rate * factor

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for member in self.members:
            for parameter in member.params:
                parameter.grad = None

    def step(self, share: float = 1.0) -> None:
        """Update all parameters once, by this share of the usual update."""
        for member in self.members:
            usual = member.rate
            member.rate = usual * share
            member.step()
            member.rate = usual

    def forget(self) -> None:
        """Drop the moments, after the weights were put back to an earlier state."""
        for member in self.members:
            member.state.clear()
