"""Which patches are like which."""

import pytest
import torch

from chnorm_cli.classical.matching import grid, least


@pytest.mark.parametrize(("n", "k"), [(400, 7), (403, 20), (403, 50), (403, 60), (9, 9)])
def test_the_least_are_those_of_a_sort(n, k):
    values = torch.rand(3, 5, n, generator=torch.Generator().manual_seed(n))
    places = least(values, k)
    assert places.shape == (3, 5, k)
    expected = values.sort(-1).values[..., :k]
    assert torch.equal(values.gather(-1, places).sort(-1).values, expected)


def test_the_least_among_equals_are_different_ones():
    places = least(torch.zeros(2, 100), 5)
    assert all(len(set(row.tolist())) == 5 for row in places)


@pytest.mark.parametrize(("length", "patch", "stride"), [(50, 7, 5), (7, 7, 5), (8, 7, 7)])
def test_every_pixel_is_in_a_patch_of_the_grid(length, patch, stride):
    covered = torch.zeros(length)
    for at in grid(length, patch, stride).tolist():
        covered[at : at + patch] += 1
    assert covered.min() > 0
