"""One guarded gradient step: measure, notice a blow-up, go back to the last good weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from chnorm_cli.fitting.optimizers import Optimizers
from chnorm_cli.fitting.solution import DivergedError

WARMUP = 20  # steps


@dataclass(frozen=True)
class Measured:
    """What one gradient step measured."""

    loss: float
    grad_norm: float
    layer_grad_norms: dict[str, float]
    went_back: bool = False


def convolution_weights(network: nn.Module) -> dict[str, Tensor]:
    """Name the convolution weights W_l, γ, β and biases excluded, as the paper reports gradients."""
    return {
        name.removesuffix(".weight"): p
        for name, p in network.named_parameters()
        if p.ndim == 4 and name.endswith("weight")
    }


class Descent:
    """Gradient descent on one network, with a way back.

    The weights are remembered every `every` steps. A loss that is not finite, or `blowup` times
    the smoothed loss (5 dB, as in the deep image prior's code), puts them back; after
    `patience` returns without a new memory the fit counts as diverged. After a return the steps are
    short at first, the shorter the more returns there were. A loss near `harmless`,
    one that nobody could see in the picture, is no blow-up whatever came before it: of a picture
    with next to nothing to learn the loss is zero up to rounding, and rounding jumps.
    """

    def __init__(
        self,
        network: nn.Module,
        optimizers: Optimizers,
        *,
        blowup: float = 10**0.5,
        every: int = 25,
        patience: int = 5,
        harmless: float = 0.0,
    ) -> None:
        self.network = network
        self.optimizers = optimizers
        self.weights = convolution_weights(network)
        self.blowup = blowup
        self.every = every
        self.patience = patience
        self.harmless = harmless
        self.count = 0
        self.returns = 0
        self.returned: int | None = None  # the step of the last return
        self.smoothed: float | None = None
        self.good = self._copy()

    def step(self, objective: Callable[[], Tensor], *, usual: float = 0.0) -> Measured:
        """Minimise `objective()` once; raise `DivergedError` when there is no good state to go back to.

        `usual` is what this batch would cost without any network, where that is known: batches of a
        blank page with one word on it differ a millionfold.
        """
        self.optimizers.zero_grad()
        value = objective()
        value.backward()  # type: ignore[no-untyped-call]
        grads = [
            w.grad if w.grad is not None else torch.zeros_like(w) for w in self.weights.values()
        ]
        numbers = torch.stack([value.detach(), *torch._foreach_norm(grads)]).tolist()
        loss, norms = numbers[0], dict(zip(self.weights, numbers[1:], strict=True))
        total = math.sqrt(sum(n * n for n in norms.values()))
        if not math.isfinite(loss + total) or self._blew_up(loss, usual):
            self._go_back()
            return Measured(loss, total, norms, went_back=True)
        if (
            self.count % self.every == 0
        ):  # before the update: only of these weights is the loss known
            self.good = self._copy()
            self.returns = 0
        self.optimizers.step(self._share())
        self.count += 1
        self.smoothed = loss if self.smoothed is None else 0.9 * self.smoothed + 0.1 * loss
        return Measured(loss, total, norms)

    def restart(self) -> None:
        """Take the weights as they are for a new beginning."""
        self.optimizers.forget()
        self.smoothed = None
        self.count = self.returns = 0
        self.returned = None
        self.good = self._copy()

    def _blew_up(self, loss: float, usual: float) -> bool:
        if self.smoothed is None or self.count <= self.every:
            return False
        return loss > self.blowup * max(self.smoothed, usual, self.harmless)

    def _share(self) -> float:
        """Give the share of its usual length that the next step has."""
        if self.returned is None:
            return 1.0
        # Without moments yet, Adam's steps are as long as the rate, wherever they lead: straight
        # back to where it blew up.
        warmth = min(1.0, (self.count - self.returned + 1) / WARMUP)
        return float(warmth * 0.5**self.returns)

    def _go_back(self) -> None:
        self.returns += 1
        self.returned = self.count
        if self.returns > self.patience:
            raise DivergedError("the loss or its gradient stopped being a finite number")
        with torch.no_grad():
            for parameter, value in zip(self.network.parameters(), self.good, strict=True):
                parameter.copy_(value)
        self.optimizers.forget()
        # The bar rises with each return, so a fit that truly is at a higher loss may go on.
        if self.smoothed is not None:
            self.smoothed *= 1.5

    def _copy(self) -> list[Tensor]:
        return [p.detach().clone() for p in self.network.parameters()]
