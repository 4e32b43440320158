"""JPEG 2000: every depth and number of channels comes back, with its profile, EXIF and resolution."""

import io
from fractions import Fraction

import imagecodecs
import numpy as np
import pytest
from picture_files import DPI, ICC, exif, noise, pillow, png, smooth, tiff
from PIL import Image

from chnorm_cli.images import Depth, ImageError, encode, read_pictures
from chnorm_cli.images import exif as exif_blocks
from chnorm_cli.images.boxes import box
from chnorm_cli.images.jpeg2000 import EXIF_UUID, _small
from chnorm_cli.images.metadata import Resolution, Unit


def read(data, name="a.jp2"):
    (picture,) = read_pictures(data, name=name)
    return picture


def full(picture):
    white = 65535 if picture.depth is Depth.SIXTEEN else 255
    parts = [picture.pixels] + ([] if picture.alpha is None else [picture.alpha[..., None]])
    return np.rint(np.concatenate(parts, axis=2) * white)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_pictures_come_back_exactly(bits, channels):
    array = noise(channels, f"uint{bits}")
    (picture,) = read_pictures(png(array), name="a.png")
    again = read(encode([picture], format="jp2").data)
    assert (again.depth, again.alpha is None) == (str(bits), channels in (1, 3))
    assert np.array_equal(full(again), array)
    assert not again.notes
    data = encode([again], format="jp2").data
    assert np.array_equal(imagecodecs.jpeg2k_decode(data).reshape(array.shape), array)


@pytest.mark.parametrize("count", [2, 5])
def test_channels_that_are_no_colours_come_back(count):
    array = noise(count, "uint16")
    data = tiff(array, photometric="minisblack", extrasamples=["unspecified"] * (count - 1))
    (picture,) = read_pictures(data, name="a.tif")
    again = read(encode([picture], format="jp2").data)
    assert again.alpha is None
    assert (again.extra, again.pixels.shape[2]) == (count - 1, count)
    assert np.array_equal(full(again), array)


@pytest.mark.parametrize("bits", [1, 4, 10, 12])
def test_other_depths_are_read_whole(bits):
    array = (noise(1, "uint16")[..., 0] >> (16 - bits)).astype("uint16" if bits > 8 else "uint8")
    data = imagecodecs.jpeg2k_encode(array, level=0, reversible=True, bitspersample=bits)
    picture = read(bytes(data))
    assert picture.depth is (Depth.SIXTEEN if bits > 8 else Depth.EIGHT)
    assert np.abs(picture.pixels[..., 0] * (2**bits - 1) - array).max() < 0.05  # in 16 bits


def test_metadata_goes_there_and_back():
    data = pillow(smooth(3), "JPEG", exif=b"Exif\0\0" + exif(), icc_profile=ICC, dpi=DPI)
    (picture,) = read_pictures(data, name="a.jpg")
    again = read(encode([picture], format="jp2").data)
    assert again.metadata.icc == ICC
    assert again.metadata.resolution.dpi == pytest.approx(DPI, rel=1e-4)
    assert exif_blocks.parse(again.metadata.exif)[271].value == b"Maker\0"
    with Image.open(io.BytesIO(encode([again], format="jp2").data)) as seen:  # as others read it
        assert seen.info["dpi"] == pytest.approx(DPI, rel=1e-3)
        assert (seen.mode, seen.size) == ("RGB", (21, 13))
    bare = read(encode([picture], format="jp2", strip=True).data)
    assert bare.metadata.icc is None
    assert bare.metadata.exif is None


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_what_pillow_writes_is_read(channels):
    picture = read(pillow(smooth(channels), "JPEG2000"))
    assert (picture.alpha is not None) == (channels == 4)
    assert np.array_equal(full(picture), smooth(channels))
    stream = read(pillow(smooth(channels), "JPEG2000", no_jp2=True), "a.j2k")
    assert np.array_equal(stream.pixels[..., 0] * 255, smooth(1)[..., 0])


def test_quality_below_95_loses_and_above_does_not():
    (picture,) = read_pictures(png(noise(3)), name="a.png")
    sizes = [len(encode([picture], format="jp2", quality=q).data) for q in (30, 80, 95, 100)]
    assert sizes[0] < sizes[1] < sizes[2] == sizes[3]
    near = read(encode([picture], format="jp2", quality=94).data)
    assert 0 < np.abs(near.pixels - picture.pixels).max() < 12 / 255


def test_what_is_left_out_or_cannot_be_read_is_said():
    data = pillow(smooth(3), "JPEG2000")
    assert read(data + box(b"xml ", b"<x/>")).notes == ("XML of the JPEG 2000 is left out",)
    assert not read(data + box(b"uuid", EXIF_UUID + exif())).notes
    stream = data[data.index(b"jp2c") + 4 :]
    assert "further pictures" in read(data + box(b"jp2c", stream)).lost[0]
    for broken in (data[:60], data[:-900], data[:12] + box(b"ftyp", b"jp2 ")):
        with pytest.raises(ImageError, match=r"a\.jp2: "):
            read(broken)
    premultiplied = pillow(smooth(4), "JPEG2000").replace(b"\0\3\0\1\0\0", b"\0\3\0\2\0\0")
    assert read(premultiplied).alpha is not None
    with pytest.raises(ImageError, match="JPEG 2000 cannot hold depth float"):
        encode([read(data)], format="jp2", depth=Depth.FLOAT)


def test_two_pictures_in_one_stream():
    one, two = pillow(smooth(3), "JPEG2000"), png(smooth(1))
    pictures = read_pictures(one + two + one, name="-", streamed=True)
    assert [picture.source_format for picture in pictures] == ["jp2", "png", "jp2"]


def test_an_imagecodecs_without_jpeg_2000_is_one_clear_line(monkeypatch):
    data = pillow(smooth(3), "JPEG2000")
    monkeypatch.setattr(imagecodecs.JPEG2K, "available", False)
    with pytest.raises(
        ImageError, match=r"a\.jp2: needs an imagecodecs with JPEG 2000; pip install"
    ):
        read(data)


@pytest.mark.parametrize("dpi", [72, 96, 300, 1, 40000])
def test_resolutions_fit_into_their_box(dpi):
    wanted = Resolution(Fraction(dpi), Fraction(dpi, 3), Unit.INCH)
    for value in (wanted.x * 100 / Fraction(254, 100), wanted.y, Fraction(1, 7000)):
        small, power = _small(value)
        assert max(small.numerator, small.denominator) < 2**16
        assert float(small) * 10.0**power == pytest.approx(float(value), rel=1e-4)
