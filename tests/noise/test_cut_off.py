"""Noise that black and white cut off: its mean, the way back, and when it is taken for that."""

import numpy as np
import pytest
import torch

from chnorm_cli.noise.cut_off import CutOff, find_cut_off
from chnorm_cli.noise.finding import find_law
from chnorm_cli.noise.silence import find_silence

SIGMA = 0.1


def ends(low=0.0, high=1.0, sigma=SIGMA):
    return CutOff(*(torch.tensor([v]) for v in (low, high, sigma)))


def in_8_bits(x, sigma=SIGMA):
    noise = sigma * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    return ((x + noise).clamp(0.0, 1.0) * 255).round() / 255


def dark_and_light(size=128):
    """A picture (1, H, W) with a black and a white end, each as wide as the ramp between."""
    return (torch.linspace(-1.0, 2.0, size).clamp(0.0, 1.0)).expand(1, size, size)


@pytest.mark.parametrize("x", [0.0, 0.04, 0.5, 0.93, 1.0])
def test_the_mean_is_that_of_what_is_left_of_the_noise(x):
    drawn = in_8_bits(torch.full((1, 500, 500), x))
    told = ends().mean(torch.full((1, 1, 1), x))
    assert float(told) == pytest.approx(float(drawn.mean()), abs=5e-4)


@pytest.mark.parametrize("limits", [(0.0, 1.0), (0.0, torch.inf), (-torch.inf, 1.0)])
def test_the_way_back_undoes_the_mean_and_stays_between_the_ends(limits):
    cut_off = ends(*limits)
    x = torch.linspace(0.0, 1.0, 301).view(1, 1, -1)
    assert torch.allclose(cut_off.undone(cut_off.mean(x)), x, atol=2e-4)
    beyond = cut_off.undone(torch.tensor([[[-0.2, 1.2]]])).flatten().tolist()
    assert beyond[0] == pytest.approx(0.0 if limits[0] == 0.0 else -0.2)
    assert beyond[1] == pytest.approx(1.0 if limits[1] == 1.0 else 1.2)


def test_noise_as_wide_as_the_picture_is_left_alone():
    x = torch.rand(1, 4, 4)
    assert torch.equal(ends(sigma=0.5).undone(x), x)


def test_both_ends_are_found_where_the_noise_reaches_them():
    y = in_8_bits(dark_and_light())
    found = find_cut_off(y, torch.tensor([SIGMA]), find_silence(y))
    assert (float(found.low), float(found.high)) == (0.0, 1.0)


def test_noise_that_nothing_cuts_off_has_no_ends():
    y = in_8_bits(0.5 + 0.02 * dark_and_light())
    assert find_cut_off(y, torch.tensor([SIGMA]), find_silence(y)) is None


def test_a_dark_that_has_less_noise_stays_as_it_is():
    x = dark_and_light().clamp_min(0.03)
    y = torch.where(x > 0.03, in_8_bits(x), in_8_bits(x, 0.002))  # a camera has cleaned its dark
    found = find_cut_off(y, torch.tensor([SIGMA]), find_silence(y))
    assert not bool(found.low.isfinite())
    assert float(found.high) == 1.0


def test_a_law_gives_back_the_black_that_the_mean_has_lost():
    x = dark_and_light().expand(3, -1, -1)
    y = in_8_bits(x)
    law = find_law(y)
    assert law.cut_off is not None
    means = law.cut_off.mean(x)  # what a perfect denoiser makes of it
    assert float(means[..., 0].mean()) > 0.03
    assert float((law.restored(means, y) - x).abs().max()) < 0.02
    scaled = law.scaled(65535.0, 0.0)
    again = scaled.restored(65535.0 * means, 65535.0 * y) / 65535.0
    assert np.allclose(again, law.restored(means, y), atol=1e-4)
