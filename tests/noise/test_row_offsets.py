"""Offsets of rows, parted from what the picture shows."""

import pytest
import torch
from bad_values import noisy
from clean_pictures import SIDE, crop

from chnorm_cli.noise.row_offsets import row_offsets


def offsets(sigma, height=SIDE, seed=3):
    return sigma / 255 * torch.randn(height, generator=torch.Generator().manual_seed(seed))


def everywhere(y):
    return torch.ones_like(y, dtype=torch.bool)


def rms(x):
    return 255 * float((x - x.mean()).square().mean().sqrt())


@pytest.mark.parametrize("name", ["astronaut", "coffee"])
@pytest.mark.parametrize("sigma", [0, 8])
def test_offsets_are_found_within_a_quarter_of_their_level(name, sigma):
    o = offsets(12)
    y = noisy(crop(name), sigma) + o[:, None]
    found = row_offsets(y, everywhere(y), 12 / 255, 1.0)
    assert rms(found - o) < 3.0
    assert abs(float(found.mean())) < 1e-6


def test_a_horizon_is_not_an_offset():
    o = offsets(8)
    y = noisy(torch.full((1, SIDE, SIDE), 0.7), 3)
    y[:, 120:] -= 0.4
    found = row_offsets(y + o[:, None], everywhere(y), 8 / 255, 1.0)
    assert rms(found - o) < 2.5


def test_slow_shading_stays_with_the_picture():
    y = noisy(torch.linspace(0.1, 0.9, SIDE).square()[:, None].expand(1, SIDE, SIDE), 3)
    assert rms(row_offsets(y, everywhere(y), 4 / 255, 1.0)) < 0.6


def test_the_range_of_the_picture_is_its_unit():
    y = noisy(crop("camera"), 8) + offsets(12)[:, None]
    small = row_offsets(y, everywhere(y), 12 / 255, 1.0)
    large = row_offsets(1000 * y, everywhere(y), 12_000 / 255, 1000.0)
    assert torch.allclose(large, 1000 * small, atol=0.02)


def test_values_that_do_not_speak_change_nothing():
    y = noisy(crop("camera"), 8) + offsets(12)[:, None]
    speaks = everywhere(y)
    speaks[:, 40:60, 30:90] = False
    spoilt = torch.where(speaks, y, torch.tensor(5.0))
    found, again = (row_offsets(x, speaks, 12 / 255, 1.0) for x in (y, spoilt))
    assert torch.equal(found, again)
