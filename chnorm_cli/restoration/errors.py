"""What is known of the errors of a restored picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from chnorm_cli.problems.names import Say


class Errors(Protocol):
    """How a task finds out how wrong its answer is."""

    def map(self, x: Tensor, say: Say) -> Tensor:
        """Give the standard error (H, W) of a value of the answer x (C, H, W); NaN: not known."""
        ...

    def rms(self, x: Tensor) -> float | None:
        """Give the root mean square error of x as far as it is known without further work."""
        ...


@dataclass(frozen=True)
class KnownErrors:
    """Errors that are known without a trial: `error` (H, W), NaN where nothing is known."""

    error: Tensor

    def map(self, _: Tensor, __: Say) -> Tensor:
        """Give `error`."""
        return self.error

    def rms(self, _: Tensor) -> float | None:
        """Give the root mean square, if all of it is known."""
        rms = float(self.error.square().mean().sqrt())
        return None if torch.isnan(torch.tensor(rms)) else rms


@dataclass(frozen=True)
class ErrorsBesideHoles:
    """Errors of a picture that are not known in its `holes` (H, W), bool, where it was filled."""

    errors: Errors
    holes: Tensor

    def map(self, x: Tensor, say: Say) -> Tensor:
        """Give the errors (H, W), NaN in the holes."""
        return self.errors.map(x, say).masked_fill(self.holes, torch.nan)

    def rms(self, _: Tensor) -> float | None:
        """Give none: the holes have a part in it."""
        return None
