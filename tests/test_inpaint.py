"""Inpainting: which holes patches fill, which ones a network, and who says so."""

import numpy as np
import pytest
import torch
from pictures import bundled, psnr
from test_restoration import solved

from chnorm_cli.classical.guesses import helpful_strengths, plug_and_play
from chnorm_cli.fitting.settings import Effort, Fit, FitSettings
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.problems.names import FirstGuess
from chnorm_cli.restoration import filling, prepare_inpaint

SIDE = 64
WIDE = (slice(18, 38), slice(22, 42))
SCRATCH = (slice(52, 55), slice(5, 59))


def wall():
    """A wall of bricks, (64, 64, 3)."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    mortar = (rows % 8 == 0) | ((columns + 4 * (rows // 8 % 2)) % 12 == 0)
    shades = np.float32([0.2, 0.3, 0.4])
    return (shades + np.float32(0.5) * mortar[..., None]).astype(np.float32)


def missing(*holes):
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    for hole in holes:
        mask[hole] = True
    return mask


def filled(x, mask, *, sigma=None, **options):
    settings = FitSettings(**{"effort": Effort.FAST, "steps": 8, "device": "cpu"} | options)
    return solved(prepare_inpaint(x, mask, sigma=sigma, settings=settings))


def error(solution, x, hole):
    return float(np.square(solution.pixels[hole] - x[hole]).mean())


def test_a_wide_hole_is_filled_with_patches_and_without_a_network():
    x, mask = wall(), missing(WIDE)
    patches, steps = filled(x, mask)
    assert (patches.outcome, steps) == (Outcome.DIRECT, [])
    assert patches.notes == (filling.REPEATED,)
    assert np.array_equal(patches.pixels[~mask], x[~mask])
    smooth, _ = filled(x, mask, first_guess=FirstGuess.CLASSICAL)
    assert smooth.notes == ()
    assert error(patches, x, WIDE) < 0.25 * error(smooth, x, WIDE)


def test_a_scratch_beside_a_wide_hole_is_left_to_the_network():
    x, mask = wall(), missing(WIDE, SCRATCH)
    alone, _ = filled(x, missing(SCRATCH))
    both, steps = filled(x, mask)
    assert [step.stage for step in steps] == ["observed"] * 4 + ["filled"] * 4
    # The non-local filtering after the last step counts, and takes longer than the steps here.
    assert steps[-1].share_done < 0.8
    assert alone.notes == ()
    assert both.notes == (filling.REPEATED,)
    assert np.array_equal(both.pixels[~mask], x[~mask])
    assert both.outcome is Outcome.STEPS_ASKED


def test_patches_are_left_out_where_held_out_holes_are_worse_off_with_them():
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32) / SIDE
    ramp = np.stack([rows, columns, (rows + columns) / 2], axis=-1)  # no patch is there twice
    solution, steps = filled(ramp, missing(WIDE))
    assert steps
    assert solution.notes == ()
    assert error(solution, ramp, WIDE) < 1e-4


@pytest.mark.parametrize(
    "options",
    [
        {"first_guess": FirstGuess.NONE},
        {"first_guess": FirstGuess.NONLOCAL},
        {"fit": Fit.RECORRUPT},
    ],
)
def test_who_asks_for_a_first_guess_or_a_fit_gets_no_patches(options):
    solution, steps = filled(wall(), missing(WIDE), **options)
    assert steps
    assert solution.notes == ()


@pytest.mark.parametrize("hole", [WIDE, SCRATCH], ids=["wide", "scratch"])
def test_noise_is_removed_before_the_holes_are_filled(hole):
    x, mask = wall(), missing(hole)
    noise = np.float32(25 / 255) * np.random.default_rng(0).standard_normal(x.shape, np.float32)
    solution, steps = filled(x + noise, mask, sigma=25)
    stages = ["noise"] * 4 + ([] if hole is WIDE else ["observed"] * 2 + ["filled"] * 2)
    assert [step.stage for step in steps] == stages
    assert error(solution, x, ~mask) < 0.25 * np.square(noise).mean()
    as_if_clean, _ = filled(x + noise, mask)
    assert error(solution, x, hole) < error(as_if_clean, x, hole)


def test_the_same_seed_fills_alike():
    first, second = (filled(wall(), missing(WIDE, SCRATCH))[0].pixels for _ in range(2))
    assert np.array_equal(first, second)


def test_a_hole_in_a_photograph_goes_on_better_than_smoothly():
    truth = bundled("coffee")[:, 60:188, 60:188]
    mask = np.zeros((128, 128), dtype=bool)
    mask[56:72, 20:110] = True  # 16 pixels wide
    x = truth.movedim(0, -1).numpy()
    patches, _ = filled(x, mask)
    smooth, _ = filled(x, mask, first_guess=FirstGuess.CLASSICAL, steps=100)

    def quality(solution):
        return psnr(torch.from_numpy(solution.pixels).movedim(-1, 0)[:, mask], truth[:, mask])

    assert quality(patches) > quality(smooth) + 0.3


def test_a_window_is_enough_to_check_a_large_picture(monkeypatch):
    mask = missing(SCRATCH)
    random = np.random.default_rng(0)
    x = bundled("astronaut")[:, 46:110, 186:250].movedim(0, -1).numpy()
    mask |= random.random(mask.shape) < 0.1
    whole, _ = filled(x, mask, steps=16)
    monkeypatch.setattr(filling, "CHECKED", 32**2)
    windowed, _ = filled(x, mask, steps=16)
    assert not np.array_equal(windowed.pixels, whole.pixels)
    assert np.array_equal(windowed.pixels[~mask], x[~mask])
    assert error(windowed, x, mask) < 1.1 * error(whole, x, mask)


def test_what_the_search_found_goes_on_with_the_held_out_pixels(monkeypatch):
    mask = np.random.default_rng(0).random((SIDE, SIDE)) < 0.5
    found, played = [], []

    def search(*args, **options):
        found.append(helpful_strengths(*args, **options))
        return found[-1]

    def play(x, y, operator, strengths, **options):
        played.append(list(strengths))
        return plug_and_play(x, y, operator, strengths, **options)

    monkeypatch.setattr(filling, "helpful_strengths", search)
    monkeypatch.setattr(filling, "plug_and_play", play)
    monkeypatch.setattr(filling, "SETTLING", 5)  # ten rounds are all that a small wall needs
    solution, _ = filled(wall(), mask, steps=40)
    ((strengths, reached),) = found
    assert len(strengths) > filling.SETTLING
    assert played[-1] == strengths[-filling.SETTLING :]
    before = np.square(reached.movedim(0, -1).numpy()[mask] - wall()[mask]).mean()
    assert error(solution, wall(), mask) < before


@pytest.mark.parametrize(("checked", "most"), [(SIDE**2, 60), (SIDE**2 // 4, 30), (16**2, 24)])
def test_a_large_picture_has_fewer_iterations(monkeypatch, checked, most):
    asked = []

    def search(x, *_, **options):
        asked.append(options["most"])
        return [], x

    monkeypatch.setattr(filling, "helpful_strengths", search)
    monkeypatch.setattr(filling, "CHECKED", checked)
    filled(wall(), missing(SCRATCH), effort=Effort.NORMAL, steps=2)
    assert asked == [most]
