"""The map of the errors: the bootstrap on laws and restorers with known answers, then real fits."""

import numpy as np
import pytest
import torch
from test_restoration import noisy, picture, solved

from chnorm_cli import denoise
from chnorm_cli.fitting.settings import Effort, Fit, FitSettings
from chnorm_cli.fitting.solution import ErrorMap, Outcome
from chnorm_cli.noise.finding import find_law
from chnorm_cli.noise.gaussian import Noise
from chnorm_cli.noise.law import Law
from chnorm_cli.noise.level import Level
from chnorm_cli.restoration import prepare_denoise
from chnorm_cli.restoration.beginning import Beginning, Said
from chnorm_cli.restoration.bootstrap import (
    CALIBRATION,
    DRAWS,
    HIDDEN,
    Bootstrap,
    Calibration,
    standard_error,
)
from chnorm_cli.restoration.draws import Draws, Seen, drawn
from chnorm_cli.restoration.twice import LearningTwice

FAST = FitSettings(effort=Effort.FAST, steps=2, device="cpu")
SIZE = (40, 56)  # not square: a draw that is turned must be turned back


def white(sigma=0.1, channels=3, **changes):
    return Law(Noise(sigma), Level.constant(sigma, channels), **changes)


def ramp(channels=3):
    rows, columns = torch.meshgrid(*[torch.linspace(0.1, 0.9, n) for n in SIZE], indexing="ij")
    return torch.stack([rows, columns, (rows + columns) / 2])[:channels]


def unchanged(z):
    return z


def flattened(z):
    return z.mean((1, 2), keepdim=True).expand_as(z)


def seen(x, sigma=0.1, **changes):
    return Seen(Noise(sigma).added_to(x, torch.Generator().manual_seed(1)), **changes)


def test_who_restores_nothing_errs_as_the_noise_does():
    squares = drawn(ramp(), seen(ramp()), white(), unchanged, draws=8).squares
    assert squares.shape == SIZE
    assert float(squares.mean()) == pytest.approx(0.01, rel=0.05)


def test_each_draw_is_turned_and_moved_back():
    draws = drawn(ramp(), Seen(ramp()), white(0.0), unchanged, draws=8)
    assert float(draws.squares.max()) < 1e-12


def test_draws_follow_a_law_that_follows_the_brightness():
    one = torch.ones(1)
    y = Level(0 * one, 0.02 * one, 0 * one, 0 * one)
    x = ramp(1)
    noisy = y.added_to(x, torch.Generator().manual_seed(0))
    law = find_law(noisy, level=y)
    squares = drawn(x, Seen(noisy), law, unchanged, draws=16).squares
    dark, light = (float(squares[x[0] < 0.3].mean()), float(squares[x[0] > 0.7].mean()))
    assert dark == pytest.approx(0.02 * float(x[x < 0.3].mean()), rel=0.15)
    assert light == pytest.approx(0.02 * float(x[x > 0.7].mean()), rel=0.15)


def test_of_what_is_removed_in_part_the_other_part_stays():
    draws = drawn(ramp(), seen(ramp()), white(), lambda z: z.mean() + 0 * z, draws=4, strength=0.0)
    assert float(draws.squares.mean()) == pytest.approx(0.01, rel=0.1)


@pytest.mark.parametrize("true", [0.06, 0.12])
def test_draws_are_as_noisy_as_the_picture_was_whatever_the_law_says(true):
    x = torch.full((3, 64, 64), 0.5)
    draws = drawn(x, seen(x, true), white(), flattened, draws=4)
    assert draws.level == pytest.approx(10 * true, rel=0.05)


def test_a_law_that_is_given_is_not_taken_for_too_weak():
    x = torch.full((3, 64, 64), 0.5)
    draws = drawn(x, seen(x, 0.12, told=True), white(), flattened, draws=4)
    assert draws.level == 1.0
    assert float(draws.lost.mean()) == pytest.approx(0.12**2 - 0.1**2, rel=0.15)
    assert drawn(x, seen(x, 0.06, told=True), white(), flattened, draws=4).level < 0.7


