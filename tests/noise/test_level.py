"""A level says how strong noise is at each brightness, and noise is drawn so."""

import pytest
import torch

from chnorm_cli.noise.level import Level
from chnorm_cli.noise.names import Kind


def level(read=0.0, gain=0.0, speckle=0.0, black=0.0, channels=1):
    return Level(*(torch.full((channels,), v) for v in (read, gain, speckle, black)))


KINDS = {
    Kind.FREE: Level.of_curve(torch.tensor([[0.0, 0.4, 1.0]]), torch.tensor([[0.2, 0.08, 0.05]])),
    Kind.GAUSSIAN: level(read=0.1),
    Kind.POISSON: level(gain=1 / 30),
    Kind.POISSON_GAUSSIAN: level(0.05, 1 / 30),
    Kind.SPECKLE: level(speckle=0.2),
    Kind.MIXED: level(0.02, 0.01, 0.1, 0.05),
}


def drawn(law, x, seed=1):
    return law.added_to(x, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("brightness", [0.0, 0.1, 0.5, 1.0])
def test_drawn_noise_has_the_variance_it_says_and_no_mean(kind, brightness):
    law = KINDS[kind]
    assert law.kind is kind
    x = torch.full((1, 400, 400), brightness)
    noise = drawn(law, x) - x
    expected = float(law.variance(x[:, :1, :1]))
    assert float(noise.var()) == pytest.approx(expected, rel=0.03, abs=1e-12)
    assert abs(float(noise.mean())) <= 5 * (expected / x.numel()) ** 0.5 + 1e-7


def test_counts_are_drawn_as_counts():
    y = drawn(level(gain=0.5, black=0.25), torch.full((1, 50, 50), 1.0))
    counts = (y - 0.25) / 0.5
    assert torch.allclose(counts, counts.round(), atol=1e-5)
    assert counts.unique().numel() > 3


def test_below_black_there_is_read_noise_only():
    law = level(read=0.02, gain=0.1, speckle=0.5, black=0.3)
    dark = torch.tensor([[-1.0, 0.0, 0.3]])
    assert law.variance(dark)[0].tolist() == pytest.approx([0.0004] * 3)
    y = drawn(law, torch.full((1, 200, 200), 0.1))
    assert float(y.mean()) == pytest.approx(0.1, abs=0.001)


def test_the_generator_decides():
    x = torch.rand(3, 20, 20, generator=torch.Generator().manual_seed(0))
    law = level(0.05, 0.02, 0.1, 0.0, channels=3)
    assert torch.equal(drawn(law, x), drawn(law, x))
    assert not torch.equal(drawn(law, x), drawn(law, x, seed=2))


def test_each_colour_has_its_own_numbers():
    law = Level(torch.tensor([0.1, 0.0]), torch.tensor([0.0, 0.05]), torch.zeros(2), torch.zeros(2))
    noise = drawn(law, torch.ones(2, 300, 300)) - 1
    assert noise.var((1, 2)).tolist() == pytest.approx([0.01, 0.05], rel=0.03)
    assert not law.is_constant


@pytest.mark.parametrize(("factor", "offset"), [(255.0, 0.0), (1e-3, 0.0), (65535.0, 118.0)])
def test_a_level_is_scaled_with_its_picture(factor, offset):
    law = level(0.05, 0.02, 0.1, 0.1)
    x = torch.linspace(0, 1, 11)[None]
    there = law.scaled(factor, offset).variance(factor * x + offset)
    assert torch.allclose(there, factor**2 * law.variance(x), rtol=1e-3)


def test_a_constant_level_is_the_same_everywhere():
    law = Level.constant(0.2, 3)
    assert law.is_constant
    assert law.variance(torch.rand(3, 4, 5)).sqrt() == pytest.approx(torch.full((3, 4, 5), 0.2))
