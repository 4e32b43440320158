"""The map of the errors of filled holes: places that are alike, then real fillings."""

import numpy as np
import pytest
import torch
from test_restoration import holes, picture, solved

from chnorm_cli import inpaint
from chnorm_cli.fitting.settings import Effort, Fit, FitSettings
from chnorm_cli.restoration import prepare_inpaint
from chnorm_cli.restoration.alike import DEPTHS, Alike, Trial, depth_in, variance_around

FAST = FitSettings(effort=Effort.FAST, steps=4, device="cpu")


def test_depth_counts_the_pixels_to_what_is_known():
    known = torch.ones(9, 9, dtype=torch.bool)
    known[2:7, 2:7] = False
    depth = depth_in(known)
    assert depth[4].tolist() == [0, 0, 1, 2, 3, 2, 1, 0, 0]
    assert depth[2, 2] == 1
    assert int(depth_in(torch.zeros(40, 40, dtype=torch.bool)).max()) == DEPTHS[-1]


def test_variance_is_that_of_the_picture_around():
    x = torch.zeros(2, 30, 30)
    x[:, :, 15:] = 1.0
    variance = variance_around(x)
    assert float(variance[15, 3]) < 1e-6
    assert float(variance[15, 15]) == pytest.approx(0.25, abs=0.01)


def trial_of(size=(120, 120)):
    """A trial whose squared errors are 2 v at depth 1 and 5 v at depth 2."""
    random = torch.Generator().manual_seed(0)
    variance = 10 ** (-4 + 3 * torch.rand(size, generator=random))
    depth = torch.randint(1, 3, size, generator=random)
    squares = torch.where(depth == 1, 2.0, 5.0) * variance
    return Trial(squares, variance, depth, torch.rand(size, generator=random) < 0.9)


def test_errors_are_told_by_depth_and_by_how_the_picture_varies():
    told = Alike([trial_of()])
    variance = torch.tensor([[1e-3, 1e-2, 1e-3, 1e-2]])
    depth = torch.tensor([[1, 1, 2, 2]])
    expected = torch.tensor([[2e-3, 2e-2, 5e-3, 5e-2]])
    assert torch.allclose(told.squares(variance, depth), expected, rtol=0.15)


def test_what_no_trial_has_shown_is_not_known():
    told = Alike([trial_of()]).squares(torch.full((1, 4), 1e-3), torch.tensor([[0, 1, 4, 9]]))
    assert told[0, 0] == 0
    assert told.isnan().tolist() == [[False, False, True, True]]
    few = Trial(
        *(torch.ones(3, 3) for _ in range(2)), torch.ones(3, 3).long(), torch.ones(3, 3) > 0
    )
    assert Alike([few]).squares(torch.ones(1, 1), torch.ones(1, 1).long()).isnan().all()


def test_observed_pixels_have_no_error_and_the_middle_of_a_wide_hole_is_unknown():
    x = picture(size=(56, 60))
    missing = holes((56, 60), 0.4)
    missing[10:38, 10:38] = True
    restoration = prepare_inpaint(x, missing, settings=FAST, uncertainty=True)
    solution, _ = solved(restoration)
    error = solution.error_map.error
    assert (error[~missing] == 0).all()
    assert np.isnan(error[24, 24])
    scattered = missing.copy()
    scattered[5:43, 5:43] = False
    assert np.isfinite(error[scattered]).mean() > 0.8
    assert (error[scattered & np.isfinite(error)] > 0).all()
    assert 0 < solution.error_map.unknown < 0.5


def test_the_same_seed_gives_the_same_map_and_the_picture_is_that_without_it():
    def run(uncertainty):
        restoration = prepare_inpaint(
            picture(size=(32, 32)), holes((32, 32)), settings=FAST, uncertainty=uncertainty
        )
        return solved(restoration)[0]

    one, other, without = run(True), run(True), run(False)
    assert np.array_equal(one.error_map.error, other.error_map.error, equal_nan=True)
    assert np.array_equal(one.pixels, without.pixels)


def test_held_out_pixels_tell_the_error_without_a_map_where_they_are_like_the_holes():
    x = picture(size=(64, 64))
    scattered, _ = solved(prepare_inpaint(x, holes((64, 64), 0.5), settings=FAST))
    true = np.sqrt(np.square(scattered.pixels - x).mean())
    assert 0.3 < scattered.expected_rms / true < 3
    wide = np.zeros((64, 64), bool)
    wide[20:30, 20:60] = True
    assert solved(prepare_inpaint(x, wide, settings=FAST))[0].expected_rms is None


def test_what_was_noisy_has_an_error_outside_of_its_holes_too():
    x, missing = picture(size=(40, 40)), holes((40, 40), 0.4)
    noise = 0.08 * np.random.default_rng(1).standard_normal(x.shape).astype(np.float32)
    restoration = prepare_inpaint(x + noise, missing, sigma=20, settings=FAST, uncertainty=True)
    error = solved(restoration)[0].error_map.error
    assert error[~missing].min() > 0
    assert error[~missing].mean() < 0.08
    assert np.nanmean(error[missing]) > error[~missing].mean()


def test_holes_in_one_colour_and_prior_fits():
    missing = holes()
    one, _ = solved(
        prepare_inpaint(np.full((16, 16, 1), 0.3, np.float32), missing, uncertainty=True)
    )
    assert np.array_equal(np.isnan(one.error_map.error), missing)
    with pytest.raises(ValueError, match="use fit recorrupt"):
        prepare_inpaint(picture(), missing, settings=FitSettings(fit=Fit.PRIOR), uncertainty=True)


def test_in_python_the_map_is_in_the_units_of_the_array():
    x, missing = (255 * picture(1, size=(48, 48))[..., 0]).astype(np.uint8), holes((48, 48))
    whole, error = inpaint(x, missing, settings=FAST, uncertainty=True)
    assert whole.dtype == np.uint8
    assert error.shape == (48, 48)
    assert (error[~missing] == 0).all()
    assert 0.01 < np.nanmean(error[missing]) < 100
