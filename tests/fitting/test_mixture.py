"""The weights of a mean of estimates."""

import torch

from chnorm_cli.fitting.mixture import mixed, mixture_weights


def errors(*sizes, n=20_000):
    generator = torch.Generator().manual_seed(0)
    return torch.stack([s * torch.randn(n, generator=generator) for s in sizes])


def test_weights_are_a_mean():
    weights = mixture_weights(errors(1.0, 2.0, 0.5))
    torch.testing.assert_close(weights.sum(), torch.tensor(1.0))
    assert weights.min() >= 0
    assert weights.argsort().tolist() == [1, 0, 2]


def test_equally_good_estimates_count_equally():
    torch.testing.assert_close(
        mixture_weights(errors(1.0, 1.0, 1.0, 1.0)), torch.full((4,), 0.25), atol=0.01, rtol=0.0
    )
    same = errors(1.0)
    torch.testing.assert_close(mixture_weights(torch.cat([same, same])), torch.tensor([0.5, 0.5]))


def test_an_estimate_that_adds_nothing_is_left_out():
    good, other = errors(1.0, 2.0)
    weights = mixture_weights(torch.stack([good, good + 2.0 * other]))
    assert weights[1] < 0.1  # none, but for the ridge


def test_without_any_error_all_count_equally():
    torch.testing.assert_close(mixture_weights(torch.zeros(3, 5)), torch.full((3,), 1 / 3))


def test_the_mixture_is_better_than_its_best_part():
    truth = torch.rand(3, 40, 50, generator=torch.Generator().manual_seed(1))
    parts = [truth + e.view(truth.shape) for e in errors(0.1, 0.13, n=6000)]
    weights = mixture_weights(torch.stack([p - truth for p in parts]).flatten(1))
    assert (mixed(parts, weights) - truth).square().mean() < 0.8 * 0.1**2
    assert torch.equal(mixed(parts, torch.tensor([1.0, 0.0])), parts[0])
