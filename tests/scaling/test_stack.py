"""All planes of a channel have one law of the noise; planes that nobody named only if they agree."""

import numpy as np
import pytest

from chnorm_cli.images import Picture, Place
from chnorm_cli.restoration import law_of_planes, law_on_plane, spread
from chnorm_cli.scaling.parts import parts_of
from chnorm_cli.scaling.requests import Denoise, Inpaint, NoiseAsked, Request
from chnorm_cli.scaling.stack import Stack

LEVELS = (0.03, 0.08)  # of two channels


def noisy(sigma, seed, size=96):
    y, x = np.mgrid[:size, :size] / size
    clean = 0.5 + 0.2 * np.sin(5 * x + 3 * y)
    values = clean + sigma * np.random.default_rng(seed).standard_normal((size, size))
    return values[..., None].astype(np.float32)


def stack(axes="ZCYX", levels=LEVELS, planes=3):
    """Planes of channels, the channel last among the axes before the page's own."""
    return [
        Picture(noisy(level, 10 * z + c), place=Place(axes, (planes, len(levels)), (z, c)), held=6)
        for z in range(planes)
        for c, level in enumerate(levels)
    ]


def laws(pictures, task=None):
    shared = Stack(pictures, Request(task or Denoise(), b"", None, "a.tif"))
    return [shared.law(n, part) for n, p in enumerate(pictures) for part in parts_of(p)]


def test_planes_of_a_channel_share_a_law_and_channels_do_not():
    found = laws(stack())
    sigmas = [law.sigma for law in found]
    assert sigmas[::2] == [sigmas[0]] * 3
    assert sigmas[1::2] == [sigmas[1]] * 3
    assert sigmas[:2] == pytest.approx(LEVELS, rel=0.06)


def test_every_plane_counts():
    """A law from all planes is not that of the first, which says next to nothing."""
    pictures = stack(levels=(0.05,))
    dark = np.full_like(pictures[0].pixels, 0.5)
    pictures[0] = Picture(dark, place=pictures[0].place)
    found = laws(pictures)
    assert found[0].sigma == pytest.approx(0.05, rel=0.1)
    assert bool(found[0].flat.all())


def test_planes_without_names_share_a_law_if_they_agree():
    alike = laws(stack("QQYX", levels=(0.05, 0.05)))
    assert len({law.sigma for law in alike}) == 1
    assert laws(stack("QQYX")) == [None] * 6


@pytest.mark.parametrize(
    "asked", [NoiseAsked(sigma=9), NoiseAsked(gain=2.0), NoiseAsked(strength=0)]
)
def test_nothing_is_looked_for_where_the_level_is_said(asked):
    assert laws(stack(), Denoise(asked)) == [None] * 6


def test_single_pictures_have_the_law_that_they_have():
    assert laws([Picture(noisy(0.05, 0))]) == [None]
    assert laws(stack(planes=1)) == [None, None]


def test_channels_of_pages_have_a_law_each():
    pages = [
        Picture(
            np.concatenate([noisy(level, 2 * z + k) for k, level in enumerate(LEVELS)], axis=2),
            place=Place("ZYXS", (2,), (z,)),
            extra=1,
        )
        for z in range(2)
    ]
    sigmas = [law.sigma for law in laws(pages)]
    assert sigmas == pytest.approx([*LEVELS, *LEVELS], rel=0.08)
    assert sigmas[:2] == sigmas[2:]


def test_holes_say_nothing_of_the_noise():
    pictures = stack(levels=(0.05,), planes=2)
    missing = np.zeros((96, 96), bool)
    missing[20:60, 30:70] = True
    spoilt = []
    for picture in pictures:
        pixels = picture.pixels.copy()
        pixels[missing] = 0.0
        spoilt.append(Picture(pixels, place=picture.place, missing=missing))
    found = laws(spoilt, Inpaint("nan"))
    assert [law.sigma for law in found] == pytest.approx([0.05, 0.05], rel=0.1)
    assert found[0].sigma == found[1].sigma


def test_few_planes_of_a_large_stack_are_looked_at():
    assert spread(3, 100) == [0, 1, 2]
    assert spread(100, 100) == [0, 14, 28, 42, 57, 71, 85, 99]
    assert spread(100, 1 << 26) == [0, 99]


def test_a_law_is_none_where_one_plane_is_another_kind():
    planes = [noisy(0.02, 0), noisy(0.09, 1)]
    assert law_of_planes(planes, doubtful=True) is None
    law = law_of_planes(planes)
    assert law_on_plane(law, planes[0]).sigma == law.sigma
