"""Noise that went through a quantisation: its level is found, and texture is none."""

import pytest
import torch
from jpeg_files import compressed, opened, shared
from pictures import bundled

from chnorm_cli.noise.quantized import (
    IN_DOUBT,
    chance_of_noise,
    noise_before_quantization,
)


def found(x, quality):
    """The level that is found in a JPEG of x (C, H, W)."""
    _, jpeg = opened(compressed(x, quality))
    return noise_before_quantization(jpeg.numbers[0], jpeg.compression.planes[0].table)


def noisy(x, sigma, seed=0):
    return x + sigma / 255 * torch.randn(x.shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("sigma", [14.0, 25.0])
@pytest.mark.parametrize("quality", [50, 75, 95])
def test_noise_on_a_smooth_picture_is_measured(sigma, quality):
    x = torch.linspace(0.35, 0.65, 160).expand(1, 160, 160)
    assert found(noisy(x, sigma), quality) == pytest.approx(sigma, rel=0.1)


def test_what_all_frequencies_show_is_noise_although_steps_are_large():
    x = torch.linspace(0.35, 0.65, 128).expand(1, 128, 128)
    assert found(noisy(x, 10), 60) == pytest.approx(10, rel=0.1)


@pytest.mark.parametrize("quality", [60, 75, 90])
def test_chance_plays_a_small_part(quality):
    x = bundled("chelsea")[:, 40:200, 100:300]
    levels = [found(noisy(x, 25, seed), quality) for seed in range(5)]
    assert max(levels) < 1.15 * min(levels)
    # Of white noise in the colours this share is left in luma; the fur adds to it.
    assert 0.9 * 16.7 < min(levels) < 1.25 * 16.7


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea"])
@pytest.mark.parametrize("quality", [30, 75, 90])
def test_photographs_have_none(name, quality):
    assert found(bundled(name)[:, 20:212, 100:292], quality) == 0


def test_coarse_steps_hide_weak_noise():
    x = torch.full((1, 160, 160), 0.5)
    assert found(noisy(x, 7), 10) == 0


def test_too_few_blocks_say_nothing():
    assert found(noisy(torch.full((1, 48, 48), 0.5), 25), 75) == 0


def test_a_small_picture_has_enough_of_them():
    assert found(noisy(torch.full((1, 64, 64), 0.5), 25), 75) == pytest.approx(25, rel=0.15)


@pytest.mark.parametrize("seed", range(3))
def test_strong_noise_is_found_beside_texture_at_low_frequencies(seed):
    coarse = noisy(torch.full((1, 16, 16), 0.5), 25, 7)[None]
    x = torch.nn.functional.interpolate(coarse, size=(96, 96), mode="bicubic")[0]
    assert found(x, 75) == 0
    assert found(noisy(x, 15, seed), 75) == pytest.approx(15, rel=0.25)


def test_what_is_cut_off_is_left_out():
    x = torch.full((1, 160, 320), 0.5)
    x[..., 160:] = 1.0
    assert found(noisy(x, 20).clamp(0, 1), 75) == pytest.approx(20, rel=0.12)


def chance(x, quality, weakest=0.0):
    _, jpeg = opened(compressed(x, quality))
    return chance_of_noise(jpeg.numbers[0], jpeg.compression.planes[0].table, weakest)


def test_noise_that_neighbours_share_is_told_from_texture_by_its_spectrum():
    x = torch.linspace(0.35, 0.65, 160).expand(3, 160, 160)
    assert chance(x + shared(x.shape, 10, 0.7), 75) == 1
    assert chance(x + shared(x.shape, 10, 0.9), 95) == IN_DOUBT
    assert chance(bundled("astronaut")[:, 20:212, 100:292], 90) == 0


def test_blocks_with_less_than_the_noise_say_that_it_is_none():
    x = torch.linspace(0.35, 0.65, 160).expand(3, 160, 160)
    y = x + shared(x.shape, 10, 0.7)
    assert [chance(y, 75, weakest) for weakest in (10, 20)] == [1, 0]


def test_what_the_steps_hide_is_in_doubt():
    x = torch.full((3, 160, 160), 0.5)
    y = x + shared(x.shape, 1, 0.7)
    assert [chance(y, 75, weakest) for weakest in (1, 5)] == [IN_DOUBT, 0]


def test_in_few_blocks_all_may_be_noise():
    assert chance(torch.full((3, 48, 48), 0.5), 75) == 1
