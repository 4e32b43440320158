"""The noise level is found within a few percent, whatever the picture and the noise."""

import pytest
import torch
from pictures import bundled

from chnorm_cli.noise.gaussian import CLEAN_SIGMA, Noise, estimate_sigma

LEVELS = [5, 10, 15, 25, 50, 75]


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def noisy(x, sigma, seed=1):
    return Noise(sigma / 255).added_to(x, seeded(seed))


def waves(height=96, width=128):
    """A smooth colour picture without a grain of its own."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack(
        [
            0.5 + 0.3 * torch.sin(rows / a) * torch.cos(columns / b)
            for a, b in [(9, 20), (15, 8), (30, 12)]
        ]
    )


@pytest.mark.parametrize("sigma", LEVELS)
@pytest.mark.parametrize("name", ["astronaut", "camera", "chelsea", "coffee"])
def test_on_photographs(name, sigma):
    estimate = estimate_sigma(noisy(bundled(name), sigma)) * 255
    # These pictures have some grain of their own, up to 1.4, which adds to σ² as it should.
    assert sigma * 0.97 < estimate < (sigma**2 + 1.4**2) ** 0.5 * 1.04


@pytest.mark.parametrize("sigma", LEVELS)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_on_a_synthetic_picture(channels, sigma):
    x = torch.cat([waves(), waves()[:1]])[:channels]
    assert estimate_sigma(noisy(x, sigma)) * 255 == pytest.approx(sigma, rel=0.08)


def test_a_clean_picture_is_known_for_one():
    assert estimate_sigma(waves()) < CLEAN_SIGMA
    assert estimate_sigma(torch.full((3, 40, 40), 0.3)) < 1e-6
    assert estimate_sigma((waves() * 255).round() / 255) < CLEAN_SIGMA


def test_a_hardly_noisy_picture_is_not_called_clean():
    assert estimate_sigma(noisy(waves(), 2)) > CLEAN_SIGMA


@pytest.mark.parametrize("sigma", [15, 25, 50])
@pytest.mark.parametrize("name", ["astronaut", "camera", "chelsea", "coffee"])
def test_clipping_a_photograph_to_8_bits_does_not_fool_it(name, sigma):
    clipped = (noisy(bundled(name), sigma).clamp(0, 1) * 255).round() / 255
    assert estimate_sigma(clipped) * 255 == pytest.approx(sigma, rel=0.07)


@pytest.mark.parametrize("sigma", [10, 15, 25])
def test_black_and_white_areas_do_not_fool_it(sigma):
    x = waves()
    x[:, :, :40] = 0.0  # where half of the noise is cut off
    x[:, :, 100:] = 1.0
    clipped = (noisy(x, sigma).clamp(0, 1) * 255).round() / 255
    assert estimate_sigma(clipped) * 255 == pytest.approx(sigma, rel=0.1)


def test_the_unit_is_the_pictures():
    y = noisy(waves(), 20)
    assert estimate_sigma(10 * y) == pytest.approx(10 * estimate_sigma(y), rel=1e-4)
    assert estimate_sigma(y + 3) == pytest.approx(estimate_sigma(y), rel=1e-3)


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 2)])
def test_too_few_pixels_to_tell(size):
    assert estimate_sigma(torch.rand(3, *size, generator=seeded(0))) == 0


@pytest.mark.parametrize("size", [(1, 500), (2, 90), (3, 50), (33, 31), (5, 200)])
def test_small_pictures_have_an_estimate(size):
    y = noisy(torch.full((3, *size), 0.5), 25)
    assert 15 < estimate_sigma(y) * 255 < 40


def test_added_noise_is_gaussian_independent_and_unclipped():
    x = torch.full((3, 200, 200), 0.9)
    noise = noisy(x, 50) - x
    assert noise.std() * 255 == pytest.approx(50, rel=0.02)
    assert noise.mean().abs() * 255 < 1
    assert (x + noise).max() > 1.2
    correlation = torch.corrcoef(noise.flatten(1))
    assert (correlation - torch.eye(3)).abs().max() < 0.03


def test_the_generator_decides_the_noise():
    x = waves()
    assert torch.equal(noisy(x, 25), noisy(x, 25))
    assert not torch.equal(noisy(x, 25), noisy(x, 25, seed=2))
    assert torch.equal(noisy(x, 0), x)


@pytest.mark.parametrize("side", [1, 4])
def test_the_covariance_of_a_patch_is_what_drawn_noise_shows(side):
    random = torch.Generator().manual_seed(0)
    kernel = torch.randn(2, 2, 3, 3, generator=random)  # the colours mix, and no axis is a mirror
    for noise in (Noise(0.2), Noise(0.2, kernel / kernel.norm())):
        drawn = noise.added_to(torch.zeros(2, 400, 400), random)
        patches = torch.nn.functional.unfold(drawn[None], side)[0]
        seen = patches @ patches.mT / patches.shape[1]
        expected = noise.covariance(2, side)
        assert (seen - expected).abs().max() < 0.03 * expected.max()


def test_a_change_of_colours_changes_the_noise_with_the_picture():
    kernel = torch.randn(3, 3, 3, 3, generator=torch.Generator().manual_seed(0))
    basis, _ = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(1)))
    noise = Noise(0.2, kernel)
    there = noise.in_colours(basis).added_to(torch.zeros(3, 9, 9), torch.Generator().manual_seed(2))
    here = noise.added_to(torch.zeros(3, 9, 9), torch.Generator().manual_seed(2))
    assert torch.allclose(there, torch.einsum("ij,jhw->ihw", basis, here), atol=1e-5)
    assert Noise(0.2).in_colours(basis) == Noise(0.2)
