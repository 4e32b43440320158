"""Hot and dead pixels."""

import pytest
import torch
from bad_values import eight_bit, noisy, stars
from clean_pictures import TEXTURES

from chnorm_cli.noise.single_outliers import single_outliers

PLACES = ((0, 10, 90), (1, 64, 20), (2, 100, 100), (0, 31, 77))


def nowhere(y):
    return torch.zeros_like(y, dtype=torch.bool)


def with_hot_pixels(y, values=(0.95, 0.9, 0.85, 0.97)):
    bad = nowhere(y)
    for place, value in zip(PLACES, values, strict=True):
        bad[place] = True
        y[place] = value
    return y, bad


def smooth():
    """A slow picture with a little grain, as the ground of a photograph."""
    rows, columns = torch.meshgrid(*[torch.linspace(0, 1, 128)] * 2, indexing="ij")
    x = torch.stack([0.2 + 0.3 * rows, 0.4 - 0.2 * columns, 0.3 + 0.1 * rows * columns])
    return eight_bit(noisy(x, 2))


def test_hot_pixels_of_one_colour_are_found_and_nothing_else():
    y, bad = with_hot_pixels(smooth())
    assert torch.equal(single_outliers(y, nowhere(y)), bad)


def test_what_is_known_to_be_bad_is_not_found_again():
    y, bad = with_hot_pixels(smooth())
    assert not bool(single_outliers(y, bad).any())


@pytest.mark.parametrize("width", [0.5, 0.7, 1.2])
def test_stars_are_no_hot_pixels(width):
    y = stars(width)
    assert not bool(single_outliers(y, nowhere(y)).any())


@pytest.mark.parametrize("name", [*TEXTURES])
def test_texture_has_no_hot_pixels(name):
    y = TEXTURES[name]()
    assert not bool(single_outliers(y, nowhere(y)).any())


def test_one_huge_value_among_counts_is_found_in_its_own_range():
    random = torch.Generator().manual_seed(2)
    y = torch.poisson(torch.full((1, 96, 96), 20.0), generator=random)
    y[0, 40, 50] = 4095.0
    found = single_outliers(y, nowhere(y))
    assert found.nonzero().tolist() == [[0, 40, 50]]
