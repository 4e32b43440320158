"""The generators written plainly in eager PyTorch, as their authors' code has them.

`nn.Sequential`, `BatchNorm2d`, NCHW memory, and upsampling before the convolution: what ours is
timed against, and for `deep_decoder` with width 64 the reference of quality too.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

Sized = tuple[nn.Module, Tensor]


def deep_decoder(channels: int, size: tuple[int, int], *, width: int, layers: int = 6) -> Sized:
    """Give Heckel & Hand's deep decoder and its input: 1×1 convolutions, then upsampling."""
    sizes = coarse_to_fine(size, layers)
    parts: list[nn.Module] = []
    for following in [*sizes[1:], None]:
        parts.append(nn.Conv2d(width, width, 1, bias=False))
        if following:
            parts.append(nn.Upsample(size=following, mode="bilinear"))
        parts += [nn.ReLU(), nn.BatchNorm2d(width)]
    parts += [nn.Conv2d(width, channels, 1, bias=False), nn.Sigmoid()]
    return nn.Sequential(*parts), 0.1 * torch.rand(1, width, *sizes[0])


def decoder(channels: int, size: tuple[int, int], widths: tuple[int, ...]) -> Sized:
    """Give the 3×3 decoder of ours, the convolutions after the upsampling."""
    sizes = coarse_to_fine(size, len(widths))
    parts: list[nn.Module] = []
    inputs = (widths[0], *widths[:-1])
    for i, o, following in zip(inputs, widths, [*sizes[1:], None], strict=True):
        if following:
            parts.append(nn.Upsample(size=following, mode="bilinear"))
        parts += [_convolution(i, o, bias=False), nn.ReLU(), nn.BatchNorm2d(o)]
    parts += [nn.Conv2d(widths[-1], channels, 1, bias=False), nn.Sigmoid()]
    return nn.Sequential(*parts), 0.1 * torch.rand(1, widths[0], *sizes[0])


def hourglass(channels: int, size: tuple[int, int], width: int = 128, scales: int = 5) -> Sized:
    """Give the hourglass of the deep image prior, for sizes that are multiples of 2^scales."""
    inner: nn.Module | None = None
    for scale in reversed(range(scales)):
        i = width if scale else 32
        down = [*_leaky(_convolution(i, width, stride=2)), *_leaky(_convolution(width, width))]
        deep = nn.Sequential(
            *down,
            *([inner] if inner is not None else []),
            nn.Upsample(scale_factor=2, mode="bilinear"),
        )
        inner = nn.Sequential(
            Beside(nn.Sequential(*_leaky(nn.Conv2d(i, 4, 1))), deep),
            nn.BatchNorm2d(4 + width),
            *_leaky(_convolution(4 + width, width)),
            *_leaky(nn.Conv2d(width, width, 1)),
        )
    assert inner is not None
    network = nn.Sequential(inner, nn.Conv2d(width, channels, 1), nn.Sigmoid())
    return network, 0.1 * torch.rand(1, 32, *size)


def unet(inputs: int, outputs: int, widths: tuple[int, ...]) -> nn.Module:
    """Give the U-Net of ours; instance normalization, which is the same for a batch of pictures."""
    inner: nn.Module | None = None
    for i, o, deeper in reversed(
        list(zip((inputs, *widths[:-2]), widths[:-1], widths[1:], strict=True))
    ):
        if inner is None:
            inner = nn.Sequential(*_instance(o, deeper))
        rise = [nn.Upsample(scale_factor=2, mode="nearest"), nn.Conv2d(deeper, o, 1)]
        inner = nn.Sequential(
            *_instance(i, o),
            Beside(nn.Sequential(nn.AvgPool2d(2), inner, *rise), nn.Identity()),
            *_instance(2 * o, o),
        )
    assert inner is not None
    return nn.Sequential(inner, nn.Conv2d(widths[0], outputs, 3, padding=1))


class Beside(nn.Module):
    """Two branches, their outputs beside each other."""

    def __init__(self, left: nn.Module, right: nn.Module) -> None:
        super().__init__()
        self.left = left
        self.right = right

    def forward(self, z: Tensor) -> Tensor:
        """Concatenate the channels."""
        return torch.cat([self.left(z), self.right(z)], dim=1)


def coarse_to_fine(size: tuple[int, int], count: int) -> list[tuple[int, int]]:
    """Give `count` sizes, each half of the next, rounded up."""
    sizes = [size]
    for _ in range(count - 1):
        sizes.append(((sizes[-1][0] + 1) // 2, (sizes[-1][1] + 1) // 2))
    return sizes[::-1]


def _convolution(i: int, o: int, *, stride: int = 1, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(i, o, 3, stride, padding=1, padding_mode="reflect", bias=bias)


def _leaky(convolution: nn.Conv2d) -> list[nn.Module]:
    return [convolution, nn.BatchNorm2d(convolution.out_channels), nn.LeakyReLU(0.2)]


def _instance(i: int, o: int) -> list[nn.Module]:
    return [nn.Conv2d(i, o, 3, padding=1), nn.ReLU(), nn.InstanceNorm2d(o, affine=True)]
