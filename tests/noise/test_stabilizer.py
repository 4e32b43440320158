"""The transform makes noise white, and its inverse is without bias, by Monte Carlo."""

import pytest
import torch

from chnorm_cli.noise.level import Level, interpolated
from chnorm_cli.noise.stabilizer import Stabilizer

DRAWS = 200_000


def level(read=0.0, gain=0.0, speckle=0.0, black=0.0, channels=1):
    return Level(*(torch.full((channels,), v) for v in (read, gain, speckle, black)))


def drawn(law, brightness, seed=1):
    x = torch.full((len(law.read), 1, DRAWS), brightness)
    return law.added_to(x, torch.Generator().manual_seed(seed))


def mean_of(stabilizer, law, brightness):
    return stabilizer.forward(drawn(law, brightness)).double().mean((1, 2), keepdim=True).float()


LAWS = {
    "counts": (level(gain=1.0), 0.0, 60.0),
    "counts, read": (level(1.5, 1.0), 0.0, 60.0),
    "counts above black": (level(1.0, 1.0, black=-5.0), -5.0, 60.0),
    "speckle": (level(0.5, speckle=0.2), 0.0, 60.0),
    "constant": (level(3.0), 0.0, 60.0),
    "all": (level(1.0, 0.5, 0.1), 0.0, 60.0),
    "free": (
        Level.of_curve(torch.tensor([[0.0, 15.0, 60.0]]), torch.tensor([[4.0, 2.0, 1.0]])),
        0.0,
        60.0,
    ),
}


@pytest.mark.parametrize("name", list(LAWS))
@pytest.mark.parametrize("brightness", [0.2, 0.5, 1.0, 2.0, 5.0, 20.0, 50.0])
def test_the_inverse_of_the_mean_is_the_truth(name, brightness):
    law, low, high = LAWS[name]
    stabilizer = Stabilizer(law, low, high)
    back = float(stabilizer.inverse(mean_of(stabilizer, law, brightness)))
    deviation = float(law.variance(torch.tensor([[brightness]])).sqrt())
    assert back == pytest.approx(brightness, abs=0.02 * deviation, rel=0.003)


def test_the_inverse_of_t_alone_would_be_biased():
    law = level(gain=1.0)
    stabilizer = Stabilizer(law, 0.0, 60.0)
    z = mean_of(stabilizer, law, 1.0)
    counts = torch.linspace(0.0, 10.0, 1001).view(1, 1, -1)
    nearest = (stabilizer.forward(counts) - z).abs().argmin()
    assert float(counts.flatten()[nearest]) < 0.95  # t⁻¹ is too dark; the test above can fail


@pytest.mark.parametrize("name", list(LAWS))
@pytest.mark.parametrize("brightness", [8.0, 20.0, 50.0])
def test_noise_becomes_as_strong_everywhere(name, brightness):
    law, low, high = LAWS[name]
    stabilizer = Stabilizer(law, low, high)
    z = stabilizer.forward(drawn(law, brightness))
    # Speckle's logarithm is skewed, and a little stronger than its slope says.
    assert float(z.std()) == pytest.approx(stabilizer.sigma, rel=0.08)


@pytest.mark.parametrize("brightness", [0.1, 0.5, 1.0, 3.0, 10.0])
@pytest.mark.parametrize("name", ["counts", "counts, read", "all"])
def test_it_knows_how_strong_noise_is_at_few_counts(name, brightness):
    law, low, high = LAWS[name]
    stabilizer = Stabilizer(law, low, high)
    z = stabilizer.forward(drawn(law, brightness))
    told = float(stabilizer.variance(z.mean((1, 2), keepdim=True)))
    assert told == pytest.approx(float(z.var()) / stabilizer.sigma**2, rel=0.05)


@pytest.mark.parametrize("name", list(LAWS))
def test_both_ways_are_ascending_and_finite_beyond_the_ends(name):
    law, low, high = LAWS[name]
    stabilizer = Stabilizer(law, low, high)
    y = torch.linspace(low - 50, high + 200, 2000).view(1, 1, -1)
    z = stabilizer.forward(y)
    assert bool((z.diff() > 0).all())
    x = stabilizer.inverse(torch.linspace(-1.0, 3.0, 2000).view(1, 1, -1))
    assert bool(x.isfinite().all())
    assert bool((x.diff() >= 0).all())
    dark = float(law.variance(torch.tensor([[low]])).sqrt())
    assert float(x.min()) >= low - 4.1 * dark  # darker than no light is no light
    assert float(x.max()) > high


@pytest.mark.parametrize("name", list(LAWS))
def test_the_range_becomes_zero_to_one(name):
    law, low, high = LAWS[name]
    ends = Stabilizer(law, low, high).forward(torch.tensor([low, high]).view(1, 1, 2))
    assert ends.flatten().tolist() == pytest.approx([0.0, 1.0], abs=1e-5)


@pytest.mark.parametrize(
    ("factor", "offset"), [(1e-6, 0.0), (1 / 255, 0.0), (1e3, 0.0), (1e6, 0.0), (1.0, 100.0)]
)
def test_single_precision_is_enough_in_any_unit(factor, offset):
    law, low, high = LAWS["all"]
    here = Stabilizer(law, low, high)
    there = Stabilizer(law.scaled(factor, offset), low * factor + offset, high * factor + offset)
    y = torch.linspace(-2.0, 60.0, 500).view(1, 1, -1)
    z = here.forward(y)
    assert torch.allclose(there.forward(factor * y + offset), z, atol=1e-4)
    back = (there.inverse(z) - offset) / factor
    assert torch.allclose(back, here.inverse(z), atol=2e-3, rtol=2e-3)
    assert there.sigma == pytest.approx(here.sigma, rel=1e-3)


def test_each_colour_has_a_curve_of_its_own():
    law = Level(torch.tensor([0.0, 3.0]), torch.tensor([1.0, 0.0]), torch.zeros(2), torch.zeros(2))
    stabilizer = Stabilizer(law, 0.0, 60.0)
    z = stabilizer.forward(drawn(law, 30.0))
    assert z.std((1, 2)).tolist() == pytest.approx([stabilizer.sigma] * 2, rel=0.05)
    back = stabilizer.inverse(z.mean((1, 2), keepdim=True)).flatten()
    assert back.tolist() == pytest.approx([30.0, 30.0], rel=0.005)


def test_without_noise_it_is_there_and_back():
    stabilizer = Stabilizer(level(gain=1e-4), 0.0, 1.0)
    y = torch.linspace(0.05, 1.0, 100).view(1, 1, -1)
    assert torch.allclose(stabilizer.inverse(stabilizer.forward(y)), y, atol=2e-3)


def test_lines_go_on_straight():
    points, values = torch.tensor([0.0, 1.0, 3.0]), torch.tensor([0.0, 2.0, 3.0])
    x = torch.tensor([-1.0, 0.5, 2.0, 5.0])
    assert interpolated(x, points, values).tolist() == pytest.approx([-2.0, 1.0, 2.5, 4.0])
