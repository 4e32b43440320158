"""What may say which pixels are missing: masked arrays, and arrays of every shape and type."""

import numpy as np
import pytest

from chnorm_cli import denoise, inpaint, superres
from chnorm_cli.fitting.settings import Effort, FitSettings

QUICK = FitSettings(effort=Effort.FAST, steps=3, device="cpu")


def picture(channels=1, dtype="uint8"):
    rows, columns = np.mgrid[:14, :18]
    x = 0.5 + 0.3 * np.sin(rows / 3 + np.arange(channels)[:, None, None]) * np.cos(columns / 4)
    x = x[0] if channels == 1 else np.moveaxis(x, 0, -1)
    return (x * 255).astype(dtype) if dtype == "uint8" else x.astype(dtype)


MISSING = np.random.default_rng(0).random((14, 18)) < 0.3
SAID = {
    "booleans": MISSING,
    "(H, W, 1)": MISSING[..., None],
    "(H, W, 3)": np.repeat(MISSING[..., None], 3, axis=2),
    "one channel of three": np.dstack([MISSING, MISSING & False, MISSING & False]),
    "0 and 1": MISSING.astype(np.int64),
    "0 and 255": MISSING.astype(np.uint8) * 255,
    "floats": MISSING * 0.25,
    "masked": np.ma.masked_array(np.zeros(MISSING.shape, bool), MISSING),
    "list": MISSING.tolist(),
}


@pytest.mark.parametrize("kind", SAID)
def test_missing_may_be_of_many_shapes_and_types(kind):
    x = picture(3)
    expected = inpaint(x, MISSING, settings=QUICK)
    assert np.array_equal(inpaint(x, SAID[kind], settings=QUICK), expected)
    assert np.array_equal(expected[~MISSING], x[~MISSING])


@pytest.mark.parametrize("fill", [0, 1e20, -999, np.nan])
def test_a_masked_array_says_what_is_missing_and_its_fill_value_plays_no_part(fill):
    x = picture(dtype="float64")
    expected = inpaint(x, MISSING, settings=QUICK)
    spoilt = np.where(MISSING, fill, x)
    assert np.array_equal(inpaint(np.ma.masked_array(spoilt, MISSING), settings=QUICK), expected)
    assert np.array_equal(inpaint(spoilt, MISSING, settings=QUICK), expected)
    assert np.isnan(spoilt[MISSING]).all() == np.isnan(fill)  # the caller's array is left alone


def test_a_masked_array_and_missing_add_up():
    x, more = picture(), np.zeros_like(MISSING)
    more[2:5, 2:5] = True
    both = inpaint(np.ma.masked_array(x, MISSING), more, settings=QUICK)
    assert type(both) is np.ndarray
    assert np.array_equal(both, inpaint(x, MISSING | more, settings=QUICK))


@pytest.mark.parametrize("task", [denoise, lambda x, **options: superres(x, 2, **options)])
def test_other_tasks_refuse_what_is_masked(task):
    x = np.ma.masked_array(picture(), MISSING)
    with pytest.raises(ValueError, match=r"lacks \d+ of its 252 values; fill them first"):
        task(x, settings=QUICK)
    valid = np.ma.masked_array(picture(), False)
    assert np.array_equal(task(valid, settings=QUICK), task(picture(), settings=QUICK))


@pytest.mark.parametrize(
    ("missing", "cause"),
    [
        (None, "say which pixels are missing"),
        (np.zeros((14, 17, 1)), "17×14 pixels and the picture 18×14"),
        (np.zeros((18, 14)), "14×18 pixels and the picture 18×14"),
        (np.zeros(14), r"\(H, W\), not of shape \(14,\)"),
        (np.zeros((1, 14, 18, 1)), r"not of shape \(1, 14, 18, 1\)"),
        (np.full((14, 18), "x"), "booleans or numbers"),
        (np.full((14, 18), np.nan), r"np\.isnan"),
        (np.ones((14, 18)), "every pixel"),
    ],
)
def test_what_says_nothing_is_explained(missing, cause):
    with pytest.raises(ValueError, match=cause):
        inpaint(picture(), missing, settings=QUICK)
