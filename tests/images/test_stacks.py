"""Stacks and channels of every form come back whole, and what describes them stays true."""

import io

import numpy as np
import pytest
import tifffile
from picture_files import png, smooth, tiff
from stack_files import (
    CHANNELS,
    STACKS,
    imagej,
    metamorph,
    ome,
    one_directory,
    planes,
    pyramid,
    written,
)

from chnorm_cli.images import Depth, ImageError, check_replacing, encode, read_pictures


def read(data, page="all"):
    return read_pictures(data, name="stack.tif", page=page)


def opened(data):
    return tifffile.TiffFile(io.BytesIO(data))


@pytest.mark.parametrize("name", [*STACKS, *CHANNELS])
def test_stacks_and_channels_come_back_as_they_were(name):
    data = (STACKS | CHANNELS)[name]
    pictures = read(data)
    again = encode(pictures, format="tiff").data
    with opened(data) as before, opened(again) as after:
        (one,), (other,) = before.series, after.series
        assert (one.kind, one.axes, one.shape) == (other.kind, other.axes, other.shape)
        assert np.array_equal(one.asarray(), other.asarray())
        assert before.imagej_metadata == after.imagej_metadata
        assert before.ome_metadata == after.ome_metadata
        assert before.pages[0].extrasamples == after.pages[0].extrasamples
        assert before.pages[0].photometric == after.pages[0].photometric
    assert not any(picture.notes or picture.lost for picture in pictures)


@pytest.mark.parametrize("name", STACKS)
def test_a_stack_is_read_page_by_page_or_whole(name):
    data = STACKS[name]
    count = len(read(data))
    assert count > 1
    with pytest.raises(
        ImageError, match=rf"has {count} pages( \(.*\))?; give --page 1 … --page {count}"
    ):
        read(data, None)
    (second,) = read(data, 2)
    with pytest.raises(ImageError, match=r"all but 1 would be lost .* --page all"):
        check_replacing([second], "stack.tif")
    check_replacing(read(data), "stack.tif")
    with opened(data) as file:
        stack = file.asarray().reshape(count, -1)
    alone = encode([second], format="tiff").data
    with opened(alone) as file:
        assert np.array_equal(file.asarray().ravel(), stack[1])
        assert file.series[0].kind in ("generic", "uniform")


@pytest.mark.parametrize("name", CHANNELS)
def test_unspecified_samples_are_channels(name):
    (picture,) = read(CHANNELS[name])
    assert (picture.alpha is not None) == ("alpha" in name)
    counts = {"OME, two": 2, "OME, five": 5}
    word = {"two": 2, "thr": 3, "fou": 4, "fiv": 5, "six": 6, "RGB": 4}.get(name[:3])
    assert picture.pixels.shape[2] == counts.get(name, word)
    with pytest.raises(ImageError, match="PNG cannot hold channels that are no colours; write a"):
        encode([picture], format="png")


def test_channels_beside_inks_or_a_colour_table_are_refused():
    data = written(np.moveaxis(planes(5), 0, -1), photometric="separated", extrasamples=[0])
    with pytest.raises(ImageError, match="has 5 channels, which do not belong to"):
        read(data)


@pytest.mark.parametrize("name", ["five, planar", "jp2"])
def test_many_channels_count_as_many_pixels(name):
    data = CHANNELS["five, planar"]
    if name == "jp2":
        data = encode(read(data), format="jp2").data
    with pytest.raises(
        ImageError, match="17 × 12 pixels of 5 channels, 408 in all; the limit is 4"
    ):
        read_pictures(data, name=f"a.{name[-3:]}" if name == "jp2" else "a.tif", max_pixels=407)
    assert read_pictures(data, name="-", max_pixels=408)


