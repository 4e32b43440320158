"""Corruptions are the stated ones, and scores are the known formulas."""

import json
import math

import numpy as np
import pytest
from shell import save

from chnorm_cli.commands.scoring import compare, luma
from chnorm_cli.images import Picture, read_pictures


def pixels(path):
    (picture,) = read_pictures(path, name=path.name)
    return picture.pixels


def test_noise_has_the_stated_deviation_and_depends_on_the_seed_only(inside, tmp_path):
    clean = save(tmp_path / "clean.png", size=(100, 100))
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        done = inside(
            "corrupt", clean, "--noise", 25, "--seed", seed, "--depth", "float", "-o", f"{name}.tif"
        )
        assert done.returncode == 0, done.stderr
    a, b, c = (pixels(tmp_path / f"{name}.tif") for name in "abc")
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)
    # Floats that leave [0, 1] are put back by the reversible rule of the codecs: compare stored.
    import tifffile

    noise = tifffile.imread(tmp_path / "a.tif") - pixels(clean)
    assert noise.std() * 255 == pytest.approx(25, rel=0.02)
    assert abs(noise.mean()) * 255 < 0.5
    assert abs(np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1]) < 0.05


def test_missing_pixels_are_black_in_all_channels_and_in_the_mask(inside, tmp_path):
    clean = save(tmp_path / "clean.png", size=(40, 50))
    done = inside(
        "corrupt", clean, "--missing", 0.3, "--mask-out", "m.png", "-o", "holes.png"
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    mask = pixels(tmp_path / "m.png")[..., 0] > 0.5
    holes = pixels(tmp_path / "holes.png")
    assert mask.sum() == round(0.3 * 40 * 50)
    assert (holes[mask] == 0).all()
    assert np.array_equal(holes[~mask], pixels(clean)[~mask])
    again = inside("corrupt", clean, "--mask", "m.png", "-o", "again.png")
    assert again.returncode == 0, again.stderr
    assert np.array_equal(pixels(tmp_path / "again.png"), holes)


@pytest.mark.slow
def test_downscaling_is_that_of_pillow(inside, tmp_path):
    from PIL import Image

    clean = save(tmp_path / "clean.png", size=(43, 61), channels=1)
    assert inside("corrupt", clean, "--downscale", 4, "-o", "small.png").returncode == 0
    small = pixels(tmp_path / "small.png")
    assert small.shape == (10, 15, 1)
    cropped = Image.fromarray(pixels(clean)[:40, :60, 0])
    expected = np.asarray(cropped.resize((15, 10), Image.Resampling.BICUBIC))
    assert np.abs(small[..., 0] - expected).max() <= 0.5 / 255 + 1e-6


def test_scores_are_the_known_formulas(inside, tmp_path):
    truth, picture = (Picture(np.full((20, 20, 3), value, np.float32)) for value in (0.5, 0.6))
    scores = compare(picture, truth)
    assert scores["psnr"] == pytest.approx(20, abs=1e-4)
    assert scores["psnr_y"] == pytest.approx(-20 * math.log10(0.1 * 219 / 255), abs=1e-4)
    assert compare(truth, truth)["psnr"] is None
    assert compare(truth, truth)["ssim"] == pytest.approx(1)
    white = luma(np.ones((1, 1, 3)))
    assert white.item() == pytest.approx(235 / 255)


def test_border_and_mask_choose_the_pixels(inside, tmp_path):
    save(tmp_path / "truth.png", size=(20, 20))
    spoilt = pixels(tmp_path / "truth.png").copy()
    spoilt[0] = 1 - spoilt[0]
    (truth,) = read_pictures(tmp_path / "truth.png", name="truth")
    assert compare(Picture(spoilt), truth)["psnr"] is not None
    assert compare(Picture(spoilt), truth, border=1)["psnr"] is None
    where = np.zeros((20, 20), bool)
    where[1:] = True
    assert compare(Picture(spoilt), truth, where=where)["psnr"] is None
    done = inside("score", "truth.png", "-t", "truth.png", "--json")
    assert json.loads(done.stdout)["schema"] == "chnorm.score/1"
    assert inside("score", "truth.png", "-t", "truth.png", "--border", 10).returncode == 2
