"""The closed forms that denoise a group of similar patches, against their formulas and their aims."""

import pytest
import torch

from chnorm_cli.classical.patch_groups import combine_by_pilot, combine_by_risk, combine_values

SIGMA = 25 / 255


def groups(k, n=49, seed=0):
    """Patches of rank 3, and the same with noise: (2, k, n) each, float64."""
    random = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=random, dtype=torch.float64)

    pilot = 0.5 + 0.1 * normal(2, k, 3) @ normal(2, 3, n)
    return pilot, pilot + SIGMA * normal(2, k, n)


@pytest.mark.parametrize("k", [20, 73, 74, 150])
def test_both_forms_of_the_pilot_combination_are_the_formula(k):
    random = torch.Generator().manual_seed(k)
    pilot = torch.rand(2, 1, k, 49, generator=random, dtype=torch.float64)
    group = pilot + SIGMA * torch.randn(pilot.shape, generator=random, dtype=torch.float64)
    gram = pilot @ pilot.mT
    noise = 49 * SIGMA**2 * torch.eye(k, dtype=torch.float64)
    theta = gram @ torch.linalg.inv(gram + noise)
    estimate, kept = combine_by_pilot(group, pilot, SIGMA**2)
    assert torch.allclose(estimate, theta @ group, atol=1e-9)
    assert torch.allclose(kept, theta.square().sum(-1), atol=1e-9)


@pytest.mark.parametrize("k", [30, 80])
def test_combined_values_are_the_formula(k):
    pilot, noisy = groups(k, n=12)
    covariance = torch.stack([torch.cov(p.mT, correction=0) for p in pilot])
    noise = SIGMA**2 * (torch.eye(12, dtype=torch.float64) + 0.3)
    weights = torch.linalg.inv(covariance + noise) @ covariance
    mean = pilot.mean(1, keepdim=True)
    estimate, kept = combine_values(noisy, pilot, noise)
    assert torch.allclose(estimate, mean + (noisy - mean) @ weights, atol=1e-9)
    assert kept.shape == noisy.shape[:2]
    assert torch.allclose(kept[:, 0], weights.square().sum((1, 2)) / 12 + 1 / k)


def test_values_that_are_judged_alone_are_the_formula_of_each():
    pilot, noisy = groups(k=40, n=9)
    both, kept = combine_by_pilot(noisy, pilot, SIGMA**2, 4)
    # As many noises go into n σ² as there are values of a patch, however they are parted.
    lead, lead_kept = combine_by_pilot(noisy[..., :4], pilot[..., :4], 9 / 4 * SIGMA**2)
    alone = [
        combine_by_pilot(noisy[..., i : i + 1], pilot[..., i : i + 1], 9 * SIGMA**2)
        for i in range(4, 9)
    ]
    assert torch.allclose(both, torch.cat([lead, *(a.patches for a in alone)], -1), atol=1e-9)
    assert torch.allclose(kept, lead_kept + sum(a.kept for a in alone), atol=1e-9)


def test_the_values_of_a_patch_that_are_judged_alone_are_the_formula_of_each():
    pilot, noisy = groups(k=40, n=9)
    noise = SIGMA**2 * torch.eye(9, dtype=torch.float64)
    both, kept = combine_values(noisy, pilot, noise, 4)
    parts = [slice(0, 4), *(slice(i, i + 1) for i in range(4, 9))]
    apart = [combine_values(noisy[..., p], pilot[..., p], noise[p, p]) for p in parts]
    assert torch.allclose(both, torch.cat([a.patches for a in apart], -1), atol=1e-9)
    shares = sum((a.kept - 1 / 40) * (p.stop - p.start) for a, p in zip(apart, parts, strict=True))
    assert torch.allclose(kept, shares / 9 + 1 / 40, atol=1e-9)


@pytest.mark.parametrize(
    "denoise",
    [
        lambda noisy, pilot: combine_by_risk(noisy, SIGMA**2),
        lambda noisy, pilot: combine_by_pilot(noisy, pilot, SIGMA**2),
        lambda noisy, pilot: combine_values(noisy, pilot, SIGMA**2 * torch.eye(147).double()),
    ],
)
def test_patches_that_are_alike_lose_more_than_half_of_their_noise(denoise):
    pilot, noisy = groups(k=30, n=147)
    estimate, kept = denoise(noisy, pilot)
    assert (estimate - pilot).square().mean() < 0.5 * (noisy - pilot).square().mean()
    assert (kept > 0).all()
    assert (kept < 1).all()  # an identity would keep all


def test_what_is_kept_is_the_share_of_the_noise():
    pilot, _ = groups(k=60)
    noise = torch.randn(200, *pilot.shape, generator=torch.Generator().manual_seed(1)).double()
    patches, kept = combine_by_pilot(pilot + SIGMA * noise, pilot.expand(200, -1, -1, -1), SIGMA**2)
    assert torch.allclose(patches.var(0).mean(-1) / SIGMA**2, kept[0], rtol=0.15)
