"""Patches in their principal components: an orthonormal change that is undone as it is done."""

import pytest
import torch
from pictures import bundled

from chnorm_cli.classical.components import Components
from chnorm_cli.noise.gaussian import Noise


def picture(channels=3):
    return bundled("astronaut")[:channels, 40:72, 180:220].double()


def found(kind, x, patch=4):
    return Components.of(x, patch) if kind == "joint" else Components.by_colour(x, patch)


@pytest.mark.parametrize("kind", ["joint", "by colour"])
def test_components_are_orthonormal_and_fall_in_energy(kind):
    components = found(kind, picture())
    basis = components.filters.flatten(1)
    assert torch.allclose(basis @ basis.mT, torch.eye(len(basis)).double(), atol=1e-9)
    assert (components.energies.diff() <= 1e-9).all()


@pytest.mark.parametrize("kind", ["joint", "by colour"])
@pytest.mark.parametrize("channels", [1, 3])
def test_patches_come_back_where_they_were(kind, channels):
    x = picture(channels)
    components = found(kind, x)
    values = components.of_patches(x)
    weight = components.summed(components.of_patches(torch.ones_like(x)))
    assert torch.allclose(components.summed(values) / weight, x, atol=1e-9)


def test_the_energy_of_a_component_is_its_mean_square():
    x = picture()
    components = Components.of(x, 4)
    mean_squares = components.of_patches(x).square().mean((0, 1, 2))
    assert torch.allclose(mean_squares, components.energies, rtol=1e-6)
    limit = float(components.energies[5])
    assert components.above(limit) == 5
    assert len(components.first(5).filters) == 5


def test_the_mean_colour_of_a_patch_is_known_from_its_components():
    x = picture()
    components = Components.of(x, 4)
    means = components.of_patches(x)[0, 3, 7] @ components.means()
    assert torch.allclose(means, x[:, 3:7, 7:11].mean((1, 2)), atol=1e-9)


def test_the_covariance_of_noise_is_that_of_its_components():
    kernel = torch.rand(3, 3, 3, 3, generator=torch.Generator().manual_seed(0)) / 5
    noise = Noise(0.1, kernel)
    components = Components.of(picture().float(), 3)
    apart = components.of_covariance(noise.covariance(3, 3))
    assert apart.shape == (3, 3, 27, 27)
    drawn = noise.added_to(torch.zeros(3, 400, 400), torch.Generator().manual_seed(1))
    values = components.of_patches(drawn)[0].flatten(0, 1)
    measured = values.mT @ values / len(values)
    assert (apart.sum((0, 1)) - measured).abs().max() < 0.05 * measured.diagonal().max()
