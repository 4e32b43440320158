"""Decoders: the paper's parameter counts, any size, and the order of convolution and upsampling."""

import pytest
import torch

from chnorm_cli.generators.channel_norm import ChannelNorm
from chnorm_cli.generators.decoder import Decoder
from chnorm_cli.generators.layers import Upsampling, upsample
from chnorm_cli.generators.names import Normalization, NormalizationPlace
from chnorm_cli.generators.spec import parameters

SIZES = [(1, 1), (2, 1), (1, 9), (31, 47), (63, 65)]


def random_input(network, seed=0, **options):
    random = torch.Generator().manual_seed(seed)
    return torch.rand(network.input_shape, generator=random, **options)


@pytest.mark.parametrize(
    ("width", "count"), [(64, 25_536), (128, 100_224), (256, 397_056), (320, 619_200)]
)
def test_the_deep_decoder_has_the_papers_number_of_parameters(width, count):
    assert parameters(Decoder(3, (64, 64), widths=(width,) * 6)) == count


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kernel", [1, 3])
def test_any_size_and_number_of_channels(size, channels, kernel):
    network = Decoder(channels, size, widths=(8, 8, 6, 4), kernel=kernel)
    x = network(random_input(network))
    assert x.shape == (1, channels, *size)
    assert ((x > 0) & (x < 1)).all()
    x.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters())


def test_each_block_halves_the_size_rounded_up():
    network = Decoder(3, (33, 8), widths=(5, 4, 4, 4))
    assert network.input_shape == (1, 5, 5, 1)
    assert network.sizes == [(5, 1), (9, 2), (17, 4), (33, 8)]


@pytest.mark.parametrize("mode", Upsampling)
def test_convolving_before_upsampling_is_the_papers_function_for_1x1_kernels(mode):
    network = Decoder(3, (23, 34), widths=(8, 8, 8, 6), upsampling=mode).double()
    z = random_input(network, dtype=torch.float64)
    expected = z
    following = [*network.sizes[1:], network.sizes[-1]]
    for convolution, activation, size in zip(
        network.convolutions, network.activations, following, strict=True
    ):
        expected = activation(convolution(upsample(expected, size, mode)))
    expected = torch.sigmoid(network.output(expected))
    assert torch.allclose(network(z), expected, atol=1e-6)


@pytest.mark.parametrize("place", NormalizationPlace)
def test_filters_of_all_layers_are_orthogonal_to_their_gradients(place):
    network = Decoder(3, (12, 20), widths=(6, 6, 5), kernel=3, place=place).double()
    for module in network.modules():
        if isinstance(module, ChannelNorm):
            module.eps = 1e-30  # ε → 0
    z = random_input(network, dtype=torch.float64)
    (network(z) - random_input(network, 1, dtype=torch.float64).mean()).square().mean().backward()
    for convolution in network.convolutions:
        w, gradient = convolution.weight, convolution.weight.grad
        assert gradient.norm() > 0
        along = (w * gradient).sum((1, 2, 3)).abs()
        assert (along < 1e-10 * w.norm() * gradient.norm()).all()
    w, gradient = network.output.weight, network.output.weight.grad
    assert (w * gradient).sum().abs() > 1e-6 * w.norm() * gradient.norm()  # nothing follows it


@pytest.mark.parametrize("kind", Normalization)
def test_evaluation_mode_changes_nothing(kind):
    network = Decoder(3, (9, 8), widths=(6, 6), kernel=3, norm=kind)
    z = random_input(network)
    assert torch.equal(network.train()(z), network.eval()(z))


def test_without_normalization_the_first_gradients_vanish_with_depth_and_with_it_they_do_not():
    def first_gradient(kind):
        torch.manual_seed(0)
        network = Decoder(1, (16, 16), widths=(4,) * 12, kernel=3, norm=kind)
        network.sizes = [(16, 16)] * 12
        z = torch.rand(1, 4, 16, 16, generator=torch.Generator().manual_seed(0))
        step = (torch.arange(16) > 7).float().expand(16, 16)
        (network(z) - step).square().mean().backward()
        return network.convolutions[0].weight.grad.norm()

    with torch.random.fork_rng():
        assert first_gradient(Normalization.CHANNEL) > 1e-4
        assert first_gradient(Normalization.NONE) < 1e-6
