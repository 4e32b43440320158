"""Decoders: a small random tensor grows into a picture, and only the convolutions are learned."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from chnorm_cli.generators.layers import (
    ReflectConv2d,
    Upsampling,
    activate_and_normalize,
    halved,
    upsample,
)
from chnorm_cli.generators.names import Normalization, NormalizationPlace


class Decoder(nn.Module):
    """Blocks of convolution → ×2 upsampling → ReLU → channel normalization, then 1×1 and a sigmoid.

    With `kernel` 1 and a constant width this is the deep decoder of Heckel & Hand (ICLR 2019,
    `upsample_first=True` in their code): widths (128,)·6 have 100,224 parameters for RGB. With
    `kernel` 3 and widths that taper towards full resolution it is the convolutional decoder.
    The convolution comes before the upsampling, where it costs a quarter; for 1×1 kernels and
    bilinear upsampling the two orders are the same function (paper notes §6.1).

    Input (1, widths[0], *input_size(size)), output (1, channels, H, W) in (0, 1) for any H, W ≥ 1.
    """

    def __init__(
        self,
        channels: int,
        size: tuple[int, int],
        *,
        widths: tuple[int, ...] = (128, 128, 128, 128, 128, 128),
        kernel: int = 1,
        upsampling: Upsampling = Upsampling.BILINEAR,
        norm: Normalization = Normalization.CHANNEL,
        place: NormalizationPlace = NormalizationPlace.AFTER,
    ) -> None:
        super().__init__()
        self.upsampling = upsampling
        sizes = [size]
        for _ in widths[1:]:
            sizes.append(halved(sizes[-1]))
        self.sizes = sizes[::-1]  # coarse to fine, one a block
        self.input_shape = (1, widths[0], *self.sizes[0])
        inputs = (widths[0], *widths[:-1])
        self.convolutions = nn.ModuleList(
            ReflectConv2d(i, o, kernel, bias=False) for i, o in zip(inputs, widths, strict=True)
        )
        self.activations = nn.ModuleList(activate_and_normalize(o, norm, place) for o in widths)
        self.output = nn.Conv2d(widths[-1], channels, 1, bias=False)

    def forward(self, z: Tensor) -> Tensor:
        """Grow (1, k, h, w) to (1, C, H, W)."""
        # The last block stays at full size: upsampling happens between blocks.
        following = [*self.sizes[1:], self.sizes[-1]]
        for convolution, activation, size in zip(
            self.convolutions, self.activations, following, strict=True
        ):
            z = convolution(z)
            if z.shape[-2:] != size:
                z = upsample(z, size, self.upsampling)
            z = activation(z)
        return torch.sigmoid(self.output(z))
