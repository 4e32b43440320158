"""From TIFF, PNG and others to OME-Zarr and back: axes, sizes of a pixel and channels stay."""

import numpy as np
import pytest
from picture_files import smooth
from stack_files import imagej, ome, planes, written
from zarr_files import ome_zarr, pixels, samples, told

from chnorm_cli.images import ImageError, Metadata, Picture, axes_of, encode, read_pictures
from chnorm_cli.images.ome_zarr_levels import of_new_file

pytest.importorskip("zarr")


def to_zarr(pictures, path, **options):
    encoded = encode(pictures, format="zarr", **options)
    encoded.write(path)
    return encoded


def to_tiff(path):
    data = encode(read_pictures(path, name="a.zarr", page="all"), format="tiff").data
    return read_pictures(data, name="a.tif", page="all"), data


@pytest.mark.parametrize("axes", ["TZCYX", "TCZYX", "ZYX", "CYX"])
def test_stacks_become_arrays_in_the_order_that_ome_zarr_asks_for(tmp_path, axes):
    x = planes(*{"T": (2,), "C": (2,), "Z": (3,)}[axes[0]], *(2, 3)[: len(axes) - 3])
    pictures = read_pictures(ome(x, axes, photometric="minisblack"), name="a.ome.tif", page="all")
    to_zarr(pictures, tmp_path / "a.zarr")
    ordered = sorted(axes, key="TCZYX".index)
    named = told(tmp_path / "a.zarr")["multiscales"][0]["axes"]
    assert [axis["name"] for axis in named] == [axis.lower() for axis in ordered]
    expected = np.transpose(x, [axes.index(axis) for axis in ordered])
    assert np.array_equal(pixels(tmp_path / "a.zarr"), expected)
    again = read_pictures(tmp_path / "a.zarr", name="a.zarr", page="all")
    assert axes_of(again) == ("".join(ordered), list(expected.shape))


def test_what_ome_xml_says_goes_both_ways(tmp_path):
    said = {
        "PhysicalSizeX": 250.0,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": 0.5,
        "PhysicalSizeZ": 2.0,
    }
    data = ome(
        planes(2, 3), "CZYX", photometric="minisblack", Channel={"Name": ["GFP", "µ&<"]}, **said
    )
    encoded = to_zarr(read_pictures(data, name="a.ome.tif", page="all"), tmp_path / "a.zarr")
    assert any("sizes of a pixel and the names of channels are kept" in n for n in encoded.notes)
    attributes = told(tmp_path / "a.zarr")
    step = attributes["multiscales"][0]["datasets"][0]["coordinateTransformations"][0]
    assert step["scale"] == [1.0, 2.0, 0.5, 0.25]
    assert [channel["label"] for channel in attributes["omero"]["channels"]] == ["GFP", "µ&<"]
    pages, data = to_tiff(tmp_path / "a.zarr")
    assert axes_of(pages) == ("CZYX", [2, 3, 12, 17])
    to_zarr(pages, tmp_path / "b.zarr")
    assert told(tmp_path / "b.zarr") == attributes
    assert b'PhysicalSizeX="0.25"' in data


def test_what_imagej_says_of_lengths_is_kept(tmp_path):
    stated = {"axes": "ZYX", "spacing": 3.5, "unit": "micron"}
    data = imagej(planes(3), metadata=stated, resolution=(4, 2))
    to_zarr(read_pictures(data, name="a.tif", page="all"), tmp_path / "a.zarr")
    multiscale = told(tmp_path / "a.zarr")["multiscales"][0]
    step = multiscale["datasets"][0]["coordinateTransformations"][0]
    assert step["scale"] == [3.5, 0.5, 0.25]
    assert multiscale["axes"][0] == {"name": "z", "type": "space", "unit": "micrometer"}


def test_a_tiff_from_a_zarr_tells_its_axes_and_notes_the_rest(tmp_path):
    path = ome_zarr(tmp_path / "a.zarr", samples(2, 3), "tcyx", labels=True)
    pictures = read_pictures(path, name="a.zarr", page="all")
    encoded = encode(pictures, format="tiff")
    assert any("TIFF cannot hold all of an OME-Zarr" in note for note in encoded.notes)
    (first, *_) = read_pictures(encoded.data, name="a.tif", page="all")
    assert first.place.before == "TC"
    assert [float(value) for value in first.metadata.resolution.dpi] == [127000, 127000]
    large = [p.with_pixels(p.pixels.repeat(2, 0).repeat(2, 1), 2) for p in pictures]
    data = encode(large, format="tiff").data
    assert b'PhysicalSizeX="0.1"' in data
    assert b'SizeX="36"' in data


@pytest.mark.parametrize("channels", [2, 3, 5])
def test_samples_of_a_pixel_become_channels(tmp_path, channels):
    x = np.random.default_rng(0).random((9, 8, channels)).astype(np.float32)
    extra = 0 if channels == 3 else channels - 1
    to_zarr([Picture(x, extra=extra, source_format="tiff")], tmp_path / "a.zarr", depth=None)
    assert np.allclose(pixels(tmp_path / "a.zarr"), np.moveaxis(np.rint(x * 255), -1, 0))
    labels = [c["label"] for c in told(tmp_path / "a.zarr").get("omero", {}).get("channels", [])]
    assert labels == (["red", "green", "blue"] if channels == 3 else [])


def test_pages_that_nobody_named_are_one_axis(tmp_path):
    pages = read_pictures(written(planes(2, 3), photometric="minisblack"), name="a.tif", page="all")
    encoded = to_zarr(pages, tmp_path / "a.zarr")
    assert told(tmp_path / "a.zarr")["multiscales"][0]["axes"][0] == {"name": "i"}
    assert any("QQ are written as one" in note for note in encoded.notes)
    again = read_pictures(tmp_path / "a.zarr", name="a.zarr", page="all")
    assert axes_of(again) == ("IYX", [6, 12, 17])


def test_what_is_no_array_is_refused(tmp_path):
    small, large = (Picture(np.zeros((side, 5, 1), np.float32)) for side in (4, 6))
    with pytest.raises(ImageError, match="several sizes, and a Zarr has one; write a TIFF"):
        encode([small, large], format="zarr")
    rgb = Picture(np.zeros((4, 4, 3), np.float32))
    with pytest.raises(ImageError, match="channels in two ways"):
        encode([rgb, rgb], format="zarr")


def test_what_has_no_place_is_named(tmp_path):
    picture = Picture(smooth(3) / np.float32(255), metadata=Metadata(icc=b"profile" * 9))
    encoded = to_zarr([picture], tmp_path / "a.zarr")
    assert any("colour profile, EXIF or tags: they were left out" in n for n in encoded.notes)


def test_large_planes_get_levels(tmp_path):
    shapes = [shape for shape, _ in of_new_file((2, 3000, 900))]
    assert shapes == [(2, 3000, 900), (2, 1500, 450), (2, 750, 225)]
    assert of_new_file((700, 1024)) == [((700, 1024), (1, 1))]
    assert of_new_file((1, 1025))[1] == ((1, 513), (1, 2))
    x = np.zeros((4, 1030, 1), np.float32)
    x[:, ::2] = 1
    to_zarr([Picture(x)], tmp_path / "a.zarr")
    assert pixels(tmp_path / "a.zarr", 1).shape == (2, 515)
    assert np.all(pixels(tmp_path / "a.zarr", 1) == 128)  # 127.5, to the even one
    levels = told(tmp_path / "a.zarr")["multiscales"][0]["datasets"]
    assert levels[1]["coordinateTransformations"][0]["scale"] == [2.0, 2.0]
