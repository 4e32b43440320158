"""Non-local ridge regression: what it does to noise, to colours, and to pictures of any size."""

from dataclasses import replace

import pytest
import torch
from pictures import bundled, psnr

from chnorm_cli.problems.noise import Noise
from chnorm_cli.problems.nonlocal_ridge import (
    FIRST,
    SECOND,
    _by_pilot,
    filter_once,
    nonlocal_ridge,
    opponent_basis,
)

QUICK = (replace(FIRST, stride=6, radius=8), replace(SECOND, stride=6, radius=8))
SIGMA = 25 / 255


def crop(name="astronaut", size=64):
    return bundled(name)[:, 40 : 40 + size, 180 : 180 + size]


def noisy(x, seed=0, sigma=SIGMA):
    return Noise(sigma).added_to(x, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("sigma", [10, 25, 50])
@pytest.mark.parametrize(("name", "gain"), [("astronaut", 4.0), ("camera", 3.0)])
def test_denoises(name, gain, sigma):
    truth = crop(name)
    y = noisy(truth, sigma=sigma / 255)
    assert psnr(nonlocal_ridge(y, sigma / 255, QUICK), truth) > psnr(y, truth) + gain


def test_the_second_pass_helps():
    truth = crop()
    y = noisy(truth)
    first = nonlocal_ridge(y, SIGMA, QUICK[:1])
    assert psnr(nonlocal_ridge(y, SIGMA, QUICK), truth) > psnr(first, truth) + 0.3


def test_a_better_pilot_gives_a_better_picture():
    truth = crop()
    y = noisy(truth)
    plain = nonlocal_ridge(y, SIGMA, QUICK)
    large = replace(SECOND, neighbours=128, radius=8, stride=6)
    guided = nonlocal_ridge(y, SIGMA, (large,), pilot=truth)
    assert psnr(guided, truth) > psnr(plain, truth) + 1.0


@pytest.mark.parametrize("k", [20, 73, 74, 150])
def test_both_forms_of_the_pilot_combination_are_the_formula(k):
    random = torch.Generator().manual_seed(k)
    pilot = torch.rand(2, 1, k, 49, generator=random, dtype=torch.float64)
    group = pilot + SIGMA * torch.randn(pilot.shape, generator=random, dtype=torch.float64)
    gram = pilot @ pilot.mT
    noise = 49 * SIGMA**2 * torch.eye(k, dtype=torch.float64)
    theta = gram @ torch.linalg.inv(gram + noise)
    estimate, energy = _by_pilot(group, pilot, SIGMA)
    assert torch.allclose(estimate, theta @ group, atol=1e-9)
    assert torch.allclose(energy, theta.square().sum(-1), atol=1e-9)


def test_pure_noise_on_a_flat_picture_nearly_vanishes():
    truth = torch.full((3, 48, 48), 0.5)
    assert (nonlocal_ridge(noisy(truth), SIGMA, QUICK) - truth).std() < 0.12 * SIGMA


def test_without_noise_nothing_is_done():
    y = noisy(crop())
    same = nonlocal_ridge(y, 0.0)
    assert torch.equal(same, y)
    same += 1
    assert not torch.equal(same, y)  # a copy: the observation stays what it was


def test_a_nearly_clean_picture_is_nearly_kept():
    x = crop()
    assert psnr(nonlocal_ridge(x, 0.2 / 255, QUICK), x) > 50


@pytest.mark.parametrize("sigma", [0.1, 1, 3])
@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_smooth_pictures_without_any_noise_are_kept(level, sigma):
    x = torch.full((3, 32, 32), level) + torch.linspace(0, 0.1, 32)
    assert psnr(nonlocal_ridge(x, sigma / 255, QUICK), x) > 50  # their groups are singular


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 30), (7, 7), (8, 6), (31, 47)])
def test_any_size_and_number_of_channels(size, channels):
    y = noisy(torch.full((channels, *size), 0.5))
    x = nonlocal_ridge(y, SIGMA, QUICK)
    assert x.shape == y.shape
    assert torch.isfinite(x).all()
    assert (x - y).abs().max() < 1


def test_the_unit_does_not_matter():
    y = noisy(crop(size=32))
    assert torch.allclose(
        nonlocal_ridge(4 * y, 4 * SIGMA, QUICK), 4 * nonlocal_ridge(y, SIGMA, QUICK), atol=2e-3
    )


def test_mirror_images_are_treated_alike():
    truth = crop(size=48)
    y = noisy(truth)
    mirrored = nonlocal_ridge(y.flip(-1), SIGMA, QUICK).flip(-1)
    assert psnr(mirrored, truth) == pytest.approx(
        psnr(nonlocal_ridge(y, SIGMA, QUICK), truth), abs=0.3
    )


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_the_change_of_colours_is_orthonormal(channels):
    basis = opponent_basis(channels)
    assert torch.allclose(basis @ basis.mT, torch.eye(channels), atol=1e-6)
    if channels == 3:
        assert torch.allclose(basis @ torch.ones(3), torch.tensor([3**0.5, 0, 0]), atol=1e-6)


def test_a_constant_that_is_added_comes_back():
    # Without a pilot Θ minimises an unbiased risk over all combinations of patches, and large
    # common means make it sum to one; so the level of the picture hardly matters.
    y = noisy(crop(size=48))
    settings = replace(FIRST, stride=6, radius=8)
    there = filter_once(y + 0.5, SIGMA, settings) - 0.5
    assert (there - filter_once(y, SIGMA, settings)).abs().mean() < 0.15 * SIGMA


@pytest.mark.gpu
def test_gpu_and_cpu_agree():
    y = noisy(crop())
    there = nonlocal_ridge(y.cuda(), SIGMA, QUICK)
    assert there.device.type == "cuda"
    # Neighbours that are equally near may be chosen differently, so pixels may differ a little.
    assert psnr(there.cpu(), nonlocal_ridge(y, SIGMA, QUICK)) > 45
