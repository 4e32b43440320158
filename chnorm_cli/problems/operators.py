"""The linear operators A of y = A x + noise, on tensors (…, C, H, W)."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from chnorm_cli.problems.names import Kernel


class Operator(ABC):
    """A linear map with its adjoint: ⟨A x, y⟩ = ⟨x, Aᵀ y⟩."""

    input_size: tuple[int, int]  # (H, W) of x
    output_size: tuple[int, int]  # (H, W) of y

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Give A x."""

    @abstractmethod
    def adjoint(self, y: Tensor) -> Tensor:
        """Give Aᵀ y."""

    @abstractmethod
    def project(self, x: Tensor, y: Tensor) -> Tensor:
        """Give the point nearest to x that explains y: x + A⁺ (y − A x), with A⁺ the pseudo-inverse."""

    def to(self, device: torch.device | str) -> Operator:
        """Move what the operator holds to a device, and give the operator itself."""
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                setattr(self, name, value.to(device))
        return self


class Identity(Operator):
    """A x = x: denoising."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.input_size = self.output_size = size

    def forward(self, x: Tensor) -> Tensor:
        """Give x."""
        return x

    def adjoint(self, y: Tensor) -> Tensor:
        """Give y."""
        return y

    def project(self, x: Tensor, y: Tensor) -> Tensor:
        """Give y: with every pixel observed there is no choice."""
        return y


class Mask(Operator):
    """A x = x where the pixel is known, 0 elsewhere: inpainting.

    `known` is (H, W), 1 where observed and 0 where missing; it holds for all channels.
    """

    def __init__(self, known: Tensor) -> None:
        if known.ndim != 2:
            raise ValueError(f"a mask is (H, W), not {tuple(known.shape)}")
        self.known = known
        self.input_size = self.output_size = (known.shape[0], known.shape[1])

    def forward(self, x: Tensor) -> Tensor:
        """Give x with the missing pixels at 0."""
        return x * self.known.to(x.dtype)

    def adjoint(self, y: Tensor) -> Tensor:
        """Give the same as `forward`: a diagonal of zeros and ones is its own adjoint."""
        return self.forward(y)

    def project(self, x: Tensor, y: Tensor) -> Tensor:
        """Give x with the observed pixels put back bit for bit."""
        return torch.where(self.known > 0, y, x)


SUPPORT = {Kernel.BICUBIC: 2.0, Kernel.LANCZOS: 3.0, Kernel.BOX: 0.5}


def kernel_values(kernel: Kernel, t: Tensor) -> Tensor:
    """Evaluate the kernel at distances t in low-resolution pixels (Pillow: cubic a = −½, Lanczos a = 3)."""
    d = t.abs()
    match kernel:
        case Kernel.BICUBIC:
            near = (1.5 * d - 2.5) * d * d + 1
            far = ((-0.5 * d + 2.5) * d - 4) * d + 2
            return torch.where(d < 1, near, torch.where(d < 2, far, torch.zeros_like(d)))
        case Kernel.LANCZOS:
            return torch.where(d < 3, torch.sinc(d) * torch.sinc(d / 3), torch.zeros_like(d))
        case Kernel.BOX:
            # Half-open, as in Pillow, so that a pixel on the edge is counted once.
            return ((t > -0.5) & (t <= 0.5)).to(t.dtype)


def resampling_matrix(length: int, target: int, kernel: Kernel) -> Tensor:
    """Give the (target, length) matrix by which Pillow resamples a line, in float64.

    Rows sum to one. Source: Pillow's `precompute_coeffs` as documented behaviour: the support is
    widened by the scale when reducing (antialiasing) and cut off at the border.
    """
    scale = length / target
    widening = max(scale, 1.0)
    support = SUPPORT[kernel] * widening
    centers = (torch.arange(target, dtype=torch.float64) + 0.5) * scale
    first = (centers - support + 0.5).floor().clamp(min=0)
    last = (centers + support + 0.5).floor().clamp(max=length)
    positions = torch.arange(length, dtype=torch.float64)
    inside = (positions >= first[:, None]) & (positions < last[:, None])
    weights = kernel_values(kernel, (positions - centers[:, None] + 0.5) / widening) * inside
    return weights / weights.sum(1, keepdim=True)


def resized(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Resample (…, H, W) to (…, *size) with Pillow's bicubic."""
    rows = resampling_matrix(x.shape[-2], size[0], Kernel.BICUBIC)
    columns = resampling_matrix(x.shape[-1], size[1], Kernel.BICUBIC)
    return rows.to(x) @ x @ columns.to(x).mT


class Downsample(Operator):
    """A x = R_h x R_wᵀ: a picture (…, C, H, W) reduced by an integer scale, antialiased.

    `output_size` is (H/scale, W/scale); x is always `scale` times as large as y.
    """

    def __init__(
        self, output_size: tuple[int, int], scale: int, kernel: Kernel = Kernel.BICUBIC
    ) -> None:
        if scale < 1:
            raise ValueError(f"scale must be at least 1, not {scale}")
        self.scale = scale
        self.kernel = kernel
        self.output_size = output_size
        self.input_size = (output_size[0] * scale, output_size[1] * scale)
        self.rows = resampling_matrix(self.input_size[0], output_size[0], kernel)
        self.columns = resampling_matrix(self.input_size[1], output_size[1], kernel)
        # R⁺ = Rᵀ (R Rᵀ)⁻¹ per axis makes the projection onto {x : A x = y} exact.
        self.rows_inverse = _right_inverse(self.rows)
        self.columns_inverse = _right_inverse(self.columns)

    def forward(self, x: Tensor) -> Tensor:
        """Reduce (…, H, W) to (…, H/scale, W/scale)."""
        return self.rows.to(x) @ x @ self.columns.to(x).mT

    def adjoint(self, y: Tensor) -> Tensor:
        """Spread (…, H/scale, W/scale) over (…, H, W)."""
        return self.rows.to(y).mT @ y @ self.columns.to(y)

    def project(self, x: Tensor, y: Tensor) -> Tensor:
        """Back-project: the picture nearest to x whose reduction is exactly y."""
        residual = y - self.forward(x)
        return x + self.rows_inverse.to(x) @ residual @ self.columns_inverse.to(x).mT


def _right_inverse(matrix: Tensor) -> Tensor:
    # R Rᵀ is well conditioned (about 2 for every kernel), so no singular values are needed.
    inverse: Tensor = torch.linalg.solve(matrix @ matrix.mT, matrix).mT
    return inverse
