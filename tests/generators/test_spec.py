"""Specs: a name becomes a network, drawn from a seed and from nothing else."""

import pickle

import pytest
import torch

from chnorm_cli.generators.decoder import Decoder
from chnorm_cli.generators.hourglass import Hourglass
from chnorm_cli.generators.names import GeneratorName, Normalization, NormalizationPlace
from chnorm_cli.generators.spec import DEFAULT_WIDTHS, GeneratorSpec, parameters
from chnorm_cli.generators.unet import UNet

SMALL = {
    GeneratorName.DECODER: GeneratorSpec(GeneratorName.DECODER, (6, 5, 4)),
    GeneratorName.DEEP_DECODER: GeneratorSpec(GeneratorName.DEEP_DECODER, (5, 5, 5)),
    GeneratorName.HOURGLASS: GeneratorSpec(GeneratorName.HOURGLASS, (6, 6)),
    GeneratorName.UNET: GeneratorSpec(GeneratorName.UNET, (4, 6)),
}


def built(spec, seed=0):
    return spec.build(channels=3, size=(12, 9), inputs=4, seed=seed)


def weights(network):
    return torch.cat([p.detach().flatten() for p in network.parameters()])


@pytest.mark.parametrize("name", SMALL)
def test_the_seed_decides_the_weights(name):
    first, again, other = (weights(built(SMALL[name], seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("name", SMALL)
def test_torchs_own_random_numbers_are_left_alone(name):
    torch.manual_seed(7)
    before = torch.get_rng_state()
    built(SMALL[name])
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("name", "kind", "shape"),
    [
        (GeneratorName.DECODER, Decoder, (1, 6, 3, 3)),
        (GeneratorName.DEEP_DECODER, Decoder, (1, 5, 3, 3)),
        (GeneratorName.HOURGLASS, Hourglass, (1, 32, 12, 9)),
    ],
)
def test_names_give_their_networks_and_input_shapes(name, kind, shape):
    network = built(SMALL[name])
    assert isinstance(network, kind)
    assert network.input_shape == shape
    assert network(torch.rand(shape)).shape == (1, 3, 12, 9)


def test_the_unet_takes_features():
    network = built(SMALL[GeneratorName.UNET])
    assert isinstance(network, UNet)
    assert network(torch.rand(2, 4, 12, 9)).shape == (2, 3, 12, 9)


def test_the_default_shapes_are_the_papers():
    for name, count in [
        (GeneratorName.DEEP_DECODER, 100_224),
        (GeneratorName.HOURGLASS, 2_217_831),
    ]:
        network = GeneratorSpec(name, DEFAULT_WIDTHS[name], place=NormalizationPlace.AFTER).build(
            channels=3, size=(32, 32)
        )
        assert parameters(network) == count


@pytest.mark.parametrize("name", SMALL)
def test_networks_are_channels_last(name):
    network = built(SMALL[name])
    kernels = [p for p in network.parameters() if p.ndim == 4 and min(p.shape) > 1]
    assert kernels or name is GeneratorName.DEEP_DECODER
    assert all(p.is_contiguous(memory_format=torch.channels_last) for p in kernels)


def test_auto_must_be_resolved_first():
    with pytest.raises(ValueError, match="auto"):
        built(GeneratorSpec(GeneratorName.AUTO, (4,)))


@pytest.mark.parametrize("name", SMALL)
def test_specs_can_be_pickled_compared_and_read(name):
    spec = SMALL[name]
    assert pickle.loads(pickle.dumps(spec)) == spec
    network = built(spec)
    line = spec.describe(network)
    assert f"{parameters(network):,} parameters" in line
    assert str(name) in line
    assert str(Normalization.CHANNEL) in line
