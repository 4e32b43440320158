"""The plain networks of the paper: convolution → activation → normalization, again and again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from chnorm_cli.fitting.settings import Normalization
from chnorm_cli.generators.channel_norm import EPS, ChannelNorm, normalization
from chnorm_cli.generators.layers import ReflectConv2d

Layer = Callable[[int], nn.Module]  # channels → what stands behind an activation


class Init(StrEnum):
    """How convolution weights are drawn; the confounder of every claim about vanishing gradients."""

    TORCH = "torch"  # U(±1/√fan_in): each linear layer scales the signal by 1/√3
    HE = "He"  # N(0, gain/fan_in), gain 2 before a ReLU and 1 otherwise: scale is kept on average
    EIGHTH = "N(0, 1/64)"  # of the authors' gradient histograms


class Shift(nn.Module):
    """z ← z + β per channel: what the authors' code calls `only+bias`, the fair control."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, z: Tensor) -> Tensor:
        """Shift (N, C, H, W)."""
        return z + self.beta.view(-1, 1, 1)


class UnbiasedChannelNorm(nn.Module):
    """Channel normalization with the variance of n − 1, as in the authors' 1-D code (no γ, β)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, z: Tensor) -> Tensor:
        """Normalize (N, C, H, W)."""
        variance, mean = torch.var_mean(z, (-2, -1), correction=1, keepdim=True)
        return (z - mean) * torch.rsqrt(variance + EPS)


def beta_only(channels: int) -> nn.Module:
    """Give channel normalization that learns β but not γ: the mode `BN` of the authors' 1-D code."""
    norm = ChannelNorm(channels)
    assert norm.gamma is not None
    norm.gamma.requires_grad_(False)
    return norm


def layer(kind: Normalization) -> Layer:
    """Give the product's own normalization by name."""
    return lambda channels: normalization(kind, channels)


class CircularConv(nn.Conv2d):
    """A circular convolution of signals (N, C, 1, n) with kernels (C_out, C_in, 1, k), k odd."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, bias: bool, groups: int) -> None:
        super().__init__(inputs, outputs, (1, kernel), bias=bias, groups=groups)
        self.reach = kernel // 2

    def forward(self, input: Tensor) -> Tensor:
        """Convolve (N, C_in, 1, n) to (N, C_out, 1, n)."""
        reach = self.reach
        wrapped = F.pad(input, (reach, reach, 0, 0), mode="circular") if reach else input
        return F.conv2d(wrapped, self.weight, self.bias, groups=self.groups)


@dataclass(frozen=True)
class ChainSpec:
    """The shape of a `Chain`; the paper's networks differ in nothing else."""

    width: int
    depth: int  # hidden convolutions; the 1-wide output convolution comes on top
    kernel: int
    signal: bool = True  # (1, C, 1, n), circular; otherwise pictures (1, C, H, W), mirrored
    relu: bool = True
    bias: bool = False  # of the hidden convolutions
    output_bias: bool = True
    sigmoid: bool = False
    copies: int = 1  # independent networks side by side, as groups: channels never mix


class Chain(nn.Module):
    """conv → (ReLU) → normalization, `depth` times, then a 1-wide convolution, then perhaps a sigmoid.

    Input (1, copies·width, H, W), output (1, copies, H, W). Weights come from `generator`.
    """

    def __init__(
        self, spec: ChainSpec, norm: Layer, generator: torch.Generator, init: Init = Init.TORCH
    ) -> None:
        super().__init__()
        self.spec = spec
        channels = spec.copies * spec.width
        self.hidden = nn.ModuleList(self._convolution(spec) for _ in range(spec.depth))
        self.norms = nn.ModuleList(norm(channels) for _ in range(spec.depth))
        self.output = CircularConv(
            channels, spec.copies, 1, bias=spec.output_bias, groups=spec.copies
        )
        draw_weights(self, init, generator, gain=2.0 if spec.relu else 1.0)

    @staticmethod
    def _convolution(spec: ChainSpec) -> nn.Module:
        channels = spec.copies * spec.width
        if spec.signal:
            return CircularConv(channels, channels, spec.kernel, bias=spec.bias, groups=spec.copies)
        return ReflectConv2d(channels, channels, spec.kernel, bias=spec.bias)

    def forward(self, z: Tensor) -> Tensor:
        """Map (1, copies·width, H, W) to (1, copies, H, W)."""
        for convolution, norm in zip(self.hidden, self.norms, strict=True):
            z = convolution(z)
            z = norm(F.relu(z) if self.spec.relu else z)
        z = self.output(z)
        return torch.sigmoid(z) if self.spec.sigmoid else z


@torch.no_grad()
def draw_weights(
    network: nn.Module, init: Init, generator: torch.Generator, *, gain: float
) -> None:
    """Draw all convolution weights and biases afresh from `generator`, a CPU one.

    Biases follow torch's default U(±1/√fan_in) but for He, where they are zero.
    """
    for module in network.modules():
        if not isinstance(module, nn.Conv2d):
            continue
        weight = module.weight
        fan_in = weight[0].numel()
        bound = fan_in**-0.5
        match init:
            case Init.TORCH:
                weight.uniform_(-bound, bound, generator=generator)
            case Init.HE:
                # The output convolution has no activation behind it, but half its input is zero.
                weight.normal_(0.0, (gain / fan_in) ** 0.5, generator=generator)
            case Init.EIGHTH:
                weight.normal_(0.0, 0.125, generator=generator)
        if module.bias is not None:
            width = 0.0 if init is Init.HE else bound
            module.bias.uniform_(-width, width, generator=generator)


@torch.no_grad()
def draw_gammas(network: nn.Module, generator: torch.Generator) -> None:
    """Draw the γ of every channel normalization from U(0, 1), as torch before 1.2 did."""
    for module in network.modules():
        if isinstance(module, ChannelNorm) and module.gamma is not None:
            drawn = torch.rand(module.channels, generator=generator)
            module.gamma.copy_(drawn)
