"""The hourglass: the published size, any picture, and its skips."""

import pytest
import torch

from chnorm_cli.generators.hourglass import Hourglass
from chnorm_cli.generators.names import Normalization
from chnorm_cli.generators.spec import parameters


def random_input(network):
    return torch.rand(network.input_shape, generator=torch.Generator().manual_seed(0))


def test_the_default_has_the_published_number_of_parameters():
    assert parameters(Hourglass(3, (64, 64))) == 2_217_831


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (2, 1), (31, 47), (63, 65)])
def test_any_size_and_number_of_channels(size, channels):
    network = Hourglass(channels, size, width=6, scales=5, skip=2, input_channels=4)
    x = network(random_input(network))
    assert x.shape == (1, channels, *size)
    assert ((x > 0) & (x < 1)).all()
    x.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters())


@pytest.mark.parametrize("skip", [0, 4])
def test_detail_reaches_the_output_through_the_skips(skip):
    network = Hourglass(1, (16, 16), width=6, scales=3, skip=skip, input_channels=4)
    z = random_input(network)
    with torch.no_grad():  # silence what comes up from below the first scale
        for parameter in network.scales.deeper.up.parameters():
            parameter.zero_()
        detail = network(z).std()
    assert (detail > 1e-4) == bool(skip)


@pytest.mark.parametrize("kind", Normalization)
def test_evaluation_mode_changes_nothing(kind):
    network = Hourglass(3, (9, 8), width=6, scales=2, norm=kind)
    z = random_input(network)
    assert torch.equal(network.train()(z), network.eval()(z))
