"""Bad pixels on the command line: drawn by `corrupt`, kept by `--save-mask`."""

import numpy as np
import pytest

from chnorm_cli.commands.corruption import spoil_pixels
from chnorm_cli.commands.drawn_noise import DrawnNoise
from chnorm_cli.commands.planning import Plan, _with_mask
from chnorm_cli.images import Picture, read_mask
from chnorm_cli.scaling.bad_masks import check_mask_name, check_mask_pages, encode_bad_masks
from chnorm_cli.scaling.failures import Failure
from chnorm_cli.scaling.requests import Denoise, Request


def gray(side=32, channels=3):
    return Picture(np.full((side, side, channels), 0.4, np.float32))


def spoilt(picture, seed=0, **drawn):
    return spoil_pixels(picture, DrawnNoise(**drawn), np.random.default_rng(seed)).pixels


def test_that_share_of_the_pixels_becomes_black_or_white_in_all_colours():
    pixels = spoilt(gray(), impulse=0.25)
    bad = (pixels != np.float32(0.4)).any(-1)
    assert bad.sum() == 256
    assert set(np.unique(pixels[bad])) == {0.0, 1.0}
    assert (pixels[bad] == pixels[bad][:, :1]).all()
    assert 80 < (pixels[bad] == 1).all(-1).sum() < 176


def test_hot_pixels_are_white_in_one_colour_and_as_many_as_asked_for():
    pixels = spoilt(gray(), hot=20)
    assert (pixels == 1).sum() == 20
    assert ((pixels == 1) | (pixels == np.float32(0.4))).all()


def test_the_same_seed_spoils_the_same_and_none_asked_for_changes_nothing():
    picture = gray()
    assert np.array_equal(spoilt(picture, impulse=0.1, hot=5), spoilt(picture, impulse=0.1, hot=5))
    assert spoil_pixels(picture, DrawnNoise(), np.random.default_rng(0)) is picture


@pytest.mark.parametrize("drawn", [{"impulse": 1.5}, {"impulse": -0.1}])
def test_a_share_is_from_0_to_1(drawn):
    with pytest.raises(Failure, match="--impulse"):
        DrawnNoise(**drawn).check()


def test_more_hot_pixels_than_values_are_refused():
    with pytest.raises(Failure, match="holds 192 values"):
        spoilt(gray(8), hot=193)


class Found:
    """What the mask is made of."""

    def __init__(self, bad):
        self.bad_mask = bad


def test_the_mask_is_one_that_inpaint_reads(tmp_path):
    bad = np.zeros((8, 8), np.bool_)
    bad[2, 3] = bad[5, 6] = True
    path = tmp_path / "m.png"
    path.write_bytes(encode_bad_masks(path, [gray(8)], [Found(bad)]))
    assert np.array_equal(read_mask(path, name="m.png", shape=(8, 8)).missing, bad)


def test_a_mask_must_be_exact_and_hold_all_pages(tmp_path):
    with pytest.raises(Failure, match=r"\.png or \.tif"):
        check_mask_name(tmp_path / "m.jpg")
    with pytest.raises(Failure, match="2 masks"):
        check_mask_pages(tmp_path / "m.png", 2)
    check_mask_pages(tmp_path / "m.tif", 2)


def test_a_mask_does_not_replace_the_picture(tmp_path):
    path = tmp_path / "a.png"
    plan = Plan((Request(Denoise(), path, tmp_path / "b.png", "a.png"),), many=False)
    with pytest.raises(Failure, match="taken already"):
        _with_mask(plan, str(path))
    (request,) = _with_mask(plan, str(tmp_path / "m.png")).requests
    assert request.bad_mask == tmp_path / "m.png"