def test_where_more_is_removed_than_from_the_draws_detail_is_lost():
    x = torch.full((3, 96, 96), 0.5)
    grain = 0.08 * torch.randn(x.shape, generator=torch.Generator().manual_seed(2))
    y = seen(x).y
    y[..., 48:] += grain[..., 48:]
    lost = drawn(x, Seen(y), white(), flattened, draws=4).lost
    assert float(lost[:, 72:].mean()) == pytest.approx(0.08**2, rel=0.35)
    assert float(lost[:, :24].mean()) < 0.15 * 0.08**2
    even = drawn(x, seen(x), white(), flattened, draws=4).lost
    assert float(even.mean()) < 0.05 * 0.1**2


def test_what_is_missing_says_nothing_of_the_level():
    x = torch.full((3, 64, 64), 0.5)
    known = torch.ones(64, 64, dtype=torch.bool)
    known[:, :32] = False
    y = seen(x).y * known
    level = drawn(x, Seen(y, known), white(), flattened, draws=2).level
    assert level == pytest.approx(1.0, rel=0.05)


def test_draws_are_cut_off_where_the_numbers_of_the_picture_are():
    x = torch.full((3, 64, 64), 0.05)
    y = seen(x).y.clamp(0.0, 1.0)
    squares = drawn(x, Seen(y, told=True), white(), unchanged, draws=4).squares
    # Of N(0.05, 0.1²), what is below 0 becomes 0.
    assert float(squares.mean()) == pytest.approx(float((y - x).square().mean()), rel=0.1)


def test_flat_pixels_have_no_error():
    flat = torch.zeros(SIZE, dtype=torch.bool)
    flat[:10] = True
    law = white(flat=flat)
    draws = drawn(ramp(), seen(ramp()), law, unchanged, draws=2)
    assert float(draws.squares[:10].max()) == 0 < float(draws.squares[10:].min())
    error = standard_error(ramp(), draws, law, Calibration(1.0, 0.5, 1.0))
    assert float(error[:10].max()) == 0 < float(error[10:].min())


def test_a_calibration_has_a_factor_a_floor_and_a_share_of_the_detail():
    calibration = Calibration(2.0, 0.25, 0.5)

    def error(square, beyond, level=1.0):
        even = torch.full(SIZE, square), torch.full(SIZE, beyond)
        return standard_error(ramp(), Draws(*even, 0.0, level, told=True), white(), calibration)

    floor = error(0.0, 0.0).unique().item()
    assert floor == pytest.approx(0.25 * (HIDDEN * 0.1) ** 0.5)
    assert error(0.0, 0.0, 2.0).unique().item() == pytest.approx(floor * 2**0.5)
    assert float(error(0.04**2, 0.0).mean()) == pytest.approx((0.08**2 + floor**2) ** 0.5)
    assert float(error(0.0, 0.02**2).mean()) == pytest.approx((0.02**2 / 2 + floor**2) ** 0.5)


def test_where_time_is_short_there_are_two_draws():
    said = []
    waiting = {"say": said.append, "in_time": lambda: False}
    drawn(ramp(), seen(ramp()), white(), unchanged, draws=9, **waiting)
    assert said == ["error map, draw 1 of 9", "error map, draw 2 of 9"]


class Told:
    """A restorer whose trials have said how wrong it is."""

    risk = 0.25

    def restore(self, noisy):
        return noisy


def test_trials_tell_the_root_mean_square_error_without_a_map():
    def rms(strength=1.0):
        errors = Bootstrap(white(), Told(), seen(ramp()), Effort.NORMAL, strength, 0, lambda: True)
        return errors.rms(ramp())

    assert 0.05 < rms() < 0.1  # half of the noise, and what x lacks of the truth
    assert rms(0.5) is None


def test_a_map_says_its_own_share_and_size():
    made = ErrorMap(np.array([[3.0, np.nan], [4.0, np.nan]], np.float32))
    assert made.unknown == 0.5
    assert made.rms == pytest.approx(12.5**0.5)
    assert ErrorMap(np.full((2, 2), np.nan, np.float32)).rms is None


def test_the_error_of_a_denoised_picture_is_told():
    x = picture(size=(32, 40))
    solution, _ = solved(prepare_denoise(noisy(x), sigma=25, settings=FAST, uncertainty=True))
    true = float(np.sqrt(np.square(solution.pixels - x).mean()))
    assert solution.error_map.error.shape == (32, 40)
    assert 0.5 < solution.expected_rms / true < 2.0
    again, _ = solved(prepare_denoise(noisy(x), sigma=25, settings=FAST, uncertainty=True))
    assert np.array_equal(again.error_map.error, solution.error_map.error)
    without, _ = solved(prepare_denoise(noisy(x), sigma=25, settings=FAST))
    assert np.array_equal(without.pixels, solution.pixels)  # asking changes nothing else
    assert without.error_map is None


