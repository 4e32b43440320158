"""How far noise reaches is found from blocks that have lost their slopes."""

import pytest
import torch
import torch.nn.functional as F

from chnorm_cli.noise.reach import BLOCK, REACH, SEEN, reaching_covariance, seen_covariance, slopes


def line(width):
    """A row of a Gaussian blur, of unit energy."""
    values = torch.exp(-(torch.arange(-BLOCK, BLOCK + 1.0) ** 2) / (2 * width**2))
    return values / values.norm()


def blurred(width, seed):
    """Noise (512, 512) of variance 1."""
    kernel = torch.outer(line(width), line(width))
    side = 511 + len(kernel)
    white = torch.randn(1, 1, side, side, generator=torch.Generator().manual_seed(seed))
    return F.conv2d(white, kernel[None, None])[0, 0]


def blocks_of(noise):
    blocks = F.unfold(noise[None, None], BLOCK, stride=BLOCK)[0].mT
    basis = slopes()
    return (blocks - (blocks @ basis) @ basis.mT).view(1, -1, BLOCK, BLOCK)


@pytest.mark.parametrize("width", [0.5, 0.7, 1.0, 1.5, 2.2])
def test_variance_and_reach_are_found_although_slopes_are_gone(width):
    seen = seen_covariance(blocks_of(blurred(width, seed=1)))
    covariance = reaching_covariance(seen)
    assert covariance.shape == (2 * REACH + 1, 2 * REACH + 1)
    variance = float(covariance[REACH, REACH])
    assert variance**0.5 == pytest.approx(1.0, abs=0.1)
    for lag in (1, 3, 6):
        expected = float((line(width)[lag:] * line(width)[:-lag]).sum())
        assert float(covariance[REACH, REACH + lag]) / variance == pytest.approx(expected, abs=0.08)


def test_slow_noise_loses_what_the_slopes_take():
    seen = seen_covariance(blocks_of(blurred(2.2, seed=2)))
    assert seen[SEEN, SEEN].sqrt() < 0.9


def test_white_noise_reaches_nowhere():
    noise = torch.randn(512, 512, generator=torch.Generator().manual_seed(3))
    covariance = reaching_covariance(seen_covariance(blocks_of(noise)))
    assert float(covariance[REACH, REACH]) == pytest.approx(1.0, abs=0.04)
    assert abs(float(covariance[REACH, REACH + 1])) < 0.03


def test_it_scales_with_the_noise():
    seen = seen_covariance(blocks_of(blurred(1.0, seed=4)))
    assert torch.allclose(reaching_covariance(4 * seen), 4 * reaching_covariance(seen), rtol=1e-4)
