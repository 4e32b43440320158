"""Second differences keep noise and leave out what is smooth."""

import pytest
import torch

from chnorm_cli.noise.differences import second_difference


def test_planes_and_ridges_vanish():
    rows, columns = torch.meshgrid(torch.arange(9.0), torch.arange(12.0), indexing="ij")
    y = torch.stack([2 * rows - columns, rows**2, (columns > 5).float()])
    assert second_difference(y).shape == (3, 7, 10)
    assert second_difference(y).abs().max() < 1e-5


def test_white_noise_keeps_its_strength():
    y = torch.randn(2, 400, 400, generator=torch.Generator().manual_seed(0))
    assert second_difference(y).std((1, 2)).tolist() == pytest.approx([1.0, 1.0], rel=0.02)
