"""What patches of a group share of their noise is what drawn noise shows."""

import pytest
import torch
from pictures import bundled

from chnorm_cli.classical.nonlocal_filter import nonlocal_filter
from chnorm_cli.classical.passes import FIRST, SECOND
from chnorm_cli.classical.patch_groups import combine_sharing
from chnorm_cli.classical.shared_noise import shared_noise
from chnorm_cli.noise.gaussian import Noise

SIGMA = 20 / 255


def blurred_noise(width=1.0):
    """Noise of three colours of different strength, two of which share some, alike over `width` pixels."""
    positions = torch.arange(-4.0, 5.0)
    kernel = torch.exp(-(positions[:, None] ** 2 + positions**2) / (2 * width**2))
    mixing = torch.tensor([[1.0, 0.0, 0.0], [0.5, 1.2, 0.0], [0.0, 0.0, 0.7]])
    return Noise(SIGMA, mixing[..., None, None] * kernel / kernel.norm())


def patches_at(e, rows, columns, patch):
    """The patches (C, …, patch²) of noise e (C, H, W) that begin at rows and columns."""
    inside = e.unfold(1, patch, 1).unfold(2, patch, 1)
    return inside[:, rows, columns].flatten(-2)


@pytest.mark.parametrize("settings", [FIRST, SECOND])
def test_it_is_the_gram_matrix_of_drawn_noise(settings):
    noise = blurred_noise()
    rows, columns = torch.tensor([[3, 3, 5, 20]]), torch.tensor([[4, 5, 6, 30]])
    random = torch.Generator().manual_seed(0)
    drawn = [noise.added_to(torch.zeros(3, 28, 38), random) for _ in range(600)]
    patches = torch.stack([patches_at(e, rows, columns, settings.patch) for e in drawn])
    grams = torch.einsum("dcgkn,dcgln->cgkl", patches, patches) / len(drawn)
    expected = grams if settings is SECOND else grams.sum(0, keepdim=True)
    shared = shared_noise(noise, rows, columns, settings, None)
    assert shared.shape == expected.shape
    assert torch.allclose(shared, expected, atol=0.06 * float(expected.max()))
    assert float(shared[..., 0, 3].abs().max()) < 1e-6  # far apart they share nothing
    assert float((shared[..., 0, 1] / shared[..., 0, 0]).min()) > 0.5


@pytest.mark.parametrize("settings", [FIRST, SECOND])
def test_groups_with_more_noise_share_more(settings):
    rows, columns = torch.tensor([[0, 1], [0, 1]]), torch.tensor([[0, 2], [0, 2]])
    variance = torch.tensor([[1.0, 1.0, 1.0], [3.0, 3.0, 3.0]])
    shared = shared_noise(blurred_noise(), rows, columns, settings, variance)
    assert torch.allclose(3 * shared[:, 0], shared[:, 1])


def test_independent_noise_has_no_such_matrix():
    at = torch.zeros(1, 2, dtype=torch.long)
    with pytest.raises(ValueError, match="independent"):
        shared_noise(Noise(SIGMA), at, at, FIRST, None)


@pytest.mark.parametrize("with_pilot", [False, True])
def test_combined_patches_are_the_formula(with_pilot):
    random = torch.Generator().manual_seed(1)

    def normal(*shape):
        return torch.randn(*shape, generator=random, dtype=torch.float64)

    pilot = normal(3, 12, 4) @ normal(3, 4, 60)
    half = normal(3, 12, 12)
    shared = 0.5 * half @ half.mT + torch.eye(12).double()
    noisy = pilot + torch.linalg.cholesky(shared / 60) @ normal(3, 12, 60)
    gram = pilot @ pilot.mT + shared if with_pilot else noisy @ noisy.mT
    theta = torch.eye(12) - shared @ torch.linalg.inv(gram)
    patches, kept = combine_sharing(noisy, pilot if with_pilot else None, shared)
    assert torch.allclose(patches, theta @ noisy, rtol=1e-3, atol=1e-4)
    strength = shared.diagonal(dim1=1, dim2=2).mean(1, keepdim=True)
    left = (theta @ shared @ theta.mT).diagonal(dim1=1, dim2=2) / strength
    assert torch.allclose(kept, left, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("settings", [(FIRST,), (FIRST, SECOND)])
def test_who_knows_what_is_shared_removes_more(settings):
    x = bundled("coffee")[:, 100:164, 150:214]
    noise = blurred_noise()
    y = noise.added_to(x, torch.Generator().manual_seed(2))

    def error(known):
        return float((nonlocal_filter(y, known, settings) - x).square().mean())

    assert error(noise) < 0.9 * min(error(Noise(k * SIGMA)) for k in (1.0, 1.5, 2.0))
