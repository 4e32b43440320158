"""The hourglass of the deep image prior (Ulyanov, Vedaldi & Lempitsky, CVPR 2018)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from chnorm_cli.generators.channel_norm import normalization
from chnorm_cli.generators.layers import (
    ReflectConv2d,
    Upsampling,
    activate_and_normalize,
    upsample,
)
from chnorm_cli.generators.names import Normalization, NormalizationPlace

LEAK = 0.2


class HourglassScale(nn.Module):
    """One scale: halve, go deeper, come back up beside a thin skip connection, merge."""

    def __init__(
        self,
        inputs: int,
        width: int,
        skip: int,
        *,
        deeper: HourglassScale | None,
        upsampling: Upsampling,
        norm: Normalization,
        place: NormalizationPlace,
    ) -> None:
        super().__init__()
        self.upsampling = upsampling

        def block(i: int, o: int, kernel: int, stride: int = 1) -> nn.Sequential:
            return nn.Sequential(
                ReflectConv2d(i, o, kernel, stride=stride),
                activate_and_normalize(o, norm, place, leak=LEAK),
            )

        self.skip = block(inputs, skip, 1) if skip else None
        self.down = nn.Sequential(block(inputs, width, 3, stride=2), block(width, width, 3))
        self.deeper = deeper
        self.merged_norm = normalization(norm, skip + width)
        self.up = nn.Sequential(block(skip + width, width, 3), block(width, width, 1))

    def forward(self, z: Tensor) -> Tensor:
        """Map (1, inputs, H, W) to (1, width, H, W)."""
        low = self.down(z)
        if self.deeper is not None:
            low = self.deeper(low)
        high = upsample(low, (z.shape[-2], z.shape[-1]), self.upsampling)
        if self.skip is not None:
            high = torch.cat([self.skip(z), high], dim=1)
        merged: Tensor = self.up(self.merged_norm(high))
        return merged


class Hourglass(nn.Module):
    """Five scales of width 128 with 4-channel skips and a sigmoid: 2,217,831 parameters for RGB.

    The normalization stands before the activation, as in the authors' code. Input
    (1, 32, H, W), output (1, channels, H, W) in (0, 1), for any H, W ≥ 1.
    """

    def __init__(
        self,
        channels: int,
        size: tuple[int, int],
        *,
        width: int = 128,
        scales: int = 5,
        skip: int = 4,
        input_channels: int = 32,
        upsampling: Upsampling = Upsampling.BILINEAR,
        norm: Normalization = Normalization.CHANNEL,
        place: NormalizationPlace = NormalizationPlace.BEFORE,
    ) -> None:
        super().__init__()
        self.input_shape = (1, input_channels, *size)
        deeper: HourglassScale | None = None
        for scale in reversed(range(scales)):
            deeper = HourglassScale(
                width if scale else input_channels,
                width,
                skip,
                deeper=deeper,
                upsampling=upsampling,
                norm=norm,
                place=place,
            )
        assert deeper is not None
        self.scales = deeper
        self.output = nn.Conv2d(width, channels, 1)

    def forward(self, z: Tensor) -> Tensor:
        """Map (1, input_channels, H, W) to (1, C, H, W)."""
        return torch.sigmoid(self.output(self.scales(z)))
