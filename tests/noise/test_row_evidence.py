"""What tells offsets of rows from what a picture shows in rows."""

import pytest
import torch
from bad_values import noisy
from clean_pictures import SIDE, crop

from chnorm_cli.noise.row_evidence import row_evidence


def offsets(sigma, seed=3):
    return sigma / 255 * torch.randn(SIDE, 1, generator=torch.Generator().manual_seed(seed))


def evidence(x):
    return row_evidence(x, torch.ones_like(x, dtype=torch.bool))


@pytest.mark.parametrize("sigma", [0, 8])
def test_offsets_alternate_are_in_all_columns_and_their_level_is_found(sigma):
    seen = evidence((noisy(crop("camera"), sigma) + offsets(12))[0])
    assert 255 * seen.sigma == pytest.approx(12, rel=0.15)
    assert seen.alternating == pytest.approx(-0.5, abs=0.1)
    assert seen.repeating < 0.3
    assert seen.common > 0.8
    assert 0.8 < seen.even[0] <= seen.even[1] < 1.2
    assert seen.spread > 0.5


def test_noise_of_a_pixel_is_not_taken_for_that_of_its_row():
    seen = evidence(noisy(torch.full((1, SIDE, SIDE), 0.5), 25)[0])
    assert seen is None or 255 * seen.sigma < 1.5 or seen.common < 0.3


def test_what_comes_again_repeats():
    blinds = 0.2 * torch.sin(torch.arange(SIDE) * 2 * torch.pi / 7)[:, None]
    assert evidence((noisy(crop("camera"), 4) + blinds)[0]).repeating > 0.7


def test_waves_are_not_even_from_side_to_side():
    fading = torch.linspace(0, 2, SIDE)
    seen = evidence((noisy(crop("camera"), 4) + offsets(12) * fading)[0])
    assert seen.even[0] < 0.5


def test_what_does_not_speak_and_narrow_pictures_say_nothing():
    x = crop("camera")[0]
    assert row_evidence(x, torch.zeros_like(x, dtype=torch.bool)) is None
    assert evidence(x[:, :20]) is None
    assert evidence(torch.full((SIDE, SIDE), 0.5)) is None
