"""The noise of a picture that a stabilizing transform has made white."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from chnorm_cli.noise.gaussian import Noise
from chnorm_cli.noise.stabilizer import Stabilizer


@dataclass(frozen=True)
class StabilizedNoise(Noise):
    """Noise in z = t(y): nearly Gaussian, of standard deviation `sigma`, but at few counts.

    It is drawn as it comes about, x = E⁻¹(z), y ~ x, t(y), so that examples have its true shape.
    `basis` (C, C) are the colours in which groups of patches are, or None for those of z.
    """

    stabilizer: Stabilizer | None = None
    basis: Tensor | None = None

    def added_to(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Give z (C, H, W) with fresh noise."""
        assert self.stabilizer is not None
        if self.kernel is not None:  # what neighbours share is known of z only
            return super().added_to(x, generator)
        true = self.stabilizer.inverse(x)
        return self.stabilizer.forward(self.stabilizer.level.added_to(true, generator))

    def in_colours(self, basis: Tensor) -> Noise:
        """Give this noise as it is after the orthonormal change of colours `basis` (C, C)."""
        return replace(super().in_colours(basis), basis=basis)  # type: ignore[call-arg]

    @property
    def varies(self) -> bool:
        """Whether the variance is another than σ² somewhere: at few counts."""
        return True

    def relative_variance(self, means: Tensor) -> Tensor:
        """Give the variance (…, C) in units of σ² around `means` (…, C), in the colours of `basis`."""
        assert self.stabilizer is not None
        if self.basis is None:
            return self.stabilizer.variance(means.movedim(-1, 0)).movedim(0, -1)
        basis = self.basis.to(means)
        variance = self.stabilizer.variance((means @ basis).movedim(-1, 0)).movedim(0, -1)
        return variance.clamp(0.01, 2.0) @ basis.square().mT
