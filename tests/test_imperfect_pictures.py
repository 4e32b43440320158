"""Bad pixels and noise in all three tasks: they begin in the same way."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pictures import bundled
from test_restoration import solved

from chnorm_cli.fitting.settings import Effort, Fit, FitSettings
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.restoration import prepare_denoise, prepare_inpaint, prepare_superres
from chnorm_cli.restoration.beginning import Said, begin

FAST = FitSettings(effort=Effort.FAST, steps=4, device="cpu")


def thrown(x, share):
    """Black and white pixels at random, and where they are."""
    random = torch.Generator().manual_seed(0)
    bad = (torch.rand(x.shape[1:], generator=random) < share).expand_as(x)
    ends = (torch.rand(x.shape[1:], generator=random) < 0.5).float().expand_as(x)
    return torch.where(bad, ends, x), bad


def picture(side=64):
    return bundled("coffee")[:, 40 : 40 + side, 120 : 120 + side].contiguous()


def pixels(x):
    return x.movedim(0, -1).contiguous().numpy()


def noisy(x, sigma):
    return x + sigma / 255 * torch.randn(x.shape, generator=torch.Generator().manual_seed(1))


def spoilt(side=64):
    y, bad = thrown(picture(side), 0.03)
    return pixels(y), bad[0].numpy(), pixels(picture(side))


def error(solution, truth, where):
    return float(np.square(solution.pixels[where] - truth[where]).mean())


def test_bad_pixels_are_filled_and_good_ones_come_back_bit_for_bit():
    y, bad, truth = spoilt()
    solution, _ = solved(prepare_denoise(y, settings=FAST))
    found = solution.bad_mask
    assert solution.bad_pixels["count"] == found.sum()
    assert (found & bad).sum() > 0.95 * bad.sum()
    assert np.array_equal(solution.pixels[~found], y[~found])
    assert error(solution, truth, bad) < 0.02 * np.square(y[bad] - truth[bad]).mean()
    assert any("bad pixels" in note for note in solution.notes)


def test_a_cleaned_picture_is_left_alone():
    y, _, _ = spoilt()
    solution, _ = solved(prepare_denoise(y, settings=FAST))
    again, steps = solved(prepare_denoise(solution.pixels, settings=FAST))
    assert steps == []
    assert np.array_equal(again.pixels, solution.pixels)


@pytest.mark.parametrize("said", [{"bad_pixels": "off"}, {"strength": 0.0}])
def test_who_does_not_want_them_filled_keeps_them(said):
    y, _, _ = spoilt()
    solution, _ = solved(prepare_denoise(y, sigma=0, settings=FAST, **said))
    assert solution.bad_pixels is None
    assert np.array_equal(solution.pixels, y)


def test_noise_between_bad_pixels_is_removed_with_them():
    x = noisy(picture(), 20)
    y, bad = thrown(x, 0.05)
    solution, _ = solved(prepare_denoise(pixels(y), sigma=20, settings=FAST))
    alone, _ = solved(prepare_denoise(pixels(x), sigma=20, bad_pixels="off", settings=FAST))
    truth, everywhere = pixels(picture()), np.ones((64, 64), dtype=bool)
    assert error(solution, truth, ~bad[0].numpy()) < 0.4 * (20 / 255) ** 2
    assert error(solution, truth, everywhere) < 1.15 * error(alone, truth, everywhere)
    assert solution.sigma == pytest.approx(20)


def test_a_network_learns_to_fill_them_where_there_is_time_for_it():
    y, bad, truth = spoilt(32)
    solution, steps = solved(prepare_denoise(y, sigma=0, settings=FAST))
    assert (steps, solution.outcome) == ([], Outcome.FROM_AROUND)
    settings = replace(FAST, effort=Effort.NORMAL)
    learnt, steps = solved(prepare_denoise(y, sigma=0, settings=settings))
    assert {step.stage for step in steps} == {"observed", "filled"}
    assert error(learnt, truth, bad) < 0.1 * np.square(y[bad] - truth[bad]).mean()


def test_noise_that_neighbours_share_is_found_beside_bad_pixels():
    x = bundled("astronaut")[:, :192, :192].contiguous()
    fine = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    soft = torch.nn.functional.avg_pool2d(fine[None], 3, 1, 1)[0]
    y, _ = thrown(x + 12 / 255 * soft / soft.std(), 0.05)
    law = begin(y, Said()).law
    assert law.noise.kernel is not None
    assert 255 * law.sigma == pytest.approx(12, rel=0.4)
    white, _ = thrown(noisy(x, 12), 0.05)
    law = begin(white, Said()).law
    assert law.noise.kernel is None
    assert 255 * law.sigma == pytest.approx(12, rel=0.1)


def test_prior_fits_fill_them_too():
    y, bad, truth = spoilt()
    settings = FitSettings(fit=Fit.PRIOR, effort=Effort.FAST, steps=30, device="cpu")
    solution, _ = solved(prepare_denoise(y, settings=settings))
    good = ~solution.bad_mask
    assert np.array_equal(solution.pixels[good], y[good])
    assert error(solution, truth, bad) < np.square(y[bad] - truth[bad]).mean()


def test_the_map_of_the_errors_says_nothing_of_them():
    y, _, _ = spoilt()
    solution, _ = solved(prepare_denoise(y, sigma=0, settings=FAST, uncertainty=True))
    assert np.array_equal(np.isnan(solution.error_map.error), solution.bad_mask)


def test_a_small_picture_is_enlarged_without_its_bad_pixels():
    y, _, truth = spoilt(48)
    solution, _ = solved(prepare_superres(y, 2, settings=replace(FAST, steps=12)))
    reduced = solution.pixels.reshape(48, 2, 48, 2, 3).mean((1, 3))
    assert float(np.square(reduced - truth).mean()) < 0.3 * np.square(y - truth).mean()


def test_observed_pixels_stay_unless_they_are_to_be_cleaned():
    x = picture()
    y = pixels(noisy(x, 20))
    hole = np.zeros((64, 64), dtype=bool)
    hole[::9, ::7] = True
    kept, _ = solved(prepare_inpaint(y, hole, settings=FAST))
    assert np.array_equal(kept.pixels[~hole], y[~hole])
    assert any("--clean" in note for note in kept.notes)
    cleaned, _ = solved(prepare_inpaint(y, hole, clean=True, settings=FAST))
    assert cleaned.sigma == pytest.approx(20, rel=0.1)
    assert error(cleaned, pixels(x), ~hole) < 0.4 * (20 / 255) ** 2


def test_a_clean_picture_with_holes_is_filled_as_if_nobody_looked_for_noise():
    hole = np.zeros((64, 64), dtype=bool)
    hole[20:23, 5:60] = True
    y = pixels(picture())
    found, _ = solved(prepare_inpaint(y, hole, settings=FAST))
    told, _ = solved(prepare_inpaint(y, hole, sigma=0, bad_pixels="off", settings=FAST))
    assert found.notes == ()
    assert np.array_equal(found.pixels, told.pixels)


@pytest.mark.parametrize("prepare", [prepare_denoise, lambda y, **s: prepare_superres(y, 2, **s)])
@pytest.mark.parametrize(
    "said",
    [
        {"sigma": -1},
        {"noise": "pink"},
        {"bad_pixels": "maybe"},
        {"banding": "yes"},
        {"strength": 2.0},
    ],
)
def test_what_means_nothing_is_refused_alike(prepare, said):
    with pytest.raises(ValueError, match="must"):
        prepare(pixels(picture(16)), settings=FAST, **said)


def test_strength_gives_a_part_of_the_way():
    y = pixels(noisy(picture(), 20))
    whole, _ = solved(prepare_denoise(y, sigma=20, settings=FAST))
    half, _ = solved(prepare_denoise(y, sigma=20, strength=0.5, settings=FAST))
    assert np.allclose(half.pixels, (y + whole.pixels) / 2, atol=1e-5)
    assert half.outcome is Outcome.STEPS_ASKED
