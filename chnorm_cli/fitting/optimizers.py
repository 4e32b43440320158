"""Optimisers of θ: Adam, and Muon's orthogonalised updates for the convolutions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
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


class Muon(torch.optim.Optimizer):
    """Momentum whose update is orthogonalised per layer; a convolution is the matrix (C_out, C_in·k·k).

    Normalized layers do not feel the scale of their weights, so an update of fixed size is natural.
    """

    def __init__(self, params: Iterable[Tensor], lr: float = 0.02, momentum: float = 0.95) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Apply one update; `closure` is not used."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state: dict[str, Any] = self.state[p]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(p)
                momentum: Tensor = state["momentum"]
                momentum.mul_(group["momentum"]).add_(p.grad)
                direction = p.grad + group["momentum"] * momentum  # Nesterov
                update = orthogonalized(direction.flatten(1))
                rows, columns = update.shape
                size = max(1.0, rows / columns) ** 0.5
                p.add_(update.view(p.shape), alpha=-group["lr"] * size)


class Optimizers:
    """Muon for the hidden convolutions and Adam for the rest, or Adam for all, under one schedule."""

    def __init__(self, network: nn.Module, *, adam_lr: float, muon_lr: float | None) -> None:
        parameters = list(network.parameters())
        # The output layer keeps Adam: orthogonalising its few rows moves colours far too fast.
        last = next(p for p in reversed(parameters) if p.ndim == 4)
        hidden = [p for p in parameters if p.ndim == 4 and p is not last]
        self.members: list[torch.optim.Optimizer] = []
        if muon_lr is None or not hidden:
            self.members.append(torch.optim.Adam(parameters, lr=adam_lr, foreach=True))
        else:
            chosen = {id(p) for p in hidden}
            rest = [p for p in parameters if id(p) not in chosen]
            self.members.append(Muon(hidden, lr=muon_lr))
            self.members.append(torch.optim.Adam(rest, lr=adam_lr, foreach=True))
        self.rates = [group["lr"] for member in self.members for group in member.param_groups]

    def scale_rates(self, factor: float) -> None:
        """Set every learning rate to `factor` times its base."""
        groups = [group for member in self.members for group in member.param_groups]
        for group, rate in zip(groups, self.rates, strict=True):
            group["lr"] = rate * factor

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for member in self.members:
            member.zero_grad(set_to_none=True)

    def step(self, share: float = 1.0) -> None:
        """Update all parameters once, by this share of the usual update."""
        groups = [group for member in self.members for group in member.param_groups]
        usual = [group["lr"] for group in groups]
        for group in groups:
            group["lr"] *= share
        for member in self.members:
            member.step()
        for group, rate in zip(groups, usual, strict=True):
            group["lr"] = rate

    def forget(self) -> None:
        """Drop the moments, after the weights were put back to an earlier state."""
        for member in self.members:
            member.state.clear()
