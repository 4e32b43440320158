"""The non-local filter: what it does to noise, to colours, and to pictures of any size."""

from dataclasses import replace

import pytest
import torch
from pictures import bundled, psnr

from chnorm_cli.classical import nonlocal_filter as filtering
from chnorm_cli.classical.nonlocal_filter import (
    filter_once,
    nonlocal_filter,
    opponent_basis,
)
from chnorm_cli.classical.passes import FIRST, SECOND, THIRD
from chnorm_cli.noise.gaussian import Noise

QUICK = tuple(replace(settings, radius=8) for settings in (FIRST, SECOND, THIRD))
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
    assert psnr(nonlocal_filter(y, Noise(sigma / 255), QUICK), truth) > psnr(y, truth) + gain


@pytest.mark.parametrize("settings", [replace(FIRST, radius=3), replace(THIRD, radius=5)])
@pytest.mark.parametrize("corner", [(0, 0), (31, 70), (58, 118)])
def test_what_is_wanted_is_as_if_all_were_and_the_rest_is_not_worked_on(settings, corner):
    y = noisy(bundled("astronaut")[:, 40:104, 140:264])
    pilot = y.flip(0)
    wanted = torch.zeros(64, 124, dtype=torch.bool)
    wanted[corner[0] : corner[0] + 6, corner[1] : corner[1] + 6] = True
    whole = nonlocal_filter(y, Noise(SIGMA), (settings,), pilot)
    part = nonlocal_filter(y, Noise(SIGMA), (settings,), pilot, wanted)
    torch.testing.assert_close(part[:, wanted], whole[:, wanted])
    assert (part - y).abs().amax(0).lt(1e-5).float().mean() > 0.3


@pytest.mark.parametrize("name", ["astronaut", "camera"])
def test_each_pass_helps(name):
    truth = crop(name)
    y = noisy(truth)
    first, second, third = (
        psnr(nonlocal_filter(y, Noise(SIGMA), QUICK[:count]), truth) for count in (1, 2, 3)
    )
    assert second > first + 0.3
    assert third > second


def test_a_better_pilot_gives_a_better_picture():
    truth = crop()
    y = noisy(truth)
    plain = nonlocal_filter(y, Noise(SIGMA), QUICK)
    large = replace(SECOND, neighbours=128, radius=8, stride=6)
    guided = nonlocal_filter(y, Noise(SIGMA), (large,), pilot=truth)
    assert psnr(guided, truth) > psnr(plain, truth) + 1.0


@pytest.mark.parametrize("settings", QUICK)
def test_a_picture_can_be_its_own_pilot(settings):
    y = noisy(crop())
    same = nonlocal_filter(y, Noise(SIGMA), (settings,), pilot=y)
    torch.testing.assert_close(same, nonlocal_filter(y, Noise(SIGMA), (settings,), y.clone()))


def test_patches_find_their_like_among_others():
    flat, striped = torch.zeros(3, 40, 60), torch.zeros(3, 40, 60)
    striped[:, :, ::2] = 1.0
    truth = torch.cat([flat + 0.5, striped, flat + 0.5], 1)  # averaged with flat, stripes would go
    x = nonlocal_filter(noisy(truth), Noise(SIGMA), QUICK)
    assert psnr(x[:, 44:76], truth[:, 44:76]) > 34


def test_noise_that_neighbours_share_is_removed_by_who_knows_of_it():
    truth = crop()
    kernel = torch.eye(3)[..., None, None] * torch.full((3, 3), 1 / 3)
    noise = Noise(SIGMA, kernel)
    y = noise.added_to(truth, torch.Generator().manual_seed(0))
    values = (replace(THIRD, radius=8),)
    told = nonlocal_filter(y, noise, values, pilot=truth)
    untold = nonlocal_filter(y, Noise(SIGMA), values, pilot=truth)
    assert psnr(told, truth) > psnr(untold, truth) + 0.3


