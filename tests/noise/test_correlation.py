"""Noise that neighbours share is told from independent noise and from texture, and drawn again."""

import pytest
import torch
from pictures import bundled

from chnorm_cli.noise.correlation import correlated_noise
from chnorm_cli.noise.finding import find_law
from chnorm_cli.noise.gaussian import Noise, estimate_sigma

PICTURES = ["astronaut", "camera", "chelsea", "coffee"]


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def blur(channels, width):
    """A Gaussian kernel of unit energy for each of some independent channels."""
    positions = torch.arange(-6.0, 7.0)
    kernel = torch.exp(-(positions[:, None] ** 2 + positions**2) / (2 * width**2))
    return torch.eye(channels)[..., None, None] * kernel / kernel.norm()


def blurred(sigma, width, channels=3):
    return Noise(sigma / 255, blur(channels, width))


def next_to(x):
    """The correlation of next neighbours in a row."""
    x = x - x.mean((-2, -1), keepdim=True)
    return float((x[..., 1:] * x[..., :-1]).mean() / x.square().mean())


@pytest.mark.parametrize("width", [0.6, 1.0, 1.5])
@pytest.mark.parametrize("sigma", [10, 30])
@pytest.mark.parametrize("name", PICTURES)
def test_blurred_noise_is_found_where_the_pixelwise_estimate_is_blind(name, sigma, width):
    x = bundled(name)
    y = blurred(sigma, width, len(x)).added_to(x, seeded(1))
    found, _ = correlated_noise(y)
    assert sigma < 255 * found < 1.6 * sigma
    assert estimate_sigma(y) * 255 < 0.6 * sigma


@pytest.mark.parametrize("sigma", [0, 2, 5, 15, 25, 50])
@pytest.mark.parametrize("name", PICTURES)
def test_independent_noise_is_not_taken_for_shared(name, sigma):
    y = Noise(sigma / 255).added_to(bundled(name), seeded(2))
    assert correlated_noise(y) is None
    law = find_law(y)
    assert law.noise.kernel is None
    # Weak noise on fur is not told from it, and left.
    assert law.sigma == pytest.approx(estimate_sigma(y)) or (law.doubt is not None and sigma <= 2)


@pytest.mark.parametrize("sigma", [0, 5, 15])
@pytest.mark.parametrize("name", ["gravel", "grass", "brick", "immunohistochemistry"])
def test_texture_is_not_taken_for_noise(name, sigma):
    y = Noise(sigma / 255).added_to(bundled(name), seeded(3))
    assert correlated_noise(y) is None


def gray(name, contrast):
    x = bundled(name)[:, :512, :512].mean(0, keepdim=True).repeat(3, 1, 1)
    return 0.5 + contrast * (x - x.mean())


def test_faint_texture_that_all_colours_share_is_not_taken_for_noise():
    assert correlated_noise(gray("grass", 0.3)) is None


def test_strong_noise_in_fur_is_found_though_colours_share_a_part_of_it():
    together = torch.linalg.cholesky(torch.eye(3) / 5 + 4 / 5)[..., None, None]
    noise = Noise(9 / 255, together * blur(1, 0.8)[0])
    found, _ = correlated_noise(noise.added_to(gray("chelsea", 1.0), seeded(1)))
    assert 9 < 255 * found < 13


def test_noise_is_drawn_as_it_was_found():
    x = bundled("chelsea")
    e = blurred(20, 1.0).added_to(torch.zeros_like(x), seeded(4))
    noise = find_law(x + e).noise
    again = noise.added_to(torch.zeros_like(x), seeded(5))
    assert again.std() == pytest.approx(noise.sigma, rel=0.05)
    assert next_to(again) == pytest.approx(next_to(e), abs=0.1)


def test_colours_share_noise_as_they_did():
    x = bundled("coffee")
    one, *others = Noise(20 / 255, blur(3, 1.0)).added_to(torch.zeros_like(x), seeded(6))
    e = torch.stack([one, 0.6 * one + 0.8 * others[0], 0.5 * others[1]])
    noise = find_law(x + e).noise
    again = noise.added_to(torch.zeros_like(x), seeded(7)).flatten(1)
    assert torch.corrcoef(again)[0, 1] == pytest.approx(0.6, abs=0.08)
    assert again[2].std() / again[0].std() == pytest.approx(0.5, abs=0.08)


def test_fresh_noise_is_alike_up_to_the_edges():
    e = blurred(10, 1.5).added_to(torch.zeros(3, 300, 300), seeded(8))
    assert e.std() == pytest.approx(10 / 255, rel=0.03)
    assert e[:, 0].std() == pytest.approx(10 / 255, rel=0.15)
    assert e[..., -1].std() == pytest.approx(10 / 255, rel=0.15)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 63, 300), (3, 64, 64), (2, 80, 70)])
def test_small_and_flat_pictures_have_none(shape):
    assert correlated_noise(torch.zeros(shape)) is None
    assert correlated_noise(torch.rand(shape, generator=seeded(9))) is None


def test_it_follows_the_scale_of_the_picture():
    y = blurred(30, 1.0).added_to(bundled("coffee"), seeded(10))
    assert correlated_noise(2 * y)[0] == pytest.approx(2 * correlated_noise(y)[0], rel=1e-3)
