"""A level is fitted to measured points, of the simplest kind that they show."""

import pytest
import torch

from chnorm_cli.noise.level import Level
from chnorm_cli.noise.level_fit import fit_level
from chnorm_cli.noise.names import Kind
from chnorm_cli.noise.points import Points


def level(read=0.0, gain=0.0, speckle=0.0, black=0.0, channels=1):
    return Level(*(torch.full((channels,), v) for v in (read, gain, speckle, black)))


def points(law, low=0.05, high=1.0, scatter=0.03):
    channels = len(law.read)
    x = torch.linspace(low, high, 12).expand(channels, -1).contiguous()
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    variance = law.variance(x) * torch.exp(scatter * noise)
    return Points(x, variance, torch.full_like(x, 3.0), torch.ones_like(x), 500)


def test_read_and_shot_noise():
    found = fit_level(points(level(0.05, 1 / 30)))
    assert found.kind is Kind.POISSON_GAUSSIAN
    assert float(found.gain[0]) == pytest.approx(1 / 30, rel=0.1)
    assert float(found.read[0]) == pytest.approx(0.05, rel=0.15)


def test_speckle():
    found = fit_level(points(level(speckle=0.2)))
    assert found.kind is Kind.SPECKLE
    assert float(found.speckle[0]) == pytest.approx(0.2, rel=0.05)


def test_noise_that_is_the_same_everywhere_has_no_curve():
    assert fit_level(points(level(0.1))) is None
    assert fit_level(points(level(0.1)), Kind.GAUSSIAN) is None


def test_a_black_level_is_found():
    found = fit_level(points(level(gain=0.02, black=0.3), low=0.32, high=0.9))
    x = torch.linspace(0.35, 0.9, 5)[None]
    assert torch.allclose(found.variance(x), 0.02 * (x - 0.3), rtol=0.12)


def test_texture_that_adds_to_some_points_does_not_count():
    measured = points(level(gain=1 / 30))
    measured.variance[0, ::4] *= 4.0
    assert float(fit_level(measured).gain[0]) == pytest.approx(1 / 30, rel=0.1)


def test_what_is_not_regular_has_no_curve():
    measured = points(level(0.1))
    factors = torch.exp(torch.randn(12, generator=torch.Generator().manual_seed(2)))
    assert (
        fit_level(
            Points(measured.brightness, measured.variance * factors, *[measured.kurtosis] * 2, 500)
        )
        is None
    )


def test_colours_with_other_numbers_have_their_own():
    law = Level(torch.zeros(3), torch.tensor([0.01, 0.02, 0.04]), torch.zeros(3), torch.zeros(3))
    assert fit_level(points(law)).gain.tolist() == pytest.approx([0.01, 0.02, 0.04], rel=0.1)
    same = fit_level(points(level(gain=0.02, channels=3)))
    assert len(same.gain.unique()) == 1


@pytest.mark.parametrize("kind", [Kind.POISSON, Kind.POISSON_GAUSSIAN, Kind.SPECKLE, Kind.MIXED])
def test_a_kind_can_be_forced(kind):
    found = fit_level(points(level(0.05, 0.02, 0.1)), kind)
    assert found.kind in (kind, Kind.POISSON, Kind.POISSON_GAUSSIAN, Kind.SPECKLE)
    if kind is not Kind.MIXED:
        assert found.kind is kind


@pytest.mark.parametrize("factor", [1e-6, 255.0, 1e6])
def test_the_unit_is_the_pictures(factor):
    law = level(0.05, 1 / 30)
    here, there = (
        fit_level(points(law)),
        fit_level(points(law.scaled(factor, 0.0), 0.05 * factor, factor)),
    )
    assert float(there.gain[0]) == pytest.approx(factor * float(here.gain[0]), rel=0.01)
    assert float(there.read[0]) == pytest.approx(factor * float(here.read[0]), rel=0.02)


def tone_curved(x):
    """The σ of read and shot noise after an sRGB curve: strong in the dark, weak in the light."""
    light = ((x + 0.055) / 1.055) ** 2.4
    slope = 1.055 / 2.4 * light ** (1 / 2.4 - 1)
    return slope * (0.001 * light + 0.02**2).sqrt()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("unit", [1.0, 4095.0])
def test_noise_after_a_tone_curve_follows_what_is_measured(channels, unit):
    x = torch.linspace(0.08, 0.95, 12).expand(channels, -1).contiguous()
    chance = torch.randn(x.shape, generator=torch.Generator().manual_seed(3))
    variance = (unit * tone_curved(x)) ** 2 * torch.exp(0.03 * chance)
    ones = torch.ones_like(x)
    found = fit_level(Points(unit * x, variance, 3 * ones, ones, 500))
    assert found.kind is Kind.FREE
    there = torch.linspace(0.1, 0.9, 9).expand(channels, -1)
    expected = unit * tone_curved(there)
    assert torch.allclose(found.variance(unit * there).sqrt(), expected, rtol=0.08)


def test_a_hump_is_texture():
    x = torch.linspace(0.05, 1.0, 12)[None]
    variance = 0.01 * (1 + 2 * torch.exp(-((x - 0.5) ** 2) / 0.05))
    ones = torch.ones_like(x)
    assert fit_level(Points(x, variance, 3 * ones, ones, 500)) is None
