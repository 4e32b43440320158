"""What is flat for another reason than being smooth, or cut off, is left out, at any value."""

import pytest
import torch
from clean_pictures import crop

from chnorm_cli.noise.finding import find_law
from chnorm_cli.noise.level import Level
from chnorm_cli.noise.silence import clipped_values, find_silence, flat_areas


def noisy(x, sigma=20.0, seed=1):
    y = Level.constant(sigma / 255, len(x)).added_to(x, torch.Generator().manual_seed(seed))
    return (y.clamp(0, 1) * 255).round() / 255


def bars(y, value):
    y[:, :32], y[:, -32:] = value, value
    return y


def pillars(y, value):
    y[..., :60] = value
    return y


def turned(y, value):
    rows, columns = torch.meshgrid(torch.arange(256), torch.arange(256), indexing="ij")
    y[:, rows + 0.4 * columns < 90] = value
    return y


def caption(y, value):
    y[:, 215:245, 20:230] = value
    y[:, 225:235, 40:200:7] = 1.0 - value
    return y


def cut_out(y, value):
    rows, columns = torch.meshgrid(torch.arange(256), torch.arange(256), indexing="ij")
    y[:, (rows - 128) ** 2 + (columns - 128) ** 2 > 120**2] = value
    return y


def strip(y, value):
    y[:, :, -9:] = value
    return y


FLAT = [bars, pillars, turned, caption, cut_out, strip]
VALUES = [0.0, 16 / 255, 128 / 255, 1.0]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("make", FLAT, ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", ["astronaut", "camera"])
def test_flat_areas_leave_the_law_as_it_is_and_come_back_bit_for_bit(name, make, value):
    y = noisy(crop(name, 20))
    plain = find_law(y)
    flat = make(y.clone(), value)
    law = find_law(flat)
    assert law.doubt is None
    assert law.sigma == pytest.approx(plain.sigma, rel=0.1)
    made = (make(torch.full_like(y, -1.0), value) == value).all(0)
    inner = made & (flat == value).all(0)
    assert float(law.flat[inner].float().mean()) > 0.95
    restored = law.restored(law.whitened(flat) * 0.9, flat)
    assert torch.equal(restored[:, law.flat], flat[:, law.flat])


@pytest.mark.parametrize("value", [0.0, 0.5])
@pytest.mark.parametrize("make", [bars, turned], ids=lambda f: f.__name__)
def test_they_do_not_count_for_photons_either(make, value):
    x = crop("camera", 20)
    law = Level(torch.zeros(1), torch.full((1,), 1 / 30), torch.zeros(1), torch.zeros(1))
    y = law.added_to(x, torch.Generator().manual_seed(2))
    found = find_law(make(y, value))
    assert float(found.level.gain[0]) == pytest.approx(1 / 30, rel=0.1)


def test_a_saturated_sky_does_not_count():
    x = crop("astronaut", 20)
    x[:, :90] = 1.2
    found = find_law(noisy(x))
    assert found.sigma * 255 == pytest.approx(20, rel=0.1)


@pytest.mark.parametrize("rate", [0.5, 1.0, 3.0])
def test_dark_counts_are_not_flat(rate):
    y = torch.poisson(torch.full((1, 128, 128), rate), generator=torch.Generator().manual_seed(3))
    assert not flat_areas(y).any()
    assert not clipped_values(y).any()


@pytest.mark.parametrize("size", [(1, 1), (2, 50), (50, 2), (3, 3), (40, 40)])
def test_small_and_constant_pictures(size):
    silence = find_silence(torch.full((2, *size), 0.4))
    assert silence.flat.shape == size
    assert bool(silence.flat.all()) == (size == (40, 40))  # in others there is not enough to tell
    assert not silence.clipped.any()


def test_what_is_cut_off_is_found_at_both_ends():
    x = torch.linspace(0, 1, 200).expand(1, 200, -1)
    y = noisy(x, 30)
    clipped = clipped_values(y)
    assert torch.equal(clipped, (y == 0) | (y == 1))
    assert not clipped_values(noisy(0.3 + 0.4 * x, 10)).any()
