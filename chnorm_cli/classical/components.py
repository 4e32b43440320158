"""Patches of a picture in their principal components: found once, and the way there and back.

A few of them hold nearly all that patches of one picture have in common. So distances in them are
nearly those of the patches, the patches of a group are combined in them for a fraction of the
time, and what is said of a patch is brought back to pixels once for all groups that it is in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

SAMPLES = 8192  # patches of the picture that determine the components, about


@dataclass(frozen=True)
class Components:
    """Orthonormal `filters` (n, C, patch, patch), from the component of most energy to that of least.

    Where patches hold one colour each, C is 1 and every colour has the same components.
    """

    filters: Tensor
    energies: Tensor  # (n,), the mean square along each

    @staticmethod
    def of(picture: Tensor, patch: int) -> Components:
        """Find the principal components of the patches of (C, H, W)."""
        return Components._found(picture[None], patch)

    @staticmethod
    def by_colour(picture: Tensor, patch: int) -> Components:
        """Find those that patches of the single colours of (C, H, W) have in common."""
        return Components._found(picture[:, None], patch)

    def first(self, count: int) -> Components:
        """Give the first so many, or all."""
        return Components(self.filters[:count], self.energies[:count])

    def above(self, energy: float) -> int:
        """Count the components of more energy than that."""
        return int((self.energies > energy).sum())

    @staticmethod
    def _found(pictures: Tensor, patch: int) -> Components:
        sets, channels, height, width = pictures.shape
        sparse = max(1, math.isqrt(height * width // SAMPLES))
        patches = F.unfold(pictures, patch, stride=sparse).double()
        # Around zero: what all patches have in common is to be in the first of them.
        moments = (patches @ patches.mT).sum(0) / (sets * patches.shape[-1])
        energies, found = torch.linalg.eigh(moments)
        filters = found.flip(1).mT.reshape(-1, channels, patch, patch)
        return Components(filters.to(pictures), energies.flip(0))

    def of_patches(self, picture: Tensor) -> Tensor:
        """Give all patches of (C, H, W) in components: (sets, h, w, n), a set a colour or one."""
        filters = self.filters.contiguous(memory_format=torch.channels_last)
        pictures = picture.view(-1, filters.shape[1], *picture.shape[1:])
        there = F.conv2d(pictures.contiguous(memory_format=torch.channels_last), filters)
        return there.permute(0, 2, 3, 1).contiguous()

    def summed(self, values: Tensor) -> Tensor:
        """Give the sum (C, H, W) of patches in components (sets, h, w, n), each at its place."""
        sets, tall, wide, n = values.shape
        channels, patch = self.filters.shape[1:3]
        planes = self.filters.view(n, -1).mT @ values.view(sets, -1, n).mT
        planes = planes.view(sets * channels, patch, patch, tall, wide)
        total = values.new_zeros(sets * channels, tall + patch - 1, wide + patch - 1)
        for i in range(patch):  # four times as fast as a transposed convolution
            for j in range(patch):
                total[:, i : i + tall, j : j + wide] += planes[:, i, j]
        return total

    def means(self) -> Tensor:
        """Give (n, C), by which components are multiplied for the mean colour of a patch."""
        return self.filters.mean((-2, -1))

    def of_covariance(self, covariance: Tensor) -> Tensor:
        """Bring the covariance (C·p², C·p²) of the pixels of a patch to components, by colours.

        Give (C, C, n, n), the part of each pair of colours; their sum is the whole.
        """
        count, channels, patch, _ = self.filters.shape
        basis = self.filters.view(count, channels, patch**2).to(covariance)
        apart = covariance.view(channels, patch**2, channels, patch**2)
        return torch.einsum("ncp,cpdq,mdq->cdnm", basis, apart, basis)
