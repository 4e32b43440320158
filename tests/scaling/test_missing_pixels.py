"""What is not finite in a file is filled before a restoration that is not about holes."""

import numpy as np
import pytest

from chnorm_cli.fitting.settings import Effort, FitSettings
from chnorm_cli.images import MaskError, Picture
from chnorm_cli.restoration import fill_missing
from chnorm_cli.scaling.course import prepare_restoration
from chnorm_cli.scaling.requests import Denoise, Inpaint, Request, Superres

QUICK = FitSettings(effort=Effort.FAST, steps=2, device="cpu")


def spoilt():
    """A ramp with a hole whose nearest-neighbour filling is far from smooth."""
    ramp = np.linspace(0, 1, 24, dtype=np.float32)[None, :, None].repeat(20, 0)
    missing = np.zeros((20, 24), bool)
    missing[6:14, 8:16] = True
    return ramp, Picture(np.where(missing[..., None], np.float32(1), ramp), missing=missing)


def test_the_filling_is_smooth_and_leaves_the_rest_alone():
    ramp, picture = spoilt()
    filled = fill_missing(picture.pixels, picture.missing)
    assert np.abs(filled - ramp).max() < 0.1
    assert np.array_equal(filled[~picture.missing], ramp[~picture.missing])
    assert (filled.dtype, filled.shape) == (np.float32, ramp.shape)


@pytest.mark.parametrize("task", [Denoise(), Superres(2), Inpaint("nan")])
def test_each_task_fills_what_is_missing(task):
    ramp, picture = spoilt()
    restoration, _ = prepare_restoration(picture, Request(task, b"", None, "a.tif", QUICK))
    for _ in restoration:
        pass
    pixels = restoration.solution.pixels
    scale = pixels.shape[0] // 20
    assert np.abs(pixels[::scale, ::scale] - ramp).max() < 0.2


def test_nothing_missing_is_no_mask():
    ramp, _ = spoilt()
    with pytest.raises(MaskError, match="all pixels are finite numbers"):
        prepare_restoration(Picture(ramp), Request(Inpaint("nan"), b"", None, "a.tif", QUICK))
