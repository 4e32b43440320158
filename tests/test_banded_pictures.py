"""Banding in all three tasks, in Python, and on the command line."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from pictures import bundled
from test_restoration import solved

from chnorm_cli import denoise
from chnorm_cli.commands.corruption import add_noise
from chnorm_cli.commands.drawn_noise import DrawnNoise
from chnorm_cli.commands.laws import describe, find_told
from chnorm_cli.fitting.settings import Effort, FitSettings
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.images import Picture, encode
from chnorm_cli.restoration import prepare_denoise, prepare_inpaint, prepare_superres
from chnorm_cli.restoration.beginning import Said, begin
from chnorm_cli.scaling.failures import Failure

FAST = FitSettings(effort=Effort.FAST, steps=4, device="cpu")
SIDE = 96


def truth():
    x = bundled("astronaut")[:, 100 : 100 + SIDE, 100 : 100 + SIDE]
    return x.movedim(0, -1).contiguous().numpy()


def banded(sigma=0, rows=12):
    random = np.random.default_rng(1)
    o = np.float32(rows / 255) * random.standard_normal((SIDE, 1, 1), np.float32)
    noise = np.float32(sigma / 255) * random.standard_normal((SIDE, SIDE, 3), np.float32)
    y = np.rint(255 * (truth() + o + noise).clip(0, 1)).astype(np.float32) / 255
    return y, o[:, 0, 0]


def error(x):
    return float(np.square(x - truth()).mean())


def test_offsets_alone_are_taken_out_and_nothing_else():
    y, o = banded()
    solution, steps = solved(prepare_denoise(y, settings=FAST))
    assert steps == []
    assert solution.outcome is Outcome.STRAIGHT
    assert solution.banding["sigma_rows"] == pytest.approx(255 * o.std(), rel=0.25)
    assert any("offsets of rows" in note for note in solution.notes)
    assert error(solution.pixels) < 0.2 * error(y)
    change = solution.pixels - y
    inside = ((y > 0) & (y < 1)).all(-1)
    for row, seen in zip(change, inside, strict=True):
        assert np.ptp(row[seen]) < 1e-5


def test_what_was_straightened_is_left_alone():
    once, _ = solved(prepare_denoise(banded()[0], settings=FAST))
    again, _ = solved(prepare_denoise(once.pixels, settings=FAST))
    assert again.banding is None
    assert np.array_equal(again.pixels, once.pixels)


def test_noise_is_removed_where_the_rows_are_straight():
    y, _ = banded(sigma=10)
    solution, steps = solved(prepare_denoise(y, settings=FAST))
    assert steps
    assert solution.sigma == pytest.approx(10, rel=0.15)
    assert error(solution.pixels) < 0.25 * error(y)


@pytest.mark.parametrize("said", [{"banding": "off"}, {"strength": 0.0}])
def test_who_does_not_want_it_keeps_it(said):
    y, _ = banded()
    solution, _ = solved(prepare_denoise(y, sigma=0, settings=FAST, **said))
    assert solution.banding is None
    assert np.array_equal(solution.pixels, y)


def test_half_of_the_strength_takes_half_of_it_out():
    y, _ = banded()
    whole, half = (
        solved(prepare_denoise(y, strength=strength, settings=FAST))[0].pixels
        for strength in (1.0, 0.5)
    )
    assert np.allclose(half, (whole + y) / 2, atol=1e-6)


def test_observed_pixels_stay_and_holes_are_filled_without_it():
    y, _ = banded()
    hole = np.zeros((SIDE, SIDE), bool)
    hole[10:80:9, ::5] = True
    quick = replace(FAST, time=1.0)
    kept, _ = solved(prepare_inpaint(y, hole, settings=quick))
    assert np.array_equal(kept.pixels[~hole], y[~hole])
    assert any("stay in the observed" in note for note in kept.notes)
    clean, _ = solved(prepare_inpaint(y, hole, clean=True, settings=quick))
    assert error(clean.pixels) < 0.4 * error(y)


def test_a_small_picture_is_enlarged_without_it():
    y, _ = banded()
    solution, _ = solved(prepare_superres(y, 2, settings=replace(FAST, time=1.0)))
    reduced = solution.pixels.reshape(SIDE, 2, SIDE, 2, 3).mean((1, 3))
    assert solution.banding is not None
    assert error(reduced) < 0.3 * error(y)


def test_bad_pixels_are_found_beside_it():
    y, _ = banded(sigma=3)
    bad = np.random.default_rng(0).random((SIDE, SIDE)) < 0.03
    y[bad] = np.random.default_rng(1).integers(0, 2, (int(bad.sum()), 1))
    found = begin(torch.from_numpy(y).movedim(-1, 0), Said())
    assert found.banding is not None
    assert (found.bad.pixels.numpy() & bad).sum() > 0.85 * bad.sum()
    assert error(found.whole.movedim(0, -1).numpy()) < 0.1 * error(y)


def test_arrays_in_their_own_range():
    y, _ = banded()
    counts = np.rint(4000 * y[..., 0]).astype(np.uint16)
    straight, solution = denoise(counts, settings=FAST, report=True)
    assert solution.banding is not None
    assert straight.dtype == np.uint16
    assert (
        np.square(straight / 4000 - truth()[..., 0]).mean()
        < 0.15 * np.square(counts / 4000 - truth()[..., 0]).mean()
    )
    assert np.array_equal(denoise(counts, banding="off", settings=FAST), counts)


def test_offsets_are_drawn_for_lines_and_are_the_same_in_all_colours():
    flat = Picture(np.full((40, 30, 3), 0.5, np.float32))
    drawn = DrawnNoise(rows=10, columns=5)
    change = add_noise(flat, drawn, np.random.default_rng(0)).pixels - 0.5
    assert np.ptp(change, axis=2).max() == 0
    rows, columns = change[:, 0, 0], change[0, :, 0]
    assert np.allclose(change[..., 0], rows[:, None] + columns - change[0, 0, 0], atol=1e-6)
    assert 255 * np.diff(rows).std() == pytest.approx(10 * 2**0.5, rel=0.35)
    with pytest.raises(Failure, match="--rows"):
        DrawnNoise(rows=-1).check()


def test_the_law_of_a_banded_picture_is_told_with_its_offsets(tmp_path):
    path = tmp_path / "banded.png"
    path.write_bytes(encode([Picture(banded(sigma=10)[0])], format="png").data)
    (told,) = find_told(str(path), page=None, max_pixels=10**6)
    report = json.loads(json.dumps(describe([told])))
    assert report["banding"]["sigma_rows"] == pytest.approx(12, rel=0.25)
    assert report["noise"]["sigma"] == pytest.approx(10, rel=0.15)
    assert report["bad_pixels"] is None
    assert told.sentences[1].startswith("offsets of rows")
    assert torch.isfinite(told.points.variance).all()
