"""The smooth filling: what it solves, and that without tension it agrees with scikit-image's."""

import pytest
import torch
from skimage.restoration import inpaint_biharmonic

from chnorm_cli.classical.smooth_filling import TENSION, _fill, _laplacian, smooth_filling


def smooth(height=40, width=50, channels=3, dtype=torch.float32):
    rows = torch.arange(height, dtype=dtype)[:, None]
    columns = torch.arange(width, dtype=dtype)
    waves = [
        0.5 + 0.4 * torch.sin(rows / (4 + c)) * torch.cos(columns / 6) for c in range(channels)
    ]
    return torch.stack(waves)


def random_mask(share, size=(40, 50), seed=0):
    return torch.rand(size, generator=torch.Generator().manual_seed(seed)) >= share


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8, 0.95])
def test_as_near_to_the_truth_as_scikit_image(share):
    x, known = smooth(), random_mask(share)
    ours = smooth_filling(x * known, known, tension=0.0)
    theirs = inpaint_biharmonic((x * known).movedim(0, -1).numpy(), ~known.numpy(), channel_axis=-1)
    missing = ~known
    error = (ours - x)[:, missing].square().mean()
    assert error < 1.2 * (torch.from_numpy(theirs).movedim(-1, 0) - x)[:, missing].square().mean()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_observed_pixels_stay_and_missing_ones_solve_the_equation(share):
    x, known = smooth(dtype=torch.float64), random_mask(share)
    filled = smooth_filling(x * known, known)
    assert torch.equal(filled[:, known], x[:, known])

    def force(picture):
        bending = _laplacian(picture)
        return (_laplacian(bending) - TENSION * bending)[:, ~known]

    assert force(filled).norm() < 1e-3 * force(x * known).norm()


def test_holes_that_are_far_apart_are_filled_by_themselves_as_they_are_together():
    x = smooth(200, 300, dtype=torch.float64)
    known = torch.ones(200, 300, dtype=torch.bool)
    known[:9, 40:60] = False  # at the border
    known[90:120, 100:103] = known[93:96, 80:120] = False  # a cross
    known[150:152, 250:254] = known[154:156, 252:256] = False  # two that touch the same equations
    apart, together = smooth_filling(x * known, known), _fill(x * known, known, TENSION)
    assert not torch.equal(apart, together)
    torch.testing.assert_close(apart, together, atol=5e-3, rtol=0.0)
    assert torch.equal(apart[:, known], x[:, known])
    assert (apart - x).square().mean() < 1e-5


def test_the_middle_of_a_very_wide_hole_is_as_high_as_the_ramp_around_it():
    """Local methods need as many iterations as the hole is wide; the smaller copies do not."""
    size = 700
    x = torch.linspace(0.0, 1.0, size)[None, :, None].expand(1, size, size).contiguous()
    known = torch.ones(size, size, dtype=torch.bool)
    known[30:670, 30:670] = False
    torch.testing.assert_close(smooth_filling(x * known, known), x, atol=0.01, rtol=0.0)


def test_a_wide_hole_and_a_flat_picture():
    known = torch.ones(64, 64, dtype=torch.bool)
    known[10:54, 12:50] = False
    flat = torch.full((1, 64, 64), 0.3)
    assert torch.allclose(smooth_filling(flat * known, known), flat, atol=1e-4)


def test_tension_keeps_the_filling_of_a_wide_hole_between_what_is_around_it():
    known = torch.ones(96, 96, dtype=torch.bool)
    known[20:76, 20:76] = False
    ramp = torch.zeros(1, 96, 96)
    # Steep slopes end at the hole: a plate goes on with them far beyond 1.
    ramp[0, :20] = torch.linspace(0.0, 1.0, 20)[:, None]
    ramp[0, 20:] = 1.0
    plate = smooth_filling(ramp * known, known, tension=0.0)
    tight = smooth_filling(ramp * known, known)
    assert plate.max() - 1.0 > 2.0 * (tight.max() - 1.0) > 0.0


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 2)])
def test_tiny_pictures(size):
    x = torch.full((2, *size), 0.7)
    known = torch.zeros(size, dtype=torch.bool)
    known[0, 0] = True
    assert torch.allclose(smooth_filling(x * known, known), x, atol=1e-4)
