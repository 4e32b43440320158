"""Screens, hatching and ordered dither come again after a few pixels; noise and photographs do not."""

import pytest
import torch
from clean_pictures import DOTS, crop, jpeg

from chnorm_cli.noise.level import Level
from chnorm_cli.noise.repetition import repeats, repetition
from chnorm_cli.noise.silence import find_silence

WORDS = ("ordered", "halftone 4", "halftone 6", "comic", "hatch")
SCREENS = [name for name in DOTS if any(word in name for word in WORDS)]


def noisy(x, sigma):
    return Level.constant(sigma / 255, len(x)).added_to(x, torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", SCREENS)
def test_screens_repeat(name):
    y = DOTS[name]()
    assert repeats(y, find_silence(y))


@pytest.mark.parametrize("sigma", [0, 5, 25, 75])
@pytest.mark.parametrize("name", ["astronaut", "camera", "chelsea", "coffee", "brick", "grass"])
def test_photographs_and_noise_do_not(name, sigma):
    y = noisy(crop(name, 20), sigma)
    assert not repeats(y, find_silence(y))
    compressed = jpeg(y, 75)
    assert repetition(compressed, find_silence(compressed)) < 0.1


@pytest.mark.parametrize("size", [(33, 33), (40, 100), (64, 64)])
def test_chance_does_not_repeat_in_small_pictures(size):
    for seed in range(5):
        y = torch.rand(1, *size, generator=torch.Generator().manual_seed(seed))
        assert not repeats(y, find_silence(y))


def test_flat_areas_do_not_count():
    y = noisy(crop("camera", 20), 20)
    y[:, :100] = 0.3
    assert not repeats(y, find_silence(y))


def test_tiny_pictures_have_nothing_to_say():
    y = torch.rand(2, 5, 300)
    assert repetition(y, find_silence(y)) == 0.0
