"""Neighbours of single values."""

import torch

from chnorm_cli.noise.surroundings import beyond_neighbours, surroundings, usual


def test_the_24_values_around_one_are_given_and_borders_mirror():
    y = torch.arange(49.0).reshape(7, 7)
    inside, corner = surroundings(y, torch.tensor([[3, 3], [0, 0]]))
    expected = y[1:6, 1:6].flatten().tolist()
    expected.remove(24.0)
    assert inside.tolist() == expected
    assert sorted(corner.unique().tolist()) == [1, 2, 7, 8, 9, 14, 15, 16]


def test_median_and_spread_leave_out_what_is_not_a_number():
    around = torch.tensor([[1.0, 2.0, 3.0, torch.nan, torch.nan, 100.0, 2.0]])
    middle, spread = usual(around)
    assert float(middle) == 2.0
    assert abs(float(spread) - 1.4826) < 1e-4


def test_only_what_is_above_or_below_all_eight_stands_out():
    y = torch.zeros(1, 5, 5)
    y[0, 1, 1], y[0, 3, 3], y[0, 3, 4] = 2.0, -1.0, -3.0
    beyond = beyond_neighbours(y)
    assert float(beyond[0, 1, 1]) == 2.0
    assert float(beyond[0, 3, 4]) == 2.0
    assert float(beyond[0, 3, 3]) < 0
