"""What is known about one corrupted picture: y, A and the noise."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from chnorm_cli.noise.gaussian import Noise
from chnorm_cli.problems.operators import Mask, Operator

NOTHING = Noise(0.0)


@dataclass(frozen=True)
class Problem:
    """y = A x + noise, for one picture.

    `observation` is (C, h, w) with nominal range [0, 1], and the noise in the same units; its
    `sigma` is 0 where the observation is taken as exact.
    """

    observation: Tensor
    operator: Operator
    noise: Noise = NOTHING

    @property
    def sigma(self) -> float:
        """The standard deviation of the noise."""
        return self.noise.sigma

    @property
    def channels(self) -> int:
        """The number of channels C."""
        return self.observation.shape[-3]

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the picture that is looked for."""
        return self.operator.input_size

    @property
    def observed(self) -> Tensor:
        """1 where a pixel (h, w) of y was observed, 0 where it is missing."""
        if isinstance(self.operator, Mask):
            return self.operator.known.to(self.observation)
        return torch.ones(self.observation.shape[-2:]).to(self.observation)
