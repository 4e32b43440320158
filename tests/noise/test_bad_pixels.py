"""All kinds of bad pixels together, and pictures that have none."""

import pytest
import torch
from bad_values import photograph, stars, thrown
from clean_pictures import COMPRESSED, DOTS, DRAWN, PHOTOGRAPHS, TEXTURES

from chnorm_cli.noise.bad_pixels import find_bad_pixels

SOME = {
    **DRAWN,
    **DOTS,
    **TEXTURES,
    **PHOTOGRAPHS,
    **{name: make for name, make in COMPRESSED.items() if "scatter" not in name},
    "stars": lambda: stars(0.6),
}


@pytest.mark.parametrize("name", [*SOME])
def test_a_clean_picture_has_none(name):
    assert find_bad_pixels(SOME[name]()) is None


def test_kinds_are_found_together_and_counted():
    y, bad = thrown(photograph("coffee"), 0.01)
    bad = bad.clone()
    y, bad[:, 60] = y.clone(), True
    y[:, 60] = 0.5
    found = find_bad_pixels(y)
    assert (found.rows, found.columns) == (1, 0)
    assert abs(found.count - int(bad.any(0).sum())) <= 8
    assert found.as_dict()["dead_rows"] == 1
    share = 100 * found.count / y[0].numel()
    assert found.sentence() == f"{found.count} bad pixels ({share:.2g} %), among them 1 dead row"


def test_what_is_missing_is_not_bad():
    y, bad = thrown(photograph(), 0.05)
    left = torch.zeros(y.shape[1:], dtype=torch.bool)
    left[:, :64] = True
    found = find_bad_pixels(y, left)
    assert not bool(found.pixels[:, :64].any())
    assert float((found.pixels & bad[0])[:, 64:].sum() / bad[0, :, 64:].sum()) > 0.95


def test_more_bad_pixels_than_good_ones_are_a_picture_of_something_else():
    y, _ = thrown(photograph(), 0.9)
    assert find_bad_pixels(y) is None
