"""What a JPEG encoder does: the same as Pillow, and said in the words of encoders."""

import pytest
import torch
from jpeg_files import compressed, opened, photograph

from chnorm_cli.problems.compression import dct, undone_dct

SUBSAMPLINGS = {"4:4:4": 0, "4:2:2": 1, "4:2:0": 2}
every_subsampling = pytest.mark.parametrize("words", SUBSAMPLINGS)


@every_subsampling
def test_forward_compresses_as_pillow_does(words):
    x = photograph(64, 96)
    y, jpeg = opened(compressed(x, 50, subsampling=SUBSAMPLINGS[words]))
    # A coefficient in the middle between two steps may fall to either side.
    assert float((jpeg.forward(x) - y).square().mean().sqrt()) < 2 / 255
    numbers = [c.round() for c in jpeg.compression.coefficients(x)]
    different = [(a != b).float().mean() for a, b in zip(numbers, jpeg.numbers, strict=True)]
    assert max(different) < 0.005


@pytest.mark.parametrize("quality", [5, 30, 62, 75, 90, 97])
def test_the_quality_is_read_off_the_steps(quality):
    _, jpeg = opened(compressed(photograph(16, 16), quality))
    assert jpeg.compression.quality == quality
    assert jpeg.compression.sentence() == f"a JPEG of about quality {quality}, 4:2:0"


def test_the_transform_keeps_energy_and_is_undone():
    z = torch.rand(24, 40, dtype=torch.float64)
    c = dct(z)
    assert c.shape == (3, 5, 8, 8)
    assert float(c.square().sum()) == pytest.approx(float(z.square().sum()))
    assert bool(torch.isclose(undone_dct(c), z).all())
    assert float(c[0, 0, 0, 0]) == pytest.approx(8 * float(z[:8, :8].mean()))


@pytest.mark.parametrize("corner", [(4, 4), (3, 10)])
def test_a_moved_grid_errs_elsewhere(corner):
    x = photograph(64, 80)
    y, jpeg = opened(compressed(x, 20))
    moved = jpeg.compression.moved(*corner)
    assert moved.moved(-corner[0], -corner[1]) == jpeg.compression
    # Where the blocks lie as they did, compressing again changes nothing.
    assert float((jpeg.forward(y) - y).square().mean().sqrt()) < 1.5 / 255
    assert float((moved.forward(y) - y).square().mean().sqrt()) > 3 / 255
