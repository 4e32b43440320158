"""What others put in the place of, or beside, channel normalization; for `chnorm lab ablation` only."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from chnorm_cli.fitting.descent import convolution_weights
from chnorm_cli.generators.channel_norm import EPS

Redirect = Callable[[Tensor], Tensor]


def group_norm(channels: int) -> nn.Module:
    """Normalize groups of channels together (Wu & He, ECCV 2018): four channels a group here."""
    return nn.GroupNorm(max(1, channels // 4), channels)


def layer_norm(channels: int) -> nn.Module:
    """Normalize all channels together (Ba, Kiros & Hinton, 2016)."""
    return nn.GroupNorm(1, channels)


class ConvNormConv2d(nn.Conv2d):
    """A convolution preconditioned towards orthogonality (Liu et al., NeurIPS 2021), (N, C, H, W).

    Output channel c is convolved with the filter of spectrum v_c(ω) = (Σ_in |ŵ_{c,in}(ω)|²)^{−½},
    held constant in the backward pass, then with a learned depthwise kernel. For 1×1 kernels
    v_c = 1/‖w_c‖. The published code adds no ε; here it keeps v finite at zeros of the spectrum.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__(inputs, outputs, kernel, bias=False)
        self.affine = nn.Conv2d(outputs, outputs, kernel, padding=kernel // 2, groups=outputs)

    def forward(self, input: Tensor) -> Tensor:
        """Convolve (N, C_in, H, W) to (N, C_out, H, W); the border is zero-padded, as published."""
        kernel = self.weight.shape[-1]
        # Full padding, so that what the circular filter below wraps around is border, not picture.
        full = F.conv2d(input, self.weight, padding=kernel - 1)
        flat = precondition(full, self.weight.detach())
        crop = (kernel - 1) - kernel // 2
        height, width = input.shape[-2:]
        kept: Tensor = self.affine(flat[..., crop : crop + height, crop : crop + width])
        return kept


def precondition(z: Tensor, weight: Tensor) -> Tensor:
    """Divide the spectrum of (N, C, H, W) by the root power of its filters (C, C_in, k, k)."""
    if weight.shape[-1] == 1:
        return z / (weight.square().sum((1, 2, 3)) + EPS).sqrt().view(-1, 1, 1)
    size = (z.shape[-2], z.shape[-1])
    power = filter_power(weight, size)
    spectrum = torch.fft.rfft2(z.contiguous()) * torch.rsqrt(power + EPS)
    flat: Tensor = torch.fft.irfft2(spectrum, s=size)
    return flat


def filter_power(weight: Tensor, size: tuple[int, int]) -> Tensor:
    """Give Σ_in |ŵ_{c,in}(ω)|² (C, H, W//2 + 1) of filters (C, C_in, k, k) zero-padded to `size`.

    It is the transform of the summed autocorrelations, which are small: one transform a channel
    instead of C_in.
    """
    kernel = weight.shape[-1]
    small = 2 * kernel - 1
    power = torch.fft.fft2(weight, s=(small, small)).abs().square().sum(1)
    correlation = torch.fft.fftshift(torch.fft.ifft2(power).real, (-2, -1))
    large = F.pad(correlation, (0, size[1] - small, 0, size[0] - small))
    wrapped = torch.roll(large, (1 - kernel, 1 - kernel), (-2, -1))
    summed: Tensor = torch.fft.rfft2(wrapped).real
    return summed.clamp_min(0.0)


class Reassessment(nn.Module):
    """Channel reassessment attention (Shen & Wen, arXiv 2010.05605), (N, C, H, W).

    A channel is multiplied by sigmoid(⟨its p×p average pooling, a learned kernel⟩ + bias). The body
    of the paper was not to be had: this follows a public layer of that name and is reconstructed.
    It has to stand after a normalization, which would cancel the factor again.
    """

    def __init__(self, channels: int, pool: int = 4) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(pool)
        self.assess = nn.Conv2d(channels, channels, pool, groups=channels)

    def forward(self, z: Tensor) -> Tensor:
        """Weigh the channels."""
        return z * torch.sigmoid(self.assess(self.pool(z)))


def directed_h0(share: float) -> Redirect:
    """Give G = ḡ + λ (g − ḡ), ḡ the mean over output channels: the H⁰ channel-directed gradient.

    Lao, Zhu, Wonka & Sundaramoorthi (arXiv 2008.10766), reconstructed from the abstract; λ is a
    guess.
    """

    def redirect(g: Tensor) -> Tensor:
        mean = g.mean(0, keepdim=True)
        return mean + share * (g - mean)

    return redirect


def directed_h1(smoothing: float) -> Redirect:
    """Give the solution of (I − λ Δ_out) G = g, periodic over output channels: the Sobolev H¹ one.

    Reconstructed, as `directed_h0`. The mean over channels stays as it is.
    """

    def redirect(g: Tensor) -> Tensor:
        channels = g.shape[0]
        omega = 2 * torch.pi * torch.arange(channels // 2 + 1, device=g.device) / channels
        damping = 1 + smoothing * (2 - 2 * torch.cos(omega))
        spectrum = torch.fft.rfft(g, dim=0) / damping.view(-1, 1, 1, 1)
        smoothed: Tensor = torch.fft.irfft(spectrum, n=channels, dim=0)
        return smoothed

    return redirect


def redirect_gradients(network: nn.Module, redirect: Redirect) -> None:
    """Let every convolution with more than three output channels see redirected gradients."""
    for weight in convolution_weights(network).values():
        if weight.shape[0] > 3:
            weight.register_hook(redirect)  # type: ignore[no-untyped-call]
