"""Noise is measured at many brightnesses, without bias, whatever its shape."""

import pytest
import torch
from clean_pictures import crop

from chnorm_cli.noise.level import Level
from chnorm_cli.noise.points import LEAST_BLOCKS, measure, smoothest
from chnorm_cli.noise.silence import find_silence


def ramp(channels=1):
    return torch.linspace(0.1, 1.0, 256).expand(channels, 256, -1).contiguous()


def measured(y):
    return measure(y, find_silence(y))


def level(read=0.0, gain=0.0, speckle=0.0, channels=1):
    return Level(*(torch.full((channels,), v) for v in (read, gain, speckle, 0.0)))


@pytest.mark.parametrize(
    "law", [level(0.1), level(gain=0.5), level(gain=1 / 30), level(speckle=0.2)]
)
def test_the_variance_is_that_of_the_noise_at_each_brightness(law):
    x = ramp()
    points = measured(law.added_to(x, torch.Generator().manual_seed(1)))
    expected = law.variance(points.brightness)
    ratio = points.variance / expected
    assert float(ratio.mean()) == pytest.approx(1.0, abs=0.05)
    assert float((ratio - 1).abs().max()) < 0.3
    assert bool((points.brightness.diff() > 0).all())


@pytest.mark.parametrize("sigma", [5, 25])
@pytest.mark.parametrize("name", ["astronaut", "camera", "coffee"])
def test_noise_has_the_kurtosis_and_evenness_of_noise(name, sigma):
    x = crop(name, 20)
    noisy = Level.constant(sigma / 255, len(x)).added_to(x, torch.Generator().manual_seed(1))
    points = measured(noisy)
    assert float(points.kurtosis.median()) == pytest.approx(3.0, abs=0.3)
    assert float(points.unevenness.median()) == pytest.approx(1.0, abs=0.12)


def test_texture_has_a_larger_kurtosis_and_is_less_even():
    points = measured(crop("grass"))
    assert float(points.kurtosis.median()) > 4.3
    assert float(points.unevenness.median()) > 1.2


def test_where_all_is_cut_off_the_least_clipped_blocks_speak_and_say_so():
    y = Level.constant(0.4, 1).added_to(
        torch.full((1, 128, 128), 0.5), torch.Generator().manual_seed(1)
    )
    assert not measured(y).cut_off
    points = measured((y.clamp(0, 1) * 255).round() / 255)
    assert points.cut_off
    assert 2.4 < float(points.kurtosis.median()) < 3.2


def test_flat_areas_do_not_speak():
    y = ramp() + 0.1 * torch.randn(1, 256, 256, generator=torch.Generator().manual_seed(1))
    y[..., :128] = 0.5
    points = measured(y)
    assert points.blocks < 0.5 * measured(ramp()).blocks
    assert float(points.brightness.min()) > 0.5


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (31, 31), (31, 200)])
def test_small_pictures_say_nothing(size):
    y = torch.rand(3, *size, generator=torch.Generator().manual_seed(1))
    assert measured(y) is None
    assert smoothest(y, find_silence(y)) is None


def test_a_constant_picture_says_nothing():
    assert measured(torch.full((3, 64, 64), 0.5)) is None


def test_the_smoothest_places_are_the_smooth_half():
    y = 0.01 * torch.randn(1, 128, 128, generator=torch.Generator().manual_seed(1))
    y[..., 64:] += (torch.arange(64.0) // 8 % 2)[None, None]
    places = smoothest(y, find_silence(y))
    assert places.shape == (126, 126)
    assert int(places.sum()) >= LEAST_BLOCKS * 14
    assert not places[:, 70:].any()
