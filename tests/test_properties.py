"""What holds of every restoration, whatever the picture: cleaning twice is cleaning once."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pictures import bundled
from test_restoration import solved

from chnorm_cli import denoise
from chnorm_cli.fitting.settings import Effort, FitSettings
from chnorm_cli.restoration import laws_of_planes, prepare_denoise

FAST = FitSettings(effort=Effort.FAST, steps=4, device="cpu")


def truth(side=96):
    return (
        bundled("coffee")[:, 40 : 40 + side, 120 : 120 + side].movedim(0, -1).contiguous().numpy()
    )


def noise(sigma, like, seed=0):
    random = torch.Generator().manual_seed(seed)
    return sigma / 255 * torch.randn(like.shape, generator=random).numpy()


def rms(x):
    return 255 * float(np.sqrt(np.square(x).mean()))


@pytest.mark.parametrize("kind", ["white", "banded", "spoilt"])
def test_cleaning_what_was_cleaned_changes_next_to_nothing(kind):
    x = truth()
    y = x + noise(15, x)
    if kind == "banded":
        y = y + noise(12, x[:, :1, :1], 1)
    if kind == "spoilt":
        y[noise(1, x[..., :1], 2)[..., 0] > 2 / 255] = 1.0
    once, _ = solved(prepare_denoise(np.float32(y), settings=replace(FAST, time=2.0)))
    twice, _ = solved(prepare_denoise(once.pixels, settings=replace(FAST, time=2.0)))
    assert rms(once.pixels - y) > 10
    assert rms(twice.pixels - once.pixels) < 1.5
    assert twice.bad_pixels is None
    assert twice.banding is None


def test_good_pixels_of_a_clean_picture_are_the_same_bytes_in_every_type():
    x = truth(40)
    bad = np.random.default_rng(0).random(x.shape[:2]) < 0.02
    for scale, kind in ((255, np.uint8), (65535, np.uint16), (1, np.float32)):
        y = (scale * x).round() if scale > 1 else x.copy()
        y[bad] = 0
        y = y.astype(kind)
        answer, solution = denoise(y, settings=replace(FAST, time=1.0), report=True)
        assert (answer != y).any(-1).sum() > 0.8 * bad.sum()
        assert np.array_equal(answer[~solution.bad_mask], y[~solution.bad_mask])


def test_all_planes_have_one_law_however_bright_they_are():
    planes = [
        np.float32(share * truth() + noise(8, truth(), seed))
        for seed, share in enumerate((1.0, 0.5, 0.2))
    ]
    laws = laws_of_planes(planes)
    assert len({law.noise.sigma for law in laws}) == 1
    assert 255 * laws[0].sigma == pytest.approx(8, rel=0.1)
