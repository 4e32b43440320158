"""A picture that was a JPEG once is known by its pixels; one that was none is not."""

import numpy as np
import pytest
import torch
from jpeg_files import compressed, opened
from pictures import bundled

from chnorm_cli.problems.recognising import recognise


def part(channels=3):
    return bundled("astronaut")[:channels, 20:212, 120:312]


def same_numbers(found, true):
    """The share of numbers that are told and true, of each plane."""
    pairs = zip(found.numbers, found.told, true.numbers, strict=True)
    return [float((a == b)[told].float().mean()) for a, told, b in pairs if bool(told.any())]


@pytest.mark.parametrize(("quality", "subsampling"), [(25, 2), (60, 0), (75, 2), (90, 2)])
def test_the_pixels_of_a_jpeg_say_what_its_file_said(quality, subsampling):
    y, true = opened(compressed(part(), quality, subsampling=subsampling))
    found = recognise(y)
    assert found.compression.sentence() == true.compression.sentence()
    assert found.compression.corner == (0, 0)
    assert min(same_numbers(found, true)) > 0.99
    # Coarse chroma may hold too few coefficients to say what it is; then nothing is told of it.
    shares = [float(told.float().mean()) for told in found.told]
    assert min(shares[:1] if quality < 50 else shares) > 0.6


@pytest.mark.parametrize("corner", [(4, 10), (3, 5)])
def test_the_grid_is_found_in_a_crop(corner):
    down, right = corner
    y, _ = opened(compressed(part(), 60))
    found = recognise(y[:, down:, right:].contiguous())
    assert found.compression.quality == 60
    assert [n % 8 for n in found.compression.corner] == [down, right % 8]
    assert not bool(found.told[0][0].any())  # blocks that the crop has cut
    assert float(found.told[0].float().mean()) > 0.7
    # Chroma can be read where its samples were not cut apart.
    assert bool(found.told[1].any()) == (down % 2 == 0)


def test_gray():
    y, true = opened(compressed(part(1), 40))
    found = recognise(y)
    assert found.compression.sentence() == "a JPEG of about quality 40"
    assert same_numbers(found, true)[0] > 0.99


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea"])
def test_pictures_that_were_none_are_not_recognised(name):
    assert recognise(bundled(name)) is None


def test_neither_noise_nor_a_picture_that_changed_since_is_one():
    y, _ = opened(compressed(part(), 40))
    random = torch.Generator().manual_seed(0)
    assert recognise(torch.rand(3, 128, 128, generator=random)) is None
    assert recognise(y + 0.01 * torch.randn(y.shape, generator=random)) is None
    assert recognise(torch.from_numpy(np.full((3, 64, 64), 0.5, np.float32))) is None
    assert recognise(y[:, :40, :40].contiguous()) is None  # too small to say


def test_a_quality_that_is_told_is_believed():
    y, _ = opened(compressed(part(), 40))
    random = torch.Generator().manual_seed(0)
    found = recognise(y + 0.01 * torch.randn(y.shape, generator=random), 40)
    assert found.compression.sentence() == "a JPEG of about quality 40, 4:2:0"
    assert bool(found.told[0].all())
