"""AVIF is read and written through Pillow, deeper than 8 bits through imagecodecs."""

import imagecodecs
import numpy as np
import pytest
from picture_files import DPI, ICC, exif, noise, pillow, smooth

from chnorm_cli.images import Depth, ImageError, encode, read_pictures

pytest.importorskip("PIL.features").check("avif") or pytest.skip(
    "this Pillow has no AVIF", allow_module_level=True
)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_there_and_back(channels):
    options = {"icc_profile": ICC, "exif": exif()} if channels > 1 else {}
    data = pillow(smooth(channels), "AVIF", quality=100, subsampling="4:4:4", **options)
    (picture,) = read_pictures(data, name="a.avif")
    assert (picture.alpha is not None) == (channels == 4)
    if channels < 4:  # below full transparency anything may be
        assert np.abs(picture.pixels * 255 - smooth(min(3, channels))).max() < 6
    (again,) = read_pictures(encode([picture], format="avif", quality=100).data, name="b.avif")
    assert np.abs(again.pixels - picture.pixels).max() < 6 / 255
    if channels > 1:
        assert again.metadata.icc == ICC
        assert again.metadata.resolution.dpi == pytest.approx(DPI)


@pytest.mark.parametrize("bits", [10, 12])
def test_more_than_eight_bits_are_read_whole(bits):
    array = (noise(3, "uint16") >> (16 - bits)).astype(np.uint16)
    data = imagecodecs.avif_encode(array, level=100, bitspersample=bits, pixelformat="444")
    (picture,) = read_pictures(bytes(data), name="deep.avif")
    assert picture.depth is Depth.SIXTEEN
    white = 2**bits - 1
    assert np.abs(picture.pixels * white - array).max() < 4
    assert np.unique(np.rint(picture.pixels * white)).size > 256


def test_a_pillow_without_avif_is_one_clear_line(monkeypatch):
    from PIL import features

    data = pillow(smooth(3), "AVIF")
    monkeypatch.setattr(features, "check", lambda name: False)
    with pytest.raises(
        ImageError, match=r"a\.avif: is an AVIF, and the installed Pillow was built"
    ):
        read_pictures(data, name="a.avif")
