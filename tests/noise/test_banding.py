"""Banding: what is found, what is not taken for it, and how it is taken out."""

import pytest
import torch
from bad_values import eight_bit, noisy
from clean_pictures import COMPRESSED, DOTS, DRAWN, PHOTOGRAPHS, SIDE, TEXTURES, crop, text

from chnorm_cli.noise.banding import Banding, find_banding

CLEAN = DRAWN | DOTS | COMPRESSED | PHOTOGRAPHS | TEXTURES


def offsets(sigma, channels=1, seed=3):
    random = torch.Generator().manual_seed(seed)
    return (sigma / 255 * torch.randn(channels, SIDE, generator=random)).expand(3, -1)


def rms(x):
    return 255 * float((x - x.mean(-1, keepdim=True)).square().mean().sqrt())


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("sigma", [0, 8])
def test_offsets_of_rows_are_found_alike_in_all_colours_or_not(channels, sigma):
    o = offsets(12, channels)
    found = find_banding(eight_bit(noisy(crop("astronaut"), sigma) + o[..., None]))
    assert found.columns is None
    assert rms(found.rows - o) < 3.5
    assert bool((found.rows[0] == found.rows[2]).all()) == (channels == 1)
    assert found.sentence().startswith("offsets of rows (σ ")
    assert found.as_dict()["sigma_rows"] == pytest.approx(12, rel=0.2)


def test_rows_and_columns_are_parted():
    y = noisy(crop("astronaut"), 5) + offsets(10)[..., None] + offsets(7, seed=4)[:, None]
    found = find_banding(y)
    assert rms(found.rows - offsets(10)) < 3.0
    assert rms(found.columns - offsets(7, seed=4)) < 3.0
    assert "rows" in found.sentence()
    assert "columns" in found.sentence()
    assert float((found.removed_from(y) - crop("astronaut")).square().mean().sqrt()) < 8 / 255


@pytest.mark.parametrize("name", [*CLEAN])
def test_clean_pictures_have_none(name):
    assert find_banding(CLEAN[name]()) is None


@pytest.mark.parametrize("period", [2, 5, 8, 13])
def test_blinds_and_siding_are_no_banding(period):
    stripes = 0.15 * ((torch.arange(SIDE) // period) % 2)[:, None]
    assert find_banding((crop("coffee") * 0.8 + stripes).clamp(0, 1)) is None


def test_noise_and_small_pictures_have_none():
    assert find_banding(noisy(crop("coffee"), 25)) is None
    assert find_banding((noisy(crop("coffee"), 8) + offsets(12)[..., None])[:, :40]) is None


def test_a_black_side_that_cuts_noise_off_says_nothing():
    truth = crop("astronaut").clone()
    truth[..., 3 * SIDE // 4 :] = 0
    found = find_banding(eight_bit(noisy(truth, 8) + offsets(12)[..., None]))
    assert rms(found.rows - offsets(12)) < 4.0


def test_what_is_missing_says_nothing():
    y = noisy(crop("coffee"), 8) + offsets(12)[..., None]
    missing = torch.rand(y.shape, generator=torch.Generator().manual_seed(0)) < 0.02
    spoilt = torch.where(missing, torch.tensor(1.0), y)
    assert rms(find_banding(spoilt, missing).rows - offsets(12)) < 3.5


def test_captions_stay_and_what_white_cut_off_stays_white():
    x = crop("coffee")
    x[:, 40:90, 40:160] = 1.3  # a light, far beyond white
    o = offsets(10)
    y = eight_bit((x + o[..., None]).clamp(0, 1))
    y[:, -30:] = 0.25  # a bar that was added afterwards
    banding = Banding(rows=o)
    straight = banding.removed_from(y)
    assert torch.equal(straight[:, -29:], y[:, -29:])
    light = straight[:, 45:85, 45:155]
    assert float(light.min()) > 0.995
    elsewhere = (y > 0) & (y < 1)
    elsewhere[:, -31:] = False
    assert torch.allclose(straight[elsewhere], (y - o[..., None])[elsewhere])


def test_of_wide_pictures_a_part_of_the_columns_is_enough():
    x = crop("astronaut").repeat(1, 1, 12)
    o = offsets(10)
    found = find_banding(noisy(x, 6) + o[..., None])
    assert found.columns is None
    assert rms(found.rows - o) < 3.0


def test_text_with_banding_on_it_is_left():
    assert find_banding(text()) is None
    assert Banding().sentence() == ""
    assert Banding().sigmas == (0.0, 0.0)
