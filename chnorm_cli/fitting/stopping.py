"""Stopping without the truth: rules that watch a number which stands in for the unknown error."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from chnorm_cli.fitting.solution import Outcome


@dataclass
class BestSoFar:
    """Remember the output at the lowest value of the monitor, and the weights that made it."""

    value: float = float("inf")
    index: int = 0
    output: Tensor | None = None

    def update(self, value: float, index: int, output: Tensor) -> bool:
        """Take one reading; say whether it is a new minimum."""
        if not value < self.value:
            return False
        self.value, self.index = value, index
        self.output = output.detach().clone()
        return True


class MonitorRule:
    """Stop when a monitor has not been beaten for `patience` of the steps taken so far.

    The monitor is `error(x̄)` of the averaged output: the distance to an independent half of the
    noise (split check), or to held-out observed pixels. The patience grows with the fit, because
    a fit that takes long to get somewhere also takes long to leave it.
    """

    def __init__(
        self,
        error: Callable[[Tensor], Tensor],
        outcome: Outcome,
        word: str,
        *,
        patience: float = 0.35,
        least: int = 60,
    ) -> None:
        self.error = error
        self.outcome = outcome
        self.word = word
        self.patience = patience
        self.least = least
        self.best = BestSoFar()
        self.value: float | None = None
        self.near = ""

    def update(self, index: int, average: Tensor) -> bool:
        """Take the averaged output (1, C, H, W) of step `index`; say whether to stop."""
        self.value = float(self.error(average))
        self.best.update(self.value, index, average)
        allowed = max(self.least, int(self.patience * index))
        waited = index - self.best.index
        self.near = f"{self.word}: {waited} of {allowed} steps past its minimum"
        return waited >= allowed


class WindowedVariance:
    """ES-WMV (Wang et al., Early Stopping for Deep Image Prior): no truth and no σ.

    VAR_t = (1/W) Σ ‖x_i − x̄_W‖² / n over the last W outputs falls while the picture settles and
    rises when noise comes in. A ring buffer with running sums makes it O(n) a step.
    """

    outcome = Outcome.VARIANCE

    def __init__(self, *, window: int = 50, patience: float = 0.5, least: int = 100) -> None:
        self.window = window
        self.patience = patience
        self.least = least
        self.ring: deque[Tensor] = deque()
        self.total: Tensor | None = None
        self.squares = 0.0
        self.best = BestSoFar()
        self.value: float | None = None
        self.near = "variance: window not full yet"

    def update(self, index: int, output: Tensor, average: Tensor) -> bool:
        """Take one raw output and the averaged one; say whether to stop."""
        x = output.detach().to(torch.float16)  # the ring is the memory of this rule
        wide = x.float()
        self.total = wide.clone() if self.total is None else self.total + wide
        self.ring.append(x)
        self.squares += float(wide.square().sum())
        if len(self.ring) > self.window:
            oldest = self.ring.popleft().float()
            self.total -= oldest
            self.squares -= float(oldest.square().sum())
        if len(self.ring) < self.window:
            return False
        mean = self.total / self.window
        self.value = self.squares / (self.window * mean.numel()) - float(mean.square().mean())
        self.best.update(self.value, index, average)
        allowed = max(self.least, int(self.patience * index))
        waited = index - self.best.index
        self.near = f"variance: {waited} of {allowed} steps past its minimum"
        return waited >= allowed
