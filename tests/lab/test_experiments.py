"""Every experiment runs at a toy size, says something, and can be drawn."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from chnorm_cli.lab import ablation, convergence, depth, gradients, image, landscape
from chnorm_cli.lab.plots import save


def drain(run):
    said = []
    while True:
        try:
            said.append(next(run))
        except StopIteration as stop:
            return stop.value, said


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """Shrinks all experiments."""

    def fix(module, **values):
        for name, value in values.items():
            monkeypatch.setattr(module.Settings, name, value)

    fix(image, size=16, steps=3)
    fix(depth, depths=(2, 3, 4), cap=300, draws=20)
    fix(gradients, linear_draws=30, convolutional_draws=3)
    fix(landscape, points=3, steps=lambda self, network: 2)
    fix(ablation, size=16, widths=(4, 4), steps=3)
    monkeypatch.setattr(convergence.Settings, "steps", lambda self, network, arm: 2)
    monkeypatch.setattr(convergence, "CROWD", 2)


@pytest.mark.parametrize(
    "module", [image, convergence, depth, gradients, landscape, ablation], ids=lambda m: m.__name__
)
def test_an_experiment_reports_and_draws(tiny, module):
    settings = replace(module.Settings(), seeds=2)
    result, said = drain(module.run(settings))
    report = result.report()
    assert said
    assert report.claims
    assert report.notes
    assert all(len(row) == len(report.measurements.columns) for row in report.measurements.rows)
    rows = list(csv.reader(io.StringIO(report.curves.csv().decode())))
    assert len(rows) > 10
    assert {len(row) for row in rows} == {len(report.curves.columns)}
    assert save(result.draw, Path("x.png"), report.title).startswith(b"\x89PNG")


@pytest.mark.parametrize("module", [image, convergence, landscape], ids=lambda m: m.__name__)
def test_the_full_size_is_compared_with_the_recorded_runs(tiny, module):
    result, _ = drain(module.run(module.Settings(full=True)))
    claims = [claim for claim in result.report().claims if "within ×3" in claim.claim]
    assert len(claims) >= 4
    assert all(claim.holds is not None for claim in claims)


@pytest.mark.parametrize("module", [depth, image], ids=lambda m: m.__name__)
def test_the_same_seed_gives_the_same_numbers(tiny, module):
    tables = [drain(module.run(module.Settings(seed=5)))[0].report().curves.csv() for _ in range(2)]
    assert tables[0] == tables[1]


@pytest.mark.slow
def test_depth_shows_an_exponential_and_keeps_its_bound(monkeypatch):
    monkeypatch.setattr(depth.Settings, "cap", 5000)  # the fit of 20,000, in half of the time
    result, _ = drain(depth.run(depth.Settings(seed=1)))
    growth = result.growth[False]
    assert growth.low > 1.2
    assert growth.exponential_r2 > growth.power_r2
    assert all(claim.holds for claim in result.report().claims if "Theorem" in claim.claim)


@pytest.mark.slow
def test_normalization_fits_a_picture_and_nothing_else_does(monkeypatch):
    monkeypatch.setattr(image.Settings, "size", 32)
    result, _ = drain(image.run(image.Settings(seed=1)))
    assert result.report().claims[0].holds
