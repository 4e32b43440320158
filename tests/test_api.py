"""The array API: what goes in comes out, in shape, type and range."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

import chnorm_cli
from chnorm_cli import api, denoise, inpaint, superres
from chnorm_cli.api import stacks
from chnorm_cli.fitting.settings import Effort, Fit, FitSettings
from chnorm_cli.problems.operators import Downsample

QUICK = FitSettings(effort=Effort.FAST, steps=6, device="cpu")
DTYPES = ["uint8", "uint16", "float32", "float64"]
SHAPES = [(16, 16), (16, 16, 1), (13, 18, 3), (9, 7, 4), (8, 8, 2)]


def picture(shape, dtype="float64"):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    x = 0.5 + 0.3 * np.sin(rows / 3) * np.cos(columns / 4)
    if len(shape) == 3:
        x = np.stack([x * (1 - 0.1 * c) for c in range(shape[2])], axis=-1)
    if np.dtype(dtype).kind == "f":
        return x.astype(dtype)
    return np.rint(x * np.iinfo(dtype).max).astype(dtype)


def full(dtype):
    return np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1


def holes(shape):
    missing = np.random.default_rng(0).random(shape[:2]) < 0.3
    missing[0, 0], missing[0, 1] = True, False
    return missing


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_denoise_gives_the_same_shape_and_type(shape, dtype):
    x = picture(shape, dtype)
    restored = denoise(x, sigma=0.02 * full(dtype), settings=QUICK)
    assert (restored.shape, restored.dtype) == (x.shape, x.dtype)
    error = np.abs(restored.astype(float) - x.astype(float)).mean() / full(dtype)
    assert error < 0.02


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_superres_gives_a_larger_one_of_the_same_type(shape, dtype):
    x = picture(shape, dtype)
    restored = superres(x, 2, settings=QUICK)
    assert restored.shape == (shape[0] * 2, shape[1] * 2, *shape[2:])
    assert restored.dtype == x.dtype


@pytest.mark.parametrize("fit", [Fit.PRIOR, Fit.RECORRUPT])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_inpaint_keeps_every_observed_bit(shape, dtype, fit):
    x, missing = picture(shape, dtype), holes(shape)
    damaged = x.copy()
    damaged[missing] = 0
    restored = inpaint(
        damaged, missing, settings=FitSettings(fit=fit, effort=Effort.FAST, steps=6, device="cpu")
    )
    assert (restored.shape, restored.dtype) == (x.shape, x.dtype)
    assert np.array_equal(restored[~missing], x[~missing])
    assert not np.array_equal(restored[missing], damaged[missing])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_inpaint_keeps_observed_floats_of_any_range(dtype):
    x, missing = 1e3 * picture((12, 12), dtype) - 400, holes((12, 12))
    restored = inpaint(x, missing, settings=QUICK)
    assert np.array_equal(restored[~missing], x[~missing])
    assert (
        np.abs(restored[missing] - x[missing]).max() < 300
    )  # and the holes are filled in that range


def test_inpaint_cleans_observed_pixels_that_are_said_to_be_noisy():
    x, missing = picture((16, 16, 3), "uint8"), holes((16, 16))
    restored = inpaint(x, missing, sigma=20, settings=QUICK)
    assert not np.array_equal(restored[~missing], x[~missing])


@pytest.mark.parametrize("mask", [holes((16, 16)).astype(np.uint8), holes((16, 16)).tolist()])
def test_a_mask_may_be_anything_that_is_true_or_false(mask):
    x = picture((16, 16), "uint8")
    expected = inpaint(x, holes((16, 16)), settings=QUICK)
    assert np.array_equal(inpaint(x, mask, settings=QUICK), expected)


def test_a_picture_may_be_a_list():
    x = picture((6, 6))
    assert denoise(x.tolist(), sigma=0.02, settings=QUICK).shape == (6, 6)
    restored = inpaint(x.tolist(), holes((6, 6)), settings=QUICK)
    assert np.array_equal(restored[~holes((6, 6))], x[~holes((6, 6))])


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_clean_picture_is_left_alone(dtype):
    x = picture((64, 64, 3), dtype)
    restored = denoise(x)  # the noise level is estimated, and there is none
    error = np.square((restored.astype(float) - x.astype(float)) / full(dtype)).mean()
    assert error < 10**-4.5
    assert restored is not x


@pytest.mark.parametrize("dtype", DTYPES)
def test_results_do_not_share_memory_with_the_input(dtype):
    x = picture((32, 32), dtype)
    for restored in (
        denoise(x),
        inpaint(x, np.zeros((32, 32), bool)),
        inpaint(x, holes((32, 32)), settings=QUICK),
    ):
        assert not np.shares_memory(restored, x)


def test_the_noise_level_is_in_the_units_of_the_array():
    flat = np.full((32, 32), 0.5)
    noisy = np.clip(flat + 0.1 * np.random.default_rng(0).standard_normal(flat.shape), 0, 1)
    for dtype in DTYPES:
        y = (noisy * full(dtype)).astype(dtype)
        restored = denoise(y, sigma=0.1 * full(dtype), settings=QUICK).astype(float) / full(dtype)
        assert restored.std() < 0.03


def test_an_enlarged_picture_reduces_to_the_given_one():
    x = picture((8, 9, 3))
    large = torch.from_numpy(superres(x, 3, settings=QUICK)).movedim(-1, 0)
    again = Downsample((8, 9), 3).forward(large).movedim(0, -1)
    assert np.allclose(again, x, atol=1e-4)


def test_a_fit_that_diverges_raises(monkeypatch):
    prepare = stacks.prepare_denoise

    def broken(*arguments, **options):
        restoration = prepare(*arguments, **options)
        torch.nn.init.constant_(restoration._network.output.weight, float("nan"))
        return restoration

    monkeypatch.setattr(stacks, "prepare_denoise", broken)
    with pytest.raises(api.DivergedError, match="diverged"):
        denoise(picture((8, 8)), sigma=0.02, settings=QUICK)


@pytest.mark.parametrize(
    ("call", "cause"),
    [
        (lambda: denoise(np.zeros(5)), "shape"),
        (lambda: denoise(np.zeros((2, 3, 0, 5))), "shape"),
        (lambda: denoise(np.zeros((9, 64, 65))), "channel_axis=None"),
        (lambda: denoise(np.zeros((4, 4, 3)), channel_axis=3), "channel_axis"),
        (lambda: denoise(np.zeros((4, 4)), effort="slow"), "fast, normal, best"),
        (lambda: denoise(np.zeros((4, 4)), seed=1, settings=QUICK), "give settings"),
        (lambda: inpaint(np.zeros((4, 4)), np.ones((4, 4))), "every pixel"),
        (lambda: inpaint(np.zeros((4, 4)), np.ones((3, 4))), "size"),
        (lambda: superres(np.zeros((4, 4)), 7), "scale"),
        (lambda: denoise(np.zeros((4, 4)), sigma=-1), "sigma"),
    ],
)
def test_questions_that_cannot_be_answered(call, cause):
    with pytest.raises(ValueError, match=cause):
        call()


@pytest.mark.parametrize(("asked", "spins"), [({}, "1000"), ({"OMP_WAIT_POLICY": "active"}, None)])
def test_threads_sleep_while_they_wait_unless_the_environment_says_how(monkeypatch, asked, spins):
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in asked.items():
        monkeypatch.setenv(name, value)
    assert callable(chnorm_cli.denoise)
    assert os.environ.get("GOMP_SPINCOUNT") == spins
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)


def test_the_package_offers_the_three_tasks_and_nothing_it_does_not_have():
    assert set(chnorm_cli.__all__) == {"__version__", "denoise", "inpaint", "superres"}
    assert chnorm_cli.denoise is api.denoise
    with pytest.raises(AttributeError, match="deblur"):
        _ = chnorm_cli.deblur


def test_the_functions_print_nothing():
    code = (
        "import numpy as np; from chnorm_cli import denoise;"
        "from chnorm_cli.fitting.settings import FitSettings;"
        "denoise(np.eye(8), sigma=0.1, settings=FitSettings(steps=2, device='cpu'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout == done.stderr == ""


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_three_tasks_on_the_gpu(dtype):
    there = FitSettings(effort=Effort.FAST, steps=20, device="cuda")
    x, missing = picture((16, 16, 3), dtype), holes((16, 16))
    assert denoise(x, sigma=0.02 * full(dtype), settings=there).dtype == x.dtype
    assert np.array_equal(inpaint(x, missing, settings=there)[~missing], x[~missing])
    assert superres(x, 2, settings=there).shape == (32, 32, 3)


@pytest.mark.parametrize("shape", [(16, 16), (16, 18, 3)])
@pytest.mark.parametrize("scale", [1, 900])
def test_what_is_not_finite_is_filled(shape, scale):
    whole = picture(shape) * scale
    spoilt = whole.copy()
    spoilt[4, 5], spoilt[9, 2] = np.nan, -np.inf
    for restored in (
        denoise(spoilt, sigma=0.01 * scale, settings=QUICK),
        superres(spoilt, 2, settings=QUICK),
        inpaint(spoilt, ~np.isfinite(spoilt).reshape(*shape[:2], -1)[..., 0], settings=QUICK),
    ):
        assert np.isfinite(restored).all()
        assert restored.min() >= whole.min() - 0.2 * scale
        assert restored.max() <= whole.max() + 0.2 * scale
    missing = np.zeros(shape[:2], bool)
    missing[0, 0] = True
    restored = inpaint(spoilt, missing, settings=QUICK)
    assert np.isfinite(restored).all()
    known = np.isfinite(spoilt).reshape(*shape[:2], -1).all(axis=2) & ~missing
    assert np.array_equal(restored[known], spoilt[known])
    with pytest.raises(ValueError, match="no value is a finite number"):
        denoise(np.full(shape, np.nan), settings=QUICK)
