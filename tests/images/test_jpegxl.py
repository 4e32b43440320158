"""JPEG XL: 8 and 16 bits and floats come back; what the file says of its colours is noted."""

import imagecodecs
import numpy as np
import pytest
from picture_files import DPI, ICC, exif, noise, pillow, png, smooth, tiff

from chnorm_cli.images import Depth, ImageError, encode, read_pictures
from chnorm_cli.images import exif as exif_blocks
from chnorm_cli.images.boxes import box
from chnorm_cli.images.jpegxl import KIND, SIGNATURE, read_head


def read(data, name="a.jxl"):
    (picture,) = read_pictures(data, name=name)
    return picture


def jxl(array, **options):
    return bytes(imagecodecs.jpegxl_encode(array.squeeze(), lossless=True, **options))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_pictures_come_back_exactly(dtype, channels):
    array = noise(channels, dtype)
    (picture,) = read_pictures(tiff(array), name="a.tif")
    data = encode([picture], format="jxl").data
    assert np.array_equal(imagecodecs.jpegxl_decode(data).reshape(array.shape), array)
    again = read(data)
    assert again.depth is picture.depth
    assert np.array_equal(again.pixels, picture.pixels)
    assert (again.alpha is None) == (channels in (1, 3))
    assert read(jxl(array)).pixels.shape == picture.pixels.shape


def test_floats_beyond_black_and_white_come_back():
    values = 900 * noise(1, "float32") - 20
    (picture,) = read_pictures(tiff(values), name="a.tif")
    again = read(encode([picture], format="jxl", quality=50).data)
    offset, span = again.value_range
    assert np.allclose(again.pixels * span + offset, values, rtol=1e-6, atol=1e-3)


@pytest.mark.parametrize(
    "size", [(8, 8), (16, 16), (13, 21), (21, 13), (300, 200), (8, 256), (1, 2), (90, 120)]
)
def test_the_size_is_read_from_the_head(size):
    data = bytes(imagecodecs.jpegxl_encode(np.zeros((*size, 3), np.uint8), lossless=True))
    head = read_head(data)
    assert (head.height, head.width) == size
    with pytest.raises(ImageError, match=f"the limit is {size[0] * size[1] - 1}"):
        read_pictures(data, name="a.jxl", max_pixels=size[0] * size[1] - 1)


def test_metadata_goes_there_and_back():
    data = pillow(smooth(3), "JPEG", exif=b"Exif\0\0" + exif(), dpi=DPI)
    (picture,) = read_pictures(data, name="a.jpg")
    again = read(encode([picture], format="jxl").data)
    assert again.metadata.resolution.dpi == pytest.approx(DPI)
    assert exif_blocks.parse(again.metadata.exif)[271].value == b"Maker\0"
    packed = b"Exif" + bytes(imagecodecs.brotli_encode(b"\0\0\0\0" + exif()))
    bare = jxl(smooth(3), usecontainer=False)
    brob = SIGNATURE + KIND + box(b"brob", packed) + box(b"jxlc", bare)
    assert exif_blocks.parse(read(brob).metadata.exif)[271].value == b"Maker\0"
    bomb = b"Exif" + bytes(imagecodecs.brotli_encode(bytes(2**25)))
    assert read(SIGNATURE + KIND + box(b"brob", bomb) + box(b"jxlc", bare)).metadata.exif is None
    parts = box(b"jxlp", b"\0\0\0\0" + bare[:40]) + box(b"jxlp", b"\x80\0\0\1" + bare[40:])
    assert np.array_equal(read(SIGNATURE + KIND + parts).pixels * 255, smooth(3))


def test_what_is_left_out_is_said():
    (picture,) = read_pictures(pillow(smooth(3), "JPEG", icc_profile=ICC), name="a.jpg")
    encoded = encode([picture], format="jxl")
    assert encoded.notes == ("JPEG XL is written without a colour profile: it was left out",)
    bare = jxl(smooth(3), usecontainer=False)
    whole = SIGNATURE + KIND + box(b"jxlc", bare)
    assert read(whole + box(b"xml ", b"<x/>")).notes == ("XMP of the JPEG XL is left out",)
    assert "gain map" in read(whole + box(b"jhgm", b"map")).lost[0]
    linear = read(jxl(noise(3, "float32")))
    assert len(linear.notes) <= 1


def test_quality_below_95_loses_and_above_does_not():
    (picture,) = read_pictures(png(noise(3)), name="a.png")
    sizes = [len(encode([picture], format="jxl", quality=q).data) for q in (10, 50, 90, 95, 100)]
    assert sizes[0] < sizes[1] < sizes[2] < sizes[3] == sizes[4]


def test_animations_and_damage_are_refused_by_name():
    frames = np.stack([smooth(3), smooth(3)[::-1]])
    with pytest.raises(ImageError, match="is an animation; save its frames as PNGs"):
        read(bytes(imagecodecs.jpegxl_encode(frames, lossless=True)))
    data = encode(read_pictures(png(noise(3)), name="a.png"), format="jxl").data
    for broken in (data[:40], data[: len(data) // 2], b"\xff\x0a", SIGNATURE + KIND):
        with pytest.raises(ImageError, match=r"a\.jxl: "):
            read(broken)
    five = tiff(noise(5), photometric="minisblack", extrasamples=["unspecified"] * 4)
    pictures = read_pictures(five, name="a.tif")
    with pytest.raises(ImageError, match="JPEG XL cannot hold channels that are no colours"):
        encode(pictures, format="jxl")


def test_depths_are_those_that_are_asked_for():
    (picture,) = read_pictures(png(noise(3, "uint16")), name="a.png")
    assert read(encode([picture], format="jxl", depth=Depth.EIGHT).data).depth is Depth.EIGHT


def test_an_imagecodecs_without_jpeg_xl_is_one_clear_line(monkeypatch):
    data = jxl(smooth(3))
    monkeypatch.setattr(imagecodecs.JPEGXL, "available", False)
    with pytest.raises(ImageError, match=r"a\.jxl: needs an imagecodecs with JPEG XL; pip install"):
        read(data)