def test_the_gray_restorer_that_learns_twice_restores_as_it_did():
    x = picture(1)
    settings = FitSettings(effort=Effort.BEST, steps=10, device="cpu")
    restoration = prepare_denoise(noisy(x), sigma=25, settings=settings)
    solution, _ = solved(restoration)
    twice = restoration.errors.restorer
    assert isinstance(twice, LearningTwice)
    with torch.no_grad():
        again = twice.restore(restoration._problem.observation)
    assert np.allclose(again.movedim(0, -1).numpy(), solution.pixels, atol=1e-4)
    assert solution.expected_rms > 0  # from the trials of the first fit


def test_a_restorer_repeats_what_was_done_with_the_picture_itself():
    settings = FitSettings(effort=Effort.NORMAL, steps=2, device="cpu")
    restoration = prepare_denoise(noisy(picture()), sigma=25, settings=settings)
    solution, _ = solved(restoration)
    with torch.no_grad():
        again = restoration.errors.restorer.restore(restoration._problem.observation)
    assert np.allclose(again.movedim(0, -1).numpy(), solution.pixels, atol=1e-5)
    assert solution.expected_rms > 0  # from the trials, without a map


def test_a_picture_that_is_left_alone_has_the_error_of_its_noise_or_none_is_known():
    settings = FitSettings(device="cpu")
    x = picture(size=(64, 64))
    left, _ = solved(
        prepare_denoise(x, sigma=10, strength=0.0, settings=settings, uncertainty=True)
    )
    assert np.allclose(left.error_map.error, 10 / 255)
    dots = np.indices((64, 64)).sum(0)[..., None] % 2 * np.ones(3, np.float32)
    doubted, _ = solved(prepare_denoise(dots, settings=settings, uncertainty=True))
    assert doubted.outcome is Outcome.NOT_NOISE
    assert doubted.error_map.unknown == 1
    assert doubted.expected_rms is None


def test_a_prior_fit_leaves_no_restorer():
    settings = FitSettings(fit=Fit.PRIOR, device="cpu")
    with pytest.raises(ValueError, match="use fit recorrupt"):
        prepare_denoise(noisy(picture()), sigma=25, settings=settings, uncertainty=True)


def test_time_is_shared_between_the_picture_and_its_map():
    settings = FitSettings(effort=Effort.FAST, time=50.0, device="cpu")
    restoration = prepare_denoise(noisy(picture()), sigma=25, settings=settings, uncertainty=True)
    assert 20 < restoration._fit.budget.seconds < 40


def test_in_python_the_map_is_in_the_units_of_the_array():
    x = noisy(picture(size=(24, 24)))
    levels = (x.clip(0, 1) * 65535).astype(np.uint16)
    clean, error = denoise(levels, sigma=25 * 257, settings=FAST, uncertainty=True)
    assert clean.dtype == np.uint16
    assert error.dtype == np.float32
    assert error.shape == (24, 24)
    assert 1 * 257 < error.mean() < 25 * 257
    holed = x.copy()
    holed[3, 4] = np.nan
    _, error = denoise(holed, sigma=25 / 255, settings=FAST, uncertainty=True)
    assert np.argwhere(np.isnan(error)).tolist() == [[3, 4]]


def test_every_effort_is_calibrated():
    assert set(CALIBRATION) == set(DRAWS) == set(Effort)


def test_where_noise_is_left_its_level_is_that_of_the_law():
    x = torch.full((3, 64, 64), 0.5)
    y = seen(x, 0.08).y
    half = torch.lerp(y, flattened(y), 0.5)
    draws = drawn(half, Seen(y), white(), flattened, draws=4, strength=0.5)
    assert draws.level == 1.0
    assert not draws.lost.any()


@pytest.mark.parametrize(
    ("strength", "share", "both"), [(1, 0.5, 0.5), (0.5, 0.5, 0.25), (1.5, 1, 1.5)]
)
def test_an_answer_that_is_weighed_errs_as_one_of_its_share(strength, share, both):
    beginning = Beginning(ramp(), Said(sigma=25, strength=strength))
    errors = beginning.errors(Told(), FitSettings(), lambda: True, share)
    assert errors.strength == both
    assert errors.seen.told
