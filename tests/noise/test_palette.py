"""Palettes are told from noise, also where it has few levels."""

import pytest
import torch
from clean_pictures import DOTS, crop, pixel_art

from chnorm_cli.noise.level import Level
from chnorm_cli.noise.palette import has_palette


def seeded():
    return torch.Generator().manual_seed(1)


@pytest.mark.parametrize("name", [name for name in DOTS if name.startswith("GIF")])
def test_the_palette_of_a_gif_is_found(name):
    assert has_palette(DOTS[name]())


def test_so_is_that_of_pixel_art():
    assert has_palette(pixel_art(1, 16))


@pytest.mark.parametrize("rate", [0.5, 2.0])
def test_counts_are_no_palette(rate):
    y = torch.poisson(torch.full((3, 128, 128), rate), generator=seeded())
    assert y.unique().numel() < 20
    assert not has_palette(y)


def test_tones_of_one_ink_are_none():
    gray = (crop("camera") * 200).round() / 200
    y = (Level.constant(0.1, 1).added_to(gray, seeded()).clamp(0, 1) * 255).round()
    assert y.unique().numel() <= 256
    assert not has_palette(torch.cat([y, (0.8 * y).round(), (0.6 * y).round()]))
    assert not has_palette(y.expand(3, -1, -1))
    assert not has_palette(y)


def test_few_pixels_are_none():
    assert not has_palette(torch.rand(3, 10, 10, generator=seeded()))
