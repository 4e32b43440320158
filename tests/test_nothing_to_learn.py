"""Flat, blank, tiny and narrow pictures: every task answers with what is there."""

import numpy as np
import pytest
import torch

from chnorm_cli.classical.patch_filling import patch_filling
from chnorm_cli.fitting.optimizers import Optimizers
from chnorm_cli.fitting.settings import Effort, Fit, FitSettings
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.restoration import prepare_denoise, prepare_inpaint, prepare_superres

SIZES = [(1, 1), (1, 9), (9, 1), (2, 2), (2, 40), (40, 2), (3, 3), (48, 32)]


def solved(restoration):
    for _ in restoration:
        pass
    return restoration.solution


def quick(fit=Fit.AUTO, effort=Effort.FAST):
    return FitSettings(effort=effort, fit=fit, steps=3, device="cpu")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("fit", [Fit.AUTO, Fit.RECORRUPT, Fit.PRIOR])
@pytest.mark.parametrize("effort", [Effort.FAST, Effort.NORMAL])
def test_a_picture_of_one_colour_is_answered_with_it(size, fit, effort):
    settings = quick(fit, effort)
    for colour in ([0.0], [1.0], [0.3], [130 / 255], [0.0, 0.4, 1.0]):
        x = np.full((*size, len(colour)), colour, np.float32)
        missing = np.zeros(size, bool)
        missing[:, size[1] // 2 :] = True
        missing[-1, -1], missing[0, 0] = True, False
        answers = [
            prepare_denoise(x, settings=settings),
            prepare_denoise(x, sigma=15, settings=settings),
            prepare_superres(x, 2, settings=settings),
        ]
        if missing.any():
            spoilt = np.where(missing[..., None], 0.7, x)
            answers.append(prepare_inpaint(spoilt, missing, settings=settings))
        for solution in map(solved, answers):
            assert not solution.outcome.failed
            assert (solution.pixels == x[0, 0]).all()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["halves", "dot", "hardly anything", "noise"])
def test_small_and_narrow_pictures_have_an_answer(size, kind):
    x = np.zeros((*size, 1), np.float32)
    random = np.random.default_rng(0)
    match kind:
        case "halves":
            x[size[0] // 2 :, size[1] // 2 :] = 1
        case "dot":
            x[-1, -1] = 1
        case "hardly anything":
            x += (30000 + random.integers(0, 3, x.shape)) / 65535
        case "noise":
            x += random.random(x.shape)
    missing = np.zeros(size, bool)
    missing[size[0] // 2, size[1] // 2] = size != (1, 1)
    for restoration in (
        prepare_denoise(x, sigma=15, settings=quick()),
        prepare_superres(x, 2, settings=quick()),
        prepare_inpaint(x, missing, settings=quick()),
    ):
        solution = solved(restoration)
        assert not solution.outcome.failed
        assert np.isfinite(solution.pixels).all()


@pytest.mark.parametrize("gray", [0, 15, 45, 130, 200, 255])
def test_wide_holes_in_one_colour_are_filled_with_patches(gray):
    known = torch.ones(64, 64, dtype=torch.bool)
    known[20:44, 20:44] = False
    y = torch.full((1, 64, 64), gray / 255)
    x = patch_filling(y, known, torch.Generator().manual_seed(0))
    assert torch.allclose(x, y, atol=1e-5)


def test_a_smooth_ramp_does_not_diverge():
    x = np.linspace(0.2, 0.8, 48, dtype=np.float32)[None, :, None].repeat(48, 0)
    settings = FitSettings(effort=Effort.FAST, steps=80, device="cpu", threads=1)
    solution = solved(prepare_superres(x, 2, settings=settings))
    assert solution.outcome is Outcome.STEPS_ASKED
    inner = solution.pixels[8:-8, 8:-8, 0]
    assert np.abs(np.diff(inner, axis=0)).max() < 0.5 / 255


def test_a_step_of_a_share_is_that_much_shorter():
    def moved(share):
        layer = torch.nn.Conv2d(1, 1, 1, bias=False)
        torch.nn.init.zeros_(layer.weight)
        optimizers = Optimizers(layer, adam_lr=0.1, muon_lr=None)
        layer.weight.grad = torch.ones_like(layer.weight)
        optimizers.step(share)
        assert optimizers.members[0].rate == 0.1
        return float(layer.weight.detach())

    assert moved(0.25) == pytest.approx(0.25 * moved(1.0))
