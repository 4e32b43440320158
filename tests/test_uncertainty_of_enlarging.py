"""The map of the errors of an enlarged picture, from a further reduction."""

import numpy as np
import pytest
import torch
from jpeg_files import compressed, opened
from pictures import bundled
from test_restoration import picture, solved

from chnorm_cli import superres
from chnorm_cli.fitting.settings import Effort, Fit, FitSettings
from chnorm_cli.problems.operators import Downsample
from chnorm_cli.restoration import prepare_superres

FAST = FitSettings(effort=Effort.FAST, steps=3, device="cpu")


def small(size=(40, 48)):
    """A part of a photograph, with the small picture that is made of it."""
    truth = bundled("coffee")[:, 100 : 100 + 2 * size[0], 200 : 200 + 2 * size[1]]
    y = Downsample(size, 2).forward(truth)
    return truth.movedim(0, -1).numpy(), y.movedim(0, -1).contiguous().numpy()


def test_the_error_of_an_enlarged_picture_is_told():
    truth, y = small()
    solution, _ = solved(prepare_superres(y, 2, settings=FAST, uncertainty=True))
    error, true = solution.error_map.error, np.square(solution.pixels - truth).mean(2)
    assert error.shape == (80, 96)
    assert 0.5 < solution.expected_rms / np.sqrt(true.mean()) < 2
    order = np.argsort(error.ravel())  # it errs more where more is told
    assert true.ravel()[order[-1000:]].mean() > 3 * true.ravel()[order[:1000]].mean()
    again, _ = solved(prepare_superres(y, 2, settings=FAST, uncertainty=True))
    assert np.array_equal(again.error_map.error, error)
    without, _ = solved(prepare_superres(y, 2, settings=FAST))
    assert np.array_equal(without.pixels, solution.pixels)
    assert without.expected_rms is None


@pytest.mark.parametrize("scale", [3, 4])
def test_all_factors_are_enlarged_again(scale):
    restoration = prepare_superres(picture(size=(16, 18)), scale, settings=FAST, uncertainty=True)
    solution, _ = solved(restoration)
    assert solution.error_map.unknown == 1  # a further reduction would have 4 or 5 pixels
    again = restoration.errors.enlarger.enlarge_again(torch.rand(3, 8, 9))
    assert again.shape == (3, 8 * scale, 9 * scale)


def test_of_a_noisy_picture_what_denoising_left_is_told_as_well():
    _, y = small()
    random = np.random.default_rng(0)
    noisy = y + 0.1 * random.standard_normal(y.shape).astype(np.float32)
    clean, _ = solved(prepare_superres(y, 2, settings=FAST, uncertainty=True))
    restoration = prepare_superres(noisy, 2, settings=FAST, uncertainty=True)
    solution, _ = solved(restoration)
    assert restoration.errors.enlarger.cleaner is not None
    left = restoration.errors.noise_left(lambda _: None)
    assert left.shape == (80, 96)
    assert (solution.error_map.error > left.sqrt().numpy() - 1e-6).all()
    assert solution.expected_rms > clean.expected_rms / 2


def test_of_a_jpeg_what_taking_the_artefacts_out_left_is_told_as_well():
    y = small()[1]
    picture, jpeg = opened(compressed(torch.from_numpy(y).movedim(-1, 0), 30))
    compressed_y = picture.movedim(0, -1).numpy()
    restoration = prepare_superres(compressed_y, 2, jpeg=jpeg, settings=FAST, uncertainty=True)
    solution, _ = solved(restoration)
    left = restoration.errors.noise_left(lambda _: None)
    assert 2 / 255 < float(left.mean().sqrt()) < 20 / 255
    assert (solution.error_map.error >= left.sqrt().numpy() - 1e-6).all()


def test_one_colour_is_exact_and_a_prior_fit_has_no_map():
    one = np.full((14, 14, 1), 0.3, np.float32)
    solution, _ = solved(prepare_superres(one, 2, settings=FAST, uncertainty=True))
    assert not solution.error_map.error.any()
    with pytest.raises(ValueError, match="use fit recorrupt"):
        prepare_superres(picture(), 2, settings=FitSettings(fit=Fit.PRIOR), uncertainty=True)


def test_in_python_the_map_is_as_large_as_the_picture():
    x = (255 * small((24, 26))[1]).astype(np.uint8)
    large, error = superres(x, 2, settings=FAST, uncertainty=True)
    assert large.shape == (48, 52, 3)
    assert error.shape == (48, 52)
    assert 0.1 < error.mean() < 60
    holed = x.astype(np.float32)
    holed[2, 3] = np.nan
    _, error = superres(holed, 2, settings=FAST, uncertainty=True)
    assert np.argwhere(np.isnan(error)).tolist() == [[4, 6], [4, 7], [5, 6], [5, 7]]
