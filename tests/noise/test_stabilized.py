"""Noise in a stabilized picture is drawn as it comes about, and its variance is known in any colours."""

import pytest
import torch

from chnorm_cli.noise.level import Level
from chnorm_cli.noise.stabilized import StabilizedNoise
from chnorm_cli.noise.stabilizer import Stabilizer


def seeded(seed=1):
    return torch.Generator().manual_seed(seed)


def noise(channels=1, kernel=None):
    law = Level(*(torch.full((channels,), v) for v in (0.0, 1.0, 0.0, 0.0)))
    stabilizer = Stabilizer(law, 0.0, 40.0)
    return StabilizedNoise(stabilizer.sigma, kernel, stabilizer)


def means(value, channels=1):
    """The z whose true counts are `value`."""
    drawn = torch.poisson(torch.full((channels, 300, 300), value), generator=seeded(5))
    return noise(channels).stabilizer.forward(drawn).mean((1, 2))


@pytest.mark.parametrize("value", [0.5, 2.0, 20.0])
def test_fresh_noise_is_that_of_counts(value):
    law = noise()
    z = means(value).view(1, 1, 1).expand(1, 300, 300)
    counts = law.stabilizer.inverse(law.added_to(z, seeded()))
    drawn = law.stabilizer.forward(
        torch.poisson(torch.full((1, 300, 300), value), generator=seeded(2))
    )
    again = law.added_to(z, seeded())
    assert bool(counts.isfinite().all())
    assert float(again.mean()) == pytest.approx(float(drawn.mean()), abs=0.02)
    assert float(again.std()) == pytest.approx(float(drawn.std()), rel=0.03)
    assert len(again.unique()) < 60  # counts, not a Gaussian


def test_the_seed_decides():
    z = means(5.0).view(1, 1, 1).expand(1, 20, 20)
    assert torch.equal(noise().added_to(z, seeded()), noise().added_to(z, seeded()))
    assert not torch.equal(noise().added_to(z, seeded()), noise().added_to(z, seeded(2)))


def test_what_neighbours_share_is_drawn_as_gaussian():
    kernel = torch.full((1, 1, 3, 3), 1 / 3)
    law = noise(kernel=kernel)
    drawn = law.added_to(torch.zeros(1, 200, 200), seeded())
    assert float(drawn.std()) == pytest.approx(law.sigma, rel=0.05)
    assert float((drawn[..., 1:] * drawn[..., :-1]).mean() / drawn.square().mean()) > 0.5


def test_few_counts_are_less_or_more_than_one_and_many_are_one():
    law = noise()
    assert float(law.relative_variance(means(20.0)[None])) == pytest.approx(1.0, abs=0.05)
    assert float(law.relative_variance(means(0.1)[None])) < 0.5


def test_a_change_of_colours_changes_the_variances():
    basis, _ = torch.linalg.qr(torch.randn(3, 3, generator=seeded()))
    law = noise(3)
    z = torch.stack([means(v)[0] for v in (0.2, 2.0, 20.0)])
    there = law.in_colours(basis).relative_variance((basis @ z)[None])
    here = law.relative_variance(z[None]).clamp(0.01, 2.0)
    assert torch.allclose(there, here @ basis.square().mT, atol=1e-4)
