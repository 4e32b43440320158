"""Filling single pixels from those around them."""

import pytest
import torch
from pictures import bundled, psnr

from chnorm_cli.classical.first_guess import first_guess
from chnorm_cli.classical.local_prediction import local_filling, predicted
from chnorm_cli.problems.operators import Mask


def scattered(share, shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < share


def photograph(height=96, width=90):
    return bundled("astronaut")[:, 60 : 60 + height, 150 : 150 + width].contiguous()


@pytest.mark.parametrize(("share", "gain"), [(0.01, 0.7), (0.05, 1.0), (0.2, 0.7), (0.5, 0.3)])
def test_it_is_better_than_the_smooth_filling_and_keeps_what_is_known(share, gain):
    x = photograph()
    holes = scattered(share, x.shape[1:])
    filled = local_filling(x * ~holes, ~holes)
    smooth = first_guess(Mask((~holes).float()), x * ~holes)
    assert torch.equal(filled[:, ~holes], x[:, ~holes])
    assert psnr(filled[:, holes], x[:, holes]) > psnr(smooth[:, holes], x[:, holes]) + gain


def test_what_goes_on_goes_on():
    # Stripes that fall off to one side: the smooth filling cannot know the next one.
    rows, columns = torch.meshgrid(torch.arange(48.0), torch.arange(48.0), indexing="ij")
    x = (0.5 + 0.3 * torch.sin(1.9 * rows + 1.1 * columns) + 0.003 * columns)[None]
    holes = scattered(0.05, x.shape[1:])
    filled = local_filling(x * ~holes, ~holes)
    assert float((filled - x).abs()[:, holes].max()) < 0.05


def test_brightness_and_contrast_do_not_matter():
    x = photograph(40, 40)
    holes = scattered(0.1, x.shape[1:])
    known = ~holes
    plain = local_filling(x * known, known)
    changed = local_filling((0.1 * x + 0.6) * known, known)
    # The smooth filling that both begin with ends at a tolerance; nothing else differs.
    assert torch.allclose(changed, torch.where(known, 0.1 * x + 0.6, 0.1 * plain + 0.6), atol=2e-3)


def test_one_colour_around_is_that_colour():
    x = torch.full((3, 20, 24), 0.3)
    x[:, :, 20:] = 0.9
    holes = torch.zeros(20, 24, dtype=torch.bool)
    holes[5, 5] = holes[0, 0] = holes[12:14, 3:5] = True
    filled = local_filling(x * ~holes, ~holes)
    assert torch.allclose(filled, x, atol=1e-3)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (17, 70), (5, 9)])
def test_sides_need_not_be_whole_blocks(height, width):
    x = photograph(height, width)
    holes = scattered(0.1, (height, width))
    holes[-1, -1] = True
    filled = local_filling(x * ~holes, ~holes)
    assert torch.isfinite(filled).all()
    assert float((filled - x)[:, holes].square().mean()) < 0.5 * float(x[:, holes].square().mean())


def test_the_covariance_tells_how_wrong_it_is():
    x = photograph()
    x = x + 12 / 255 * torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    wanted = scattered(0.1, x.shape[1:], seed=2)
    everywhere = torch.ones_like(wanted)
    prediction = predicted(x, everywhere & ~wanted, wanted)
    rows, columns = wanted.nonzero().T
    squares = (prediction.values - x)[:, rows, columns].mT.square()
    said = prediction.covariance_at(rows, columns).diagonal(dim1=-2, dim2=-1)
    assert torch.equal(prediction.values[:, ~wanted], x[:, ~wanted])
    assert 1.0 < float(squares.mean() / said.mean()) < 1.6
