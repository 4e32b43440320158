"""What stands beside channel normalization in the ablation."""

import pytest
import torch

from chnorm_cli.generators.channel_norm import ChannelNorm
from chnorm_cli.lab.arms import arms, build
from chnorm_cli.lab.rivals import (
    ConvNormConv2d,
    Reassessment,
    directed_h0,
    directed_h1,
    filter_power,
    precondition,
    redirect_gradients,
)

EXACT = 1e-300  # torch refuses ε = 0


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("size", [(8, 8), (7, 10)])
def test_power_of_filters_by_autocorrelation(size):
    weight = normal(4, 3, 3, 3)
    direct = torch.fft.rfft2(weight, s=size).abs().square().sum(1)
    torch.testing.assert_close(filter_power(weight, size), direct)


def test_preconditioning_flattens_the_spectrum():
    """A one-channel convolution followed by v has |spectrum| 1: it only turns phases."""
    weight = normal(1, 1, 3, 3)
    z = normal(1, 1, 12, 12)
    spectrum = torch.fft.rfft2(z) * torch.fft.rfft2(weight, s=(12, 12))
    flat = precondition(torch.fft.irfft2(spectrum, s=(12, 12)), weight)
    torch.testing.assert_close(flat.square().sum(), z.square().sum(), rtol=0.02, atol=0)


def test_convnorm_keeps_the_size_and_passes_gradients():
    layer = ConvNormConv2d(3, 5, 3)
    out = layer(torch.randn(1, 3, 9, 7))
    assert out.shape == (1, 5, 9, 7)
    out.square().sum().backward()
    assert layer.weight.grad is not None


def test_one_by_one_convnorm_without_its_affine_is_cancelled_by_channel_norm():
    weight, z, norm = normal(4, 3, 1, 1), normal(1, 3, 6, 6), ChannelNorm(4, eps=EXACT).double()
    out = torch.nn.functional.conv2d(z, weight)
    ours = norm(torch.relu(precondition(out, weight)))
    torch.testing.assert_close(ours, norm(torch.relu(out)))


def test_reassessment_only_scales_channels_so_a_following_norm_cancels_it():
    z, attention, norm = (
        normal(1, 3, 8, 8),
        Reassessment(3).double(),
        ChannelNorm(3, eps=EXACT).double(),
    )
    ratio = attention(z) / z
    assert bool(((ratio > 0) & (ratio < 1)).all())
    torch.testing.assert_close(norm(attention(z)), norm(z))


@pytest.mark.parametrize("redirect", [directed_h0(0.3), directed_h1(2.0)])
def test_directed_gradients_keep_the_mean_over_output_channels(redirect):
    g = normal(8, 3, 3, 3)
    torch.testing.assert_close(redirect(g).mean(0), g.mean(0))
    assert redirect(g).norm() < g.norm()
    assert (redirect(g) * g).sum() > 0  # still a descent direction


def test_sobolev_gradients_solve_their_equation():
    g, smoothing = normal(7, 2, 3, 3), 1.5
    G = directed_h1(smoothing)(g)
    laplacian = G.roll(1, 0) + G.roll(-1, 0) - 2 * G
    torch.testing.assert_close(G - smoothing * laplacian, g)


def test_narrow_outputs_keep_their_gradients():
    network = torch.nn.Sequential(torch.nn.Conv2d(2, 6, 1), torch.nn.Conv2d(6, 3, 1))
    redirect_gradients(network, torch.zeros_like)
    network(torch.randn(1, 2, 4, 4)).square().sum().backward()
    assert not network[0].weight.grad.any()
    assert network[1].weight.grad.any()


@pytest.mark.parametrize("arm", arms(), ids=lambda arm: arm.name)
def test_every_arm_builds_a_network_that_learns(arm):
    network = build(arm, (8, 8), (12, 12), seed=0)
    out = network(torch.rand(network.input_shape))
    assert out.shape == (1, 1, 12, 12)
    out.square().sum().backward()
    assert all(p.grad is not None for p in network.parameters() if p.requires_grad)


def test_arms_share_their_first_weights():
    channel, plain = (build(arm, (8, 8), (12, 12), seed=3) for arm in arms()[::3][:2])
    assert torch.equal(channel.convolutions[0].weight, plain.convolutions[0].weight)
