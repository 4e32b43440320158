"""The few layers that all generators are made of, for pictures of any size down to 1×1."""

from __future__ import annotations

from enum import StrEnum

import torch.nn.functional as F
from torch import Tensor, nn

from chnorm_cli.generators.channel_norm import normalization
from chnorm_cli.generators.names import Normalization, NormalizationPlace


class Upsampling(StrEnum):
    """How a coarse map becomes a finer one; the smoothness of the prior sits here."""

    BILINEAR = "bilinear"
    NEAREST = "nearest"


def upsample(z: Tensor, size: tuple[int, int], mode: Upsampling) -> Tensor:
    """Resample (N, C, h, w) to (N, C, *size); `align_corners` is off so that pixels keep their place."""
    if mode is Upsampling.NEAREST:
        return F.interpolate(z, size=size, mode="nearest-exact")
    return F.interpolate(z, size=size, mode="bilinear", align_corners=False)


def halved(size: tuple[int, int]) -> tuple[int, int]:
    """Give half of (H, W), rounded up, which is what a stride-2 convolution leaves."""
    return (size[0] + 1) // 2, (size[1] + 1) // 2


class ReflectConv2d(nn.Conv2d):
    """A same-size convolution that mirrors the border, and repeats it where there is too little to mirror."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, bias: bool = True
    ) -> None:
        super().__init__(inputs, outputs, kernel, stride=stride, bias=bias)
        self.reach = kernel // 2

    def forward(self, input: Tensor) -> Tensor:
        """Convolve (N, C_in, H, W) to (N, C_out, ⌈H/stride⌉, ⌈W/stride⌉)."""
        if self.reach:
            mode = "reflect" if min(input.shape[-2:]) > self.reach else "replicate"
            input = F.pad(input, (self.reach,) * 4, mode=mode)
        return F.conv2d(input, self.weight, self.bias, self.stride)


def activate_and_normalize(
    channels: int, kind: Normalization, place: NormalizationPlace, *, leak: float = 0.0
) -> nn.Sequential:
    """Put the normalization after the activation (the paper's code) or before it (deep image prior)."""
    activation: nn.Module = nn.LeakyReLU(leak) if leak else nn.ReLU()
    norm = normalization(kind, channels)
    if place is NormalizationPlace.AFTER:
        return nn.Sequential(activation, norm)
    return nn.Sequential(norm, activation)
