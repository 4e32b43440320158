"""The layers: nothing happens at the border, pixels keep their place, any size goes."""

import pytest
import torch
import torch.nn.functional as F

from chnorm_cli.generators.layers import (
    ReflectConv2d,
    Upsampling,
    activate_and_normalize,
    halved,
    upsample,
)
from chnorm_cli.generators.names import Normalization, NormalizationPlace

SIZES = [(1, 1), (2, 1), (1, 7), (2, 2), (3, 5), (8, 6)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_flat_picture_stays_flat_up_to_the_border(size, kernel, stride):
    layer = ReflectConv2d(2, 3, kernel, stride=stride)
    x = layer(torch.ones(1, 2, *size))
    assert x.shape[-2:] == (size if stride == 1 else halved(size))
    assert torch.allclose(x, x[..., :1, :1].expand_as(x), atol=1e-5)


def test_the_border_is_mirrored():
    z = torch.randn(1, 2, 6, 9, generator=torch.Generator().manual_seed(0))
    layer = ReflectConv2d(2, 3, 3)
    # A picture and its mirror image, joined without doubling the edge, is what the layer sees.
    wide = torch.cat([z[..., 1:2], z], dim=-1)
    assert torch.allclose(layer(z)[..., :1], layer(wide)[..., 1:2], atol=1e-6)


@pytest.mark.parametrize("mode", Upsampling)
@pytest.mark.parametrize(
    ("size", "target"), [((1, 1), (2, 1)), ((4, 3), (8, 5)), ((5, 8), (9, 16))]
)
def test_upsampling_gives_the_size_asked_for_and_prefers_no_side(mode, size, target):
    z = torch.rand(1, 2, *size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = upsample(z, target, mode)
    assert x.shape[-2:] == target
    for axes in ([-1], [-2], [-2, -1]):
        assert torch.allclose(upsample(z.flip(axes), target, mode).flip(axes), x)
    assert torch.allclose(upsample(torch.ones_like(z), target, mode), torch.ones(()).double())


def test_upsampled_pixels_keep_their_place():
    ramp = torch.arange(8.0).expand(1, 1, 4, 8)
    fine = upsample(ramp, (8, 16), Upsampling.BILINEAR)[0, 0, 0]
    places = (torch.arange(16) + 0.5) / 2 - 0.5  # centres of the fine pixels on the coarse grid
    assert torch.allclose(fine[1:-1], places[1:-1])


@pytest.mark.parametrize("mode", Upsampling)
@pytest.mark.parametrize("bias", [True, False])
def test_a_1x1_convolution_commutes_with_upsampling(mode, bias):
    z = torch.randn(1, 4, 5, 6, generator=torch.Generator().manual_seed(0))
    layer = ReflectConv2d(4, 3, 1, bias=bias)
    assert torch.allclose(
        layer(upsample(z, (9, 12), mode)), upsample(layer(z), (9, 12), mode), atol=1e-6
    )


def test_a_3x3_convolution_does_not():
    z = torch.randn(1, 4, 5, 6, generator=torch.Generator().manual_seed(0))
    layer, mode = ReflectConv2d(4, 3, 3), Upsampling.BILINEAR
    difference = layer(upsample(z, (10, 12), mode)) - upsample(layer(z), (10, 12), mode)
    assert difference.abs().max() > 0.01


@pytest.mark.parametrize("leak", [0.0, 0.2])
def test_the_normalization_stands_after_the_activation_or_before_it(leak):
    z = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(0)) + 0.3

    def block(place):
        return activate_and_normalize(3, Normalization.CHANNEL, place, leak=leak)(z)

    after, before = block(NormalizationPlace.AFTER), block(NormalizationPlace.BEFORE)
    assert torch.allclose(after.mean((-2, -1)), torch.zeros(3), atol=1e-5)
    assert after.min() < 0
    normalized = F.instance_norm(z)
    assert torch.allclose(before, F.leaky_relu(normalized, leak), atol=1e-5)
