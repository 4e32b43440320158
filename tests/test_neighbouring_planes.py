"""Planes that resemble their neighbours help each other; all others are restored as if alone."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, shift

from chnorm_cli import denoise
from chnorm_cli.restoration import is_near, law_as_said, law_of_planes, with_neighbours

SIGMA = 0.08
PLACES = [(0,), (1,), (2,)]


def scene(seed, size=64):
    """Disks and bars with sharp edges."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    picture = np.full((size, size), 0.5)
    for _ in range(25):
        down, right, radius, value = rng.uniform((0, 0, 3, 0.1), (size, size, 10, 0.9))
        picture[(y - down) ** 2 + (x - right) ** 2 < radius**2] = value
    return picture


def noisy(planes, sigma=SIGMA, seed=0):
    values = np.stack(planes) + sigma * np.random.default_rng(seed).standard_normal(
        (len(planes), *planes[0].shape)
    )
    return list(values[..., None].astype(np.float32))


def joined(planes, places=PLACES, number=1, law=None):
    return with_neighbours(planes, places, number, law or law_of_planes(planes))


STACKS = {
    "copies": [scene(0)] * 3,
    "copies that hardly show in the noise": [0.5 + 0.04 * gaussian_filter(scene(0), 6)] * 3,
    "nothing but noise": [np.full((64, 64), 0.5)] * 3,
    "a shift by a pixel": [shift(scene(0), (0, i), order=1, mode="nearest") for i in (-1, 0, 1)],
}
OTHERS = {
    "unrelated": [scene(0), scene(1), scene(2)],
    "out of focus": [gaussian_filter(scene(0), 1.5), scene(0), gaussian_filter(scene(0), 1.5)],
    "bleached": [0.3 + 0.3 * scene(0), scene(0), 0.3 + 0.3 * scene(0)],
    "half of them": [scene(0), scene(0), scene(1)],
    "brighter and brighter": [np.full((64, 64), value) for value in (0.4, 0.5, 0.6)],
}


@pytest.mark.parametrize("name", STACKS)
def test_planes_that_resemble_each_other_are_joined(name):
    planes = noisy(STACKS[name])
    joint = joined(planes)
    assert np.array_equal(joint.pixels, np.concatenate(planes, axis=2))
    assert len(joint.law.level.read) == 3
    assert joint.law.sigma == pytest.approx(SIGMA, rel=0.1)
    first = joined(planes, number=0)
    assert np.array_equal(first.pixels[..., 1], planes[0][..., 0])


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("sigma", [0.03, 0.08])
def test_planes_that_differ_are_left_apart(name, sigma):
    planes = noisy(OTHERS[name], sigma)
    assert joined(planes, law=law_as_said(planes[1], sigma=255 * sigma, level=None)) is None


def test_the_law_of_counts_holds_for_three_planes():
    rng = np.random.default_rng(0)
    counts = [rng.poisson(60 * scene(0))[..., None].astype(np.float32) / 60 for _ in range(3)]
    law = law_of_planes(counts, "poisson")
    joint = joined(counts, law=law)
    z = joint.law.whitened(torch.from_numpy(joint.pixels).movedim(-1, 0))
    one = law.whitened(torch.from_numpy(counts[2]).movedim(-1, 0))
    assert torch.allclose(z[2], one[0], atol=1e-5)
    assert joint.law.noise.sigma == pytest.approx(law.noise.sigma)


def test_few_small_and_spoilt_planes_are_left_apart():
    planes = noisy(STACKS["copies"])
    law = law_of_planes(planes)
    assert joined(planes[:2], PLACES[:2], law=law) is None
    assert joined([p[:20, :20] for p in planes], law=law) is None
    assert joined(planes, [(0,), (5,), (9,)], law=law) is None
    planes[0][30:50:4, 30:50:5] = 4.0
    assert joined(planes, law=law) is None


def test_near_is_along_one_axis():
    assert is_near((1, 2), (1, 3))
    assert is_near((1, 2), (3, 2))
    assert not is_near((1, 2), (1, 2))
    assert not is_near((1, 2), (2, 3))
    assert not is_near((0,), (3,))


def test_a_stack_of_noisy_copies_gains_and_an_unrelated_one_is_as_if_alone():
    said = {"sigma": SIGMA, "effort": "fast", "steps": 2, "device": "cpu"}
    copies = np.stack(noisy([scene(0, 48)] * 3))[..., 0]
    together, solutions = denoise(copies, channel_axis=None, report=True, **said)
    assert [s.plan["planes_together"] for s in solutions] == [3] * 3
    assert "the plane resembles two beside it" in solutions[0].notes[-1]
    alone = denoise(copies[1], **said)
    errors = [np.square(x - scene(0, 48)).mean() for x in (alone, together[1])]
    assert 10 * np.log10(errors[0] / errors[1]) > 1.0
    others = np.stack([copies[1], *np.stack(noisy([scene(5, 48), scene(6, 48)]))[..., 0]])
    restored, solutions = denoise(others, channel_axis=None, report=True, **said)
    assert not any("planes_together" in s.plan for s in solutions)
    assert np.abs(restored[0] - alone).max() < 0.01  # the range is that of all planes
