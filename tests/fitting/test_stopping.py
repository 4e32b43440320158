"""Stopping rules: the minimum that they find, the output that they give, when they stop."""

import pytest
import torch

from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.fitting.stopping import BestSoFar, MonitorRule, WindowedVariance


def picture(value):
    return torch.full((1, 1, 2, 2), float(value))


def monitored(curve, **options):
    """Runs a rule over pictures whose value is the step, with `curve` as the monitor."""
    rule = MonitorRule(lambda x: curve(float(x.mean())), Outcome.SPLIT_CHECK, "check", **options)
    for index in range(1, 2001):
        if rule.update(index, picture(index)):
            return rule, index
    return rule, None


@pytest.mark.parametrize("minimum", [1, 40, 63, 500])
def test_the_minimum_is_found_and_its_output_given(minimum):
    rule, stopped = monitored(lambda t: abs(t - minimum), least=60, patience=0.35)
    assert rule.best.index == minimum
    assert torch.equal(rule.best.output, picture(minimum))
    waited = stopped - minimum
    assert waited >= max(60, int(0.35 * stopped))
    assert waited - 1 < max(60, int(0.35 * (stopped - 1)))


def test_a_monitor_that_falls_forever_never_stops():
    rule, stopped = monitored(lambda t: 1 / t)
    assert stopped is None
    assert rule.best.index == 2000


def test_a_small_bump_does_not_stop_it():
    def bumpy(t):
        return abs(t - 300) + (200 if 100 < t < 130 else 0)

    assert monitored(bumpy)[0].best.index == 300


def test_it_says_how_near_the_end_is():
    rule, _ = monitored(lambda t: abs(t - 40))
    assert rule.near.startswith("check: ")
    assert "past its minimum" in rule.near
    assert rule.value > 0


def test_the_best_is_a_copy_and_ties_and_nan_do_not_replace_it():
    best, x = BestSoFar(), picture(1)
    assert best.update(1.0, 1, x)
    x += 1
    assert torch.equal(best.output, picture(1))
    assert not best.update(1.0, 2, picture(2))
    assert not best.update(float("nan"), 3, picture(3))
    assert best.index == 1


@pytest.mark.parametrize("window", [2, 10, 50])
def test_windowed_variance_is_the_naive_one(window):
    random = torch.Generator().manual_seed(0)
    rule = WindowedVariance(window=window)
    outputs = []
    for index in range(1, 121):
        outputs.append(torch.rand(1, 3, 8, 8, generator=random) / index**0.5)
        rule.update(index, outputs[-1], outputs[-1])
        if index < window:
            assert rule.value is None
        else:
            last = torch.stack(outputs[-window:]).half().double()
            naive = (last - last.mean(0)).square().mean()
            assert rule.value == pytest.approx(naive.item(), rel=1e-3)


def test_windowed_variance_stops_after_its_minimum_and_gives_the_averaged_output():
    random = torch.Generator().manual_seed(0)
    rule = WindowedVariance(window=20, patience=0.3, least=60)
    for index in range(1, 1000):
        spread = 0.01 + abs(index - 200) / 1000  # settles, then noise comes in
        x = 0.5 + spread * torch.randn(1, 1, 8, 8, generator=random)
        if rule.update(index, x, picture(index)):
            break
    assert 195 < rule.best.index < 235  # the window lags behind
    assert torch.equal(rule.best.output, picture(rule.best.index))
    assert index - rule.best.index == max(60, int(0.3 * index))
    assert len(rule.ring) == 20


def test_windowed_variance_does_not_drift_over_a_long_run():
    rule = WindowedVariance(window=10)
    for index in range(1, 3001):
        rule.update(index, picture(0.25 + 0.5 * (index % 2)), picture(0))
    assert rule.value == pytest.approx(1 / 16, rel=1e-3)
