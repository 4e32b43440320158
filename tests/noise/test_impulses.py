"""Salt and pepper."""

import pytest
import torch
from bad_values import eight_bit, noisy, photograph, stars, thrown
from clean_pictures import DOTS, drawing, text

from chnorm_cli.noise.impulses import impulses


@pytest.mark.parametrize("each", [False, True], ids=["in all colours", "in each"])
@pytest.mark.parametrize("share", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("name", ["astronaut", "coffee"])
def test_nearly_all_are_found_and_hardly_anything_else(name, share, each):
    y, bad = thrown(photograph(name), share, each=each)
    found = impulses(y)
    assert float((found & bad).sum() / bad.sum()) > (0.9 if each else 0.95)
    assert float((found & ~bad).sum() / (~bad).sum()) < 1e-3


@pytest.mark.parametrize("rounded", [True, False])
def test_noise_between_them_hides_few(rounded):
    x = noisy(photograph(), 10)
    y, bad = thrown(eight_bit(x) if rounded else x, 0.05)
    found = impulses(y)
    assert float((found & bad).sum() / bad.sum()) > 0.9
    assert float((found & ~bad).sum() / (~bad).sum()) < 1e-3


def test_those_at_edges_and_side_by_side_are_found_too():
    x = photograph("coffee")
    y, bad = thrown(x, 0.2)
    y[:, 30, 40:46], bad = 0.0, bad.clone()
    bad[:, 30, 40:46] = True
    found = impulses(y)
    assert bool(found[:, 30, 40:46].all())
    missed = bad & ~found
    assert float(((y - x) * missed).square().mean()) < 1e-5  # 50 dB


CLEAN = {
    "photograph": photograph,
    "stars of a pixel": lambda: stars(0.5),
    "stars": lambda: stars(0.9),
    "text": lambda: text(size=8),
    "line art": lambda: drawing(255, 0, mode="L", count=300),
    "1-bit": DOTS["1-bit"],
    "noise": lambda: eight_bit(noisy(photograph(), 50)),
    "few counts": lambda: (
        torch.poisson(photograph() * 5, generator=torch.Generator().manual_seed(1)) / 5
    ),
}


@pytest.mark.parametrize("name", CLEAN)
def test_what_the_picture_holds_is_not_thrown(name):
    assert not bool(impulses(CLEAN[name]()).any())
