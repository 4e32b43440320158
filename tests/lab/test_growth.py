"""Fits with intervals."""

import math

import pytest
import torch

from chnorm_cli.lab.exponentials import fit_growth
from chnorm_cli.lab.intervals import mean_interval
from chnorm_cli.lab.plots import thinned
from chnorm_cli.lab.report import covers, short, within

DEPTHS = [2, 4, 6, 8, 10, 12]


def noisy_steps(law, spread=0.3):
    noise = torch.randn(len(DEPTHS), 40, generator=torch.Generator().manual_seed(0))
    return torch.tensor([law(d) for d in DEPTHS]).double()[:, None] * (spread * noise).exp()


def test_an_exponential_is_recovered_inside_its_interval():
    growth = fit_growth(DEPTHS, noisy_steps(lambda d: 10 * 1.5**d), seed=0)
    assert growth.low < 1.5 < growth.high
    assert growth.factor == pytest.approx(1.5, rel=0.05)
    assert growth.exponential_r2 > growth.power_r2


def test_a_power_law_is_not_taken_for_an_exponential():
    growth = fit_growth(DEPTHS, noisy_steps(lambda d: 5.0 * d**2, spread=0.1), seed=0)
    assert growth.power_r2 > growth.exponential_r2


def test_a_minority_of_censored_runs_changes_nothing():
    steps = noisy_steps(lambda d: 10 * 1.5**d)
    worst = steps.argsort(-1)[:, -10:]
    censored = steps.scatter(-1, worst, math.inf)
    assert fit_growth(DEPTHS, censored, seed=0).factor == fit_growth(DEPTHS, steps, seed=0).factor
    censored[-1] = math.inf  # a whole depth without an answer does not enter
    assert math.isfinite(fit_growth(DEPTHS, censored, seed=0).factor)


def test_intervals():
    interval = mean_interval([1.0, 2.0, 3.0])
    assert interval.mean == 2.0
    assert interval.half == pytest.approx(4.3027 / math.sqrt(3), rel=1e-3)
    assert mean_interval([1.0]).half == math.inf
    assert str(mean_interval([1.0])) == "1.00"
    assert mean_interval([1.0, 1.0]).signed == "+1.00 ± 0.00"


def test_numbers_are_short_and_factors_symmetric():
    assert [short(v) for v in (0.0476, 3.72e-4, 12345.6, 0.0)] == [
        "0.0476",
        "3.7e-04",
        "1.2e+04",
        "0",
    ]
    assert within(3.0, 1.0)
    assert within(0.34, 1.0)
    assert not within(0.33, 1.0)
    assert covers([1.0, 2.0], 5.9)
    assert covers([1.0, 2.0], 0.34)
    assert not covers([1.0, 2.0], 6.1)


def test_thinning_keeps_both_ends():
    assert thinned(5) == [1, 2, 3, 4, 5]
    steps = thinned(5000)
    assert (steps[0], steps[-1]) == (1, 5000)
    assert len(steps) <= 250
