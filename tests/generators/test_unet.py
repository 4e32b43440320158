"""The U-Net starts from the first guess and works on any size, batched or not."""

import pytest
import torch

from chnorm_cli.generators.names import Normalization, NormalizationPlace
from chnorm_cli.generators.unet import UNet

SIZES = [(1, 1), (2, 1), (7, 3), (31, 47), (63, 65)]


def features(size, channels=4, batch=1):
    return torch.randn(batch, channels, *size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("outputs", [1, 2, 3, 4])
@pytest.mark.parametrize("size", SIZES)
def test_any_size_starts_as_no_correction(size, outputs):
    network = UNet(4, outputs, widths=(4, 6, 8, 8))
    x = network(features(size))
    assert x.shape == (1, outputs, *size)
    assert torch.equal(x, torch.zeros_like(x))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", Normalization)
def test_one_step_of_descent_moves_it(size, kind):
    network = UNet(4, 3, widths=(4, 6, 8), norm=kind)
    (network(features(size)) - 1).square().mean().backward()
    with torch.no_grad():
        for parameter in network.parameters():
            assert torch.isfinite(parameter.grad).all()
            parameter.sub_(0.1 * parameter.grad)
    assert network(features(size)).abs().max() > 0


@pytest.mark.parametrize("place", NormalizationPlace)
def test_pictures_of_a_batch_do_not_mix(place):
    network = UNet(4, 2, widths=(4, 6, 8), place=place)
    torch.nn.init.normal_(network.output.weight, generator=torch.Generator().manual_seed(0))
    batch = features((12, 10), batch=3)
    batch[1] *= 100
    together = network(batch)
    for index in range(3):
        alone = network(batch[index : index + 1])
        assert torch.allclose(together[index], alone[0], rtol=1e-4, atol=1e-4)


def test_evaluation_mode_changes_nothing():
    network = UNet(4, 2, widths=(4, 6))
    torch.nn.init.normal_(network.output.weight, generator=torch.Generator().manual_seed(0))
    z = features((9, 8))
    assert torch.equal(network.train()(z), network.eval()(z))