def test_a_cut_off_stack_is_refused():
    data = one_directory(imagej(planes(6)))
    with pytest.raises(ImageError, match="is cut off: its description counts 6 slices"):
        read(data[: len(data) // 2])
    data = one_directory(imagej(planes(6), compression="zlib"))  # the others are out of reach
    (picture,) = read(data)
    assert "the description counts 6 slices, and the file holds 1" in picture.notes
    assert b"images=6" not in encode([picture], format="tiff").data


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize("share", [0.2, 0.4, 0.6])
def test_part_of_a_stack_is_never_taken_for_the_whole(name, share):
    with pytest.raises(ImageError, match=r"is cut off|cannot be decoded"):
        read(STACKS[name][: int(len(STACKS[name]) * share)])


@pytest.mark.parametrize("depth", [None, Depth.FLOAT])
def test_the_description_is_true_of_an_enlarged_stack(depth):
    pages = read(ome(planes(4), "ZYX", PhysicalSizeX=0.5, PhysicalSizeY=0.25))
    larger = [p.with_pixels(p.pixels.repeat(2, 0).repeat(2, 1), 2) for p in pages]
    with opened(encode(larger, format="tiff", depth=depth).data) as file:
        assert (file.series[0].kind, file.series[0].axes) == ("ome", "ZYX")
        assert file.series[0].shape == (4, 24, 34)
        assert 'SizeX="34"' in file.ome_metadata
        assert 'PhysicalSizeX="0.25"' in file.ome_metadata
        assert 'PhysicalSizeY="0.125"' in file.ome_metadata
        assert ('Type="float"' if depth else 'Type="uint16"') in file.ome_metadata
    pages = read(imagej(planes(2, 3), metadata={"axes": "TZYX"}))
    larger = [p.with_pixels(p.pixels.repeat(2, 0).repeat(2, 1), 2) for p in pages]
    with opened(encode(larger, format="tiff", depth=depth).data) as file:
        assert (file.series[0].axes, file.series[0].shape) == ("TZYX", (2, 3, 24, 34))


def test_metamorph():
    array = planes(4)
    pages = read(metamorph(array))
    assert pages[0].notes == ("TIFF tags 33628, 33629 are left out",)
    with opened(encode(pages, format="tiff").data) as file:
        assert np.array_equal(file.asarray(), array)


def test_one_file_of_several_keeps_the_xml_of_all():
    data = ome(planes(4), "ZYX").replace(b'SizeT="1"', b'SizeT="9"')
    pages = read(data)
    assert "the description counts 36 slices, and the file holds 4" in pages[0].notes
    with opened(encode(pages, format="tiff").data) as file:
        assert 'SizeT="9"' in file.ome_metadata


@pytest.mark.parametrize("inside", [True, False])
def test_a_pyramid_is_refused_and_one_smaller_copy_is_named(inside):
    with pytest.raises(ImageError, match="is a pyramid of 3 levels"):
        read(pyramid(levels=2, inside=inside))
    (picture,) = read(pyramid(levels=1, inside=inside))
    assert picture.notes == ("smaller copies in the TIFF, 1, are left out",)


def test_other_structures_are_refused_by_name():
    gray = np.zeros((64, 64), np.uint8)
    slide = written(gray, description="Aperio Image Library v1", tile=(16, 16), metadata=None)
    with pytest.raises(ImageError, match=r"whole-slide picture \(Aperio SVS\)"):
        read(slide)
    with pytest.raises(ImageError, match="is a volume of 4 slices in one page"):
        read(written(planes(4), volumetric=True, photometric="minisblack"))
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(gray, subifds=1)
        writer.write(gray)
    with pytest.raises(ImageError, match=r"holds 1 pictures inside of page 1 \(SubIFDs\)"):
        read(buffer.getvalue())
    with pytest.raises(ImageError, match="is followed by another TIFF"):
        read(written(gray) + written(gray))


def test_what_a_tiff_cannot_take_along_is_named():
    (picture,) = read(tiff(smooth(1)) + b"x" * 9000)
    assert "bytes that no directory of the TIFF leads to" in picture.lost[0]
    with pytest.raises(ImageError, match=r"cannot be replaced: .* write to another file with -o"):
        check_replacing([picture], "stack.tif")
    assert not read(tiff(smooth(1)) + b"\0" * 9000)[0].lost
    private = tiff(smooth(1), extratags=[(65000, 2, 5, b"mine\0", True)])
    assert read(private)[0].notes == ("TIFF tags 65000 are left out",)
    layers = tiff(smooth(1), extratags=[(37724, 7, 6, b"layers", True)])
    assert "layers that Photoshop keeps" in read(layers)[0].lost[0]
    kept = tiff(smooth(1), extratags=[(700, 1, 4, b"<x/>", True), (34118, 2, 5, b"mine\0", True)])
    with opened(encode(read(kept), format="tiff").data) as file:
        assert file.pages[0].tags[700].value == b"<x/>"
        assert file.pages[0].tags[34118] is not None
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(smooth(1)[..., 0], metadata=None)
        writer.write(smooth(1)[..., 0] > 99, subfiletype=4, metadata=None)
    assert "transparency masks" in read(buffer.getvalue())[0].lost[0]


def test_metadata_of_a_png_that_is_left_out_is_named():
    data = png(smooth(3), (b"prVW", b"layers"), (b"iTXt", b"XML:com.adobe.xmp\0old"))
    (picture,) = read_pictures(data, name="a.png")
    assert picture.notes == ("prVW, XMP of the PNG is left out",)
