"""Super-resolution: which fits run, and what becomes of their pictures."""

import pytest
import torch
from pictures import bundled, psnr
from test_restoration import prepared, solved

from chnorm_cli.classical.first_guess import first_guess
from chnorm_cli.classical.guesses import ENLARGING, FILLING, plug_and_play
from chnorm_cli.fitting.settings import Effort
from chnorm_cli.problems.operators import Downsample


@pytest.mark.parametrize(("effort", "fits"), [(Effort.FAST, 1), (Effort.NORMAL, 2)])
def test_twice_the_size_is_the_mean_of_two_networks_unless_it_must_be_fast(effort, fits):
    restoration = prepared("superres", effort=effort, steps=4)
    solved(restoration)
    assert len(restoration._fit.estimates) == fits
    operator = restoration._problem.operator
    y = restoration._problem.observation
    mean = torch.stack(restoration._fit.estimates).mean(0)
    strengths = restoration._recipe.strengths
    expected = plug_and_play(mean, y, operator, strengths, ENLARGING)
    assert torch.allclose(restoration._fit.estimate(), expected)


def test_a_single_step_for_two_networks_gives_a_picture():
    restoration = prepared("superres", effort=Effort.NORMAL, steps=1)
    _, steps = solved(restoration)
    assert len(steps) == 1
    assert torch.isfinite(restoration._fit.estimate()).all()


def test_combining_values_too_enlarges_better():
    truth = bundled("coffee")[:, 40:136, 120:216]
    operator = Downsample((48, 48), 2)
    y = operator.forward(truth)
    start = first_guess(operator, y)
    patches, both = (
        psnr(plug_and_play(start, y, operator, (10.0, 6.0), passes), truth)
        for passes in ((FILLING,), ENLARGING)
    )
    assert both > patches > psnr(start, truth)
