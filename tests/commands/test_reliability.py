"""`chnorm score --uncertainty`: whether a map of errors tells the truth."""

import json

import numpy as np
import pytest
from tifffile import imwrite

from chnorm_cli.commands.reliability import in_picture_units, plot_reliability, reliability
from chnorm_cli.commands.scoring import judged
from chnorm_cli.images import Depth, Picture, encode, encode_map
from chnorm_cli.scaling.failures import Failure


def errors_of(map_, seed=0, channels=3):
    """True errors (H, W, C) that are what the map (H, W) says."""
    random = np.random.default_rng(seed)
    return map_[..., None] * random.standard_normal((*map_.shape, channels))


def uneven(size=(80, 90)):
    return np.linspace(0.01, 0.05, size[0] * size[1]).reshape(size)


def test_a_true_map_holds_95_percent_in_all_and_in_each_decile():
    found = reliability(errors_of(uneven()), uneven())
    assert found.within == pytest.approx(0.95, abs=0.01)
    assert found.told == pytest.approx(found.true, rel=0.02)
    assert len(found.deciles) == 10
    assert [d.told for d in found.deciles] == sorted(d.told for d in found.deciles)
    for decile in found.deciles:
        assert decile.true == pytest.approx(decile.told, rel=0.1)
        assert decile.within == pytest.approx(0.95, abs=0.025)
    assert found.correlation > 0.9
    assert found.unknown == 0


def test_a_map_that_is_too_small_is_found_out():
    found = reliability(errors_of(uneven()), 0.5 * uneven())
    assert found.within == pytest.approx(0.673, abs=0.02)  # within 0.98 standard deviations
    assert found.deciles[3].true / found.deciles[3].told == pytest.approx(2, rel=0.1)


def test_what_is_unknown_or_masked_does_not_count():
    error, difference = uneven(), errors_of(uneven())
    where = np.zeros(error.shape, bool)
    where[:40] = True
    difference[40:] = 1.0
    difference[:10] = 1.0
    error[:10] = np.nan
    found = reliability(difference, error, where)
    assert found.unknown == 0.25
    assert found.within == pytest.approx(0.95, abs=0.015)
    with pytest.raises(Failure, match="of no pixel that counts"):
        reliability(difference, error, np.isnan(error))


def test_an_even_map_has_no_correlation():
    assert reliability(errors_of(uneven()), np.full((80, 90), 0.02)).correlation is None


@pytest.mark.parametrize(
    ("depth", "value_range", "number"),
    [(Depth.EIGHT, (0.0, 1.0), 255.0), (Depth.FLOAT, (-50.0, 200.0), 200.0)],
)
def test_maps_are_in_the_numbers_of_the_pictures_file(depth, value_range, number):
    picture = Picture(np.zeros((4, 5, 3), np.float32), depth=depth, value_range=value_range)
    told = np.full((4, 5, 1), 0.02 * number, np.float32)
    file = Picture(told, depth=Depth.FLOAT)
    assert np.allclose(in_picture_units(file, picture, picture), 0.02)


def test_what_is_no_map_of_the_picture_is_refused():
    picture = Picture(np.zeros((4, 5, 3), np.float32))
    for other, reason in [
        (Picture(np.zeros((4, 5, 1), np.float32)), "no numbers of floats"),
        (Picture(np.zeros((4, 5, 3), np.float32), depth=Depth.FLOAT), "in one channel"),
        (Picture(np.zeros((5, 5, 1), np.float32), depth=Depth.FLOAT), "give the map of this"),
        (Picture(np.full((4, 5, 1), -1, np.float32), depth=Depth.FLOAT), "negative"),
    ]:
        with pytest.raises(Failure, match=reason):
            judged(other, picture, picture)


def test_the_command_tells_the_share_and_the_deciles(inside, tmp_path):
    truth = np.full((64, 70, 3), 0.5, np.float32)
    told = uneven((64, 70))
    spoilt = (truth + errors_of(told)).astype(np.float32)
    for name, pixels in (("truth.tif", truth), ("a.tif", spoilt)):
        file = encode([Picture(pixels, depth=Depth.FLOAT)], format="tiff")
        (tmp_path / name).write_bytes(file.data)
    told[:16] = np.nan
    (tmp_path / "e.tif").write_bytes(encode_map([told]))
    words = ["score", "a.tif", "--truth", "truth.tif", "--uncertainty", "e.tif"]
    done = inside(*words)
    lines = done.stdout.decode().splitlines()
    assert lines[-13].startswith("Within 1.96 standard errors 9")
    assert lines[-13].endswith("25 % unknown")
    assert lines[-11].split() == ["decile", "told", "true", "within"]
    report = json.loads(inside(*words, "--json", "--border", 16).stdout)["uncertainty"]
    assert report["unknown"] == 0
    assert len(report["deciles"]) == 10
    assert report["told_rms"] == pytest.approx(report["true_rms"], rel=0.05)
    nothing = inside(*words[:-2], "--plot", "r.png")
    assert nothing.returncode == 2
    imwrite(tmp_path / "e.tif", np.zeros((64, 70), np.uint8))
    assert inside(*words).returncode == 1


def test_reliability_is_drawn(inside, tmp_path):
    pytest.importorskip("matplotlib")
    found = reliability(errors_of(uneven()), uneven())
    assert plot_reliability(found, tmp_path / "r.png", title="$ of a")[:4] == b"\x89PNG"
