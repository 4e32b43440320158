"""The axes of a file are named, and planes of one channel share a range of numbers."""

import io

import numpy as np
import pytest
import tifffile
from picture_files import png, smooth
from stack_files import CHANNELS, STACKS, imagej, ome, one_directory, planes, written

from chnorm_cli.images import (
    ImageError,
    Picture,
    Place,
    axes_of,
    encode,
    planes_of_channels,
    read_pictures,
)

NAMED = {
    "imagej": ("ZYX", [5, 12, 17]),
    "imagej hyperstack": ("TZCYX", [2, 3, 2, 12, 17]),
    "imagej hyperstack, one directory": ("TZCYX", [2, 3, 2, 12, 17]),
    "imagej, five channels": ("CYX", [5, 12, 17]),
    "imagej RGB": ("CYXS", [4, 12, 17, 3]),
    "tifffile": ("QYX", [5, 12, 17]),
    "OME": ("ZYX", [5, 12, 17]),
    "OME, five dimensions": ("TCZYX", [2, 3, 2, 12, 17]),
    "OME, named channels": ("ZCYX", [3, 2, 12, 17]),
    "OME, five samples of each slice": ("TZSYX", [2, 2, 5, 12, 17]),
    "five channels on two pages": ("QYXS", [2, 12, 17, 5]),
    "five, planar": ("SYX", [5, 12, 17]),
    "six of which three are colours": ("YXS", [12, 17, 6]),
    "two and alpha": ("YXS", [12, 17, 3]),
}


def read(data, page="all"):
    return read_pictures(data, name="stack.tif", page=page)


@pytest.mark.parametrize("name", NAMED)
def test_axes_are_those_of_the_series(name):
    pages = read((STACKS | CHANNELS)[name])
    assert axes_of(pages) == NAMED[name]
    again = read(encode(pages, format="tiff").data)
    assert axes_of(again) == NAMED[name]


def test_files_without_stacks_have_the_axes_of_a_picture():
    assert axes_of(read_pictures(png(smooth(1)), name="a.png")) == ("YX", [13, 21])
    assert axes_of(read_pictures(png(smooth(4)), name="a.png")) == ("YXS", [13, 21, 4])


def test_a_part_of_a_stack_and_pages_of_several_sizes_are_no_array():
    assert axes_of(read(STACKS["imagej hyperstack"], 3)) == ("YX", [12, 17])
    assert axes_of(read(STACKS["imagej hyperstack"])[:5]) is None
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        for size in (8, 9):
            writer.write(np.zeros((size, 8), np.uint8), metadata=None)
    pages = read(buffer.getvalue())
    assert axes_of(pages) is None
    assert planes_of_channels(pages) == [[0], [1]]


def test_planes_of_a_channel_are_found_wherever_the_channels_are():
    assert planes_of_channels(read(ome(planes(2, 3), "ZCYX"))) == [[0, 3], [1, 4], [2, 5]]
    assert planes_of_channels(read(ome(planes(2, 3), "CZYX"))) == [[0, 1, 2], [3, 4, 5]]
    assert planes_of_channels(read(imagej(planes(3), metadata={"axes": "TYX"}))) == [[0, 1, 2]]
    plain = [Picture(np.zeros((4, 4, 1), np.float32))] * 2
    assert planes_of_channels(plain) == [[0], [1]]


@pytest.mark.parametrize(
    ("axes", "named"), [("TZCYX", True), ("CYX", True), ("QYX", False), ("EYX", False)]
)
def test_only_depth_and_time_are_sure_to_be_of_one_camera(axes, named):
    sizes = (2,) * (len(axes) - 2)
    assert Place(axes, sizes, (1,) * len(sizes)).named is named


def test_planes_of_floats_have_one_range_and_come_back_bit_for_bit():
    x = planes(2, 3, dtype="float32") * np.float32([1, 500, 7])[None, :, None, None] - 3
    x[0, 1, 2, 2] = np.nan
    pages = read(ome(x, "ZCYX"))
    ranges = [page.value_range for page in pages]
    assert ranges[:3] == ranges[3:]
    assert ranges[0] != ranges[1]
    with tifffile.TiffFile(io.BytesIO(encode(pages, format="tiff").data)) as file:
        there = np.isfinite(x)
        assert np.array_equal(file.asarray()[there], x[there])
    whole = read(written(np.stack([planes(dtype="float32"), 1 + planes(dtype="float32")])))
    assert whole[0].value_range == whole[1].value_range != (0.0, 1.0)


def test_a_stack_that_contradicts_its_description_is_pages():
    data = one_directory(imagej(planes(6), compression="zlib"))  # five slices are out of reach
    assert axes_of(read(data)) == ("YX", [12, 17])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("imagej hyperstack", r"has 12 pages \(T 2 × Z 3 × C 2\); give --page 1"),
        ("OME", r"has 5 pages \(Z 5\); give --page 1"),
        ("tifffile", "has 5 pages; give --page 1"),
    ],
)
def test_who_has_to_choose_a_page_is_told_what_they_are(name, words):
    with pytest.raises(ImageError, match=words):
        read(STACKS[name], None)


@pytest.mark.parametrize(
    ("names", "axes"),
    [(("", ""), "QQYX"), (("FREQ", "STOKES"), "CEYX"), (("WAVE-LOG", "UTC"), "TEYX")],
)
def test_axes_of_fits_are_those_of_its_header(names, axes):
    fits = pytest.importorskip("astropy.io.fits")
    hdu = fits.PrimaryHDU(planes(2, 3, dtype="float32"))
    for number, name in zip((3, 4), names, strict=True):
        if name:
            hdu.header[f"CTYPE{number}"] = name
    buffer = io.BytesIO()
    hdu.writeto(buffer)
    pages = read_pictures(buffer.getvalue(), name="a.fits", page="all")
    assert axes_of(pages) == (axes, [2, 3, 12, 17])