def test_values_cannot_be_combined_without_a_pilot():
    with pytest.raises(ValueError, match="pilot"):
        nonlocal_filter(noisy(crop()), Noise(SIGMA), (THIRD,))


def test_pure_noise_on_a_flat_picture_nearly_vanishes():
    truth = torch.full((3, 48, 48), 0.5)
    assert (nonlocal_filter(noisy(truth), Noise(SIGMA), QUICK) - truth).std() < 0.12 * SIGMA


def test_without_noise_nothing_is_done():
    y = noisy(crop())
    same = nonlocal_filter(y, Noise(0.0))
    assert torch.equal(same, y)
    same += 1
    assert not torch.equal(same, y)  # a copy: the observation stays what it was


def test_a_nearly_clean_picture_is_nearly_kept():
    x = crop()
    assert psnr(nonlocal_filter(x, Noise(0.2 / 255), QUICK), x) > 50


@pytest.mark.parametrize("sigma", [0.1, 1, 3])
@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_smooth_pictures_without_any_noise_are_kept(level, sigma):
    x = torch.full((3, 32, 32), level) + torch.linspace(0, 0.1, 32)
    assert psnr(nonlocal_filter(x, Noise(sigma / 255), QUICK), x) > 50  # their groups are singular


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 9])
@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 30), (7, 7), (8, 6), (4, 70), (31, 47)])
def test_any_size_and_number_of_channels(size, channels):
    y = noisy(torch.full((channels, *size), 0.5))
    x = nonlocal_filter(y, Noise(SIGMA), (replace(QUICK[0], stride=6), *QUICK[1:]))
    assert x.shape == y.shape
    assert torch.isfinite(x).all()
    assert (x - y).abs().max() < 1


@pytest.mark.parametrize(("settings", "gray"), [(FIRST, 12), (SECOND, 7), (THIRD, 7)])
def test_a_gray_patch_holds_as_many_values_where_colours_count_together(settings, gray):
    assert settings.suited_to(3) == settings
    assert settings.suited_to(1).patch == gray


def test_the_unit_does_not_matter():
    y = noisy(crop(size=32))
    assert torch.allclose(
        nonlocal_filter(4 * y, Noise(4 * SIGMA), QUICK),
        4 * nonlocal_filter(y, Noise(SIGMA), QUICK),
        atol=2e-3,
    )


def test_mirror_images_are_treated_alike():
    truth = crop(size=48)
    y = noisy(truth)
    mirrored = nonlocal_filter(y.flip(-1), Noise(SIGMA), QUICK).flip(-1)
    assert psnr(mirrored, truth) == pytest.approx(
        psnr(nonlocal_filter(y, Noise(SIGMA), QUICK), truth), abs=0.3
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
    there = filter_once(y + 0.5, Noise(SIGMA), settings) - 0.5
    assert (there - filter_once(y, Noise(SIGMA), settings)).abs().mean() < 0.15 * SIGMA


@pytest.mark.gpu
def test_gpu_and_cpu_agree():
    y = noisy(crop())
    there = nonlocal_filter(y.cuda(), Noise(SIGMA), QUICK)
    assert there.device.type == "cuda"
    # Neighbours that are equally near may be chosen differently, so pixels may differ a little.
    assert psnr(there.cpu(), nonlocal_filter(y, Noise(SIGMA), QUICK)) > 45


@pytest.mark.usefixtures("threads_put_back")
def test_the_number_of_threads_hardly_changes_the_result():
    y = noisy(crop(size=64))
    results = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        results.append(nonlocal_filter(y, Noise(SIGMA), QUICK))
    assert psnr(*results) > 60


def test_parts_of_a_wide_picture_join(monkeypatch):
    y = noisy(crop(size=96))
    whole = nonlocal_filter(y, Noise(SIGMA), QUICK)
    monkeypatch.setattr(filtering, "RUN", 1)
    assert psnr(nonlocal_filter(y, Noise(SIGMA), QUICK), whole) > 60
