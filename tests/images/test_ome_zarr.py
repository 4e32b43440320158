"""OME-Zarr: a folder comes back as it was, but for the pixels."""

import json
import sys

import numpy as np
import pytest
from picture_files import png, smooth
from zarr_files import files, ome_zarr, pixels, samples, told

from chnorm_cli.cli import main
from chnorm_cli.images import Depth, ImageError, axes_of, encode, read_pictures

zarr = pytest.importorskip("zarr")
both = pytest.mark.parametrize("format", [2, 3])


def read(path, **options):
    return read_pictures(path, name=path.name, **({"streamed": True} | options))


def again(path, target, scale=1, **options):
    pictures = read(path)
    if scale > 1:
        pictures = [
            p.with_pixels(p.pixels.repeat(scale, 0).repeat(scale, 1), scale) for p in pictures
        ]
    encoded = encode(pictures, format="zarr", **options)
    encoded.write(target)
    return encoded


@both
@pytest.mark.parametrize(
    ("axes", "before"), [("yx", ()), ("cyx", (2,)), ("zyx", (3,)), ("tczyx", (2, 2, 3))]
)
def test_all_planes_come_back_in_their_place(tmp_path, format, axes, before):
    x = samples(*before)
    path = ome_zarr(tmp_path / "a.zarr", x, axes, format=format)
    pictures = read(path)
    assert axes_of(pictures) == (axes.upper(), list(x.shape))
    assert [p.place.index for p in pictures] == list(np.ndindex(*before))
    assert all(np.array_equal(p.pixels[..., 0] * 65535, plane) for p, plane in zip(
        pictures, x.reshape(-1, *x.shape[-2:]), strict=True))  # fmt: skip
    again(path, tmp_path / "b.zarr")
    assert np.array_equal(pixels(tmp_path / "b.zarr"), x)


@both
def test_what_is_beside_the_pixels_stays_byte_for_byte(tmp_path, format):
    path = ome_zarr(tmp_path / "a.zarr", samples(2, 3), "czyx", format=format, labels=True)
    (path / "OME").mkdir()
    (path / "OME" / "METADATA.ome.xml").write_text("<OME/>")
    encoded = again(path, tmp_path / "b.zarr")
    assert encoded.notes == ()
    before, after = files(path), files(tmp_path / "b.zarr")
    assert before.keys() == after.keys()
    for name in before:
        if name.endswith(".json") or "/.z" in f"/{name}":
            assert json.loads(before[name]) == json.loads(after[name]), name
        elif name.startswith(("labels", "OME")):
            assert before[name] == after[name]


def test_shards_and_codecs_stay(tmp_path):
    from zarr.codecs import BloscCodec

    options = {"chunks": (1, 8, 8), "shards": (2, 16, 24), "compressors": BloscCodec(cname="lz4")}
    path = ome_zarr(tmp_path / "a.zarr", samples(2), "cyx", format=3, **options)
    again(path, tmp_path / "b.zarr")
    assert files(path) == files(tmp_path / "b.zarr")


@both
def test_levels_are_averages_of_the_result(tmp_path, format):
    x = samples(2)
    path = ome_zarr(tmp_path / "a.zarr", x, "cyx", format=format, levels=3)
    again(path, tmp_path / "b.zarr")
    half = np.pad(x, ((0, 0), (0, 1), (0, 0)), mode="edge").reshape(2, 7, 2, 9, 2)
    assert np.array_equal(pixels(tmp_path / "b.zarr", 1), np.rint(half.mean(axis=(2, 4))))
    assert pixels(tmp_path / "b.zarr", 2).shape == (2, 4, 5)
    assert told(tmp_path / "b.zarr")["multiscales"][0]["type"] == "mean"


def test_a_level_that_is_no_average_is_named(tmp_path):
    path = ome_zarr(tmp_path / "a.zarr", samples(), "yx", levels=2)
    zarr.create_array(str(path), name="s1", shape=(5, 8), dtype="u2", zarr_format=2, overwrite=True)
    encoded = again(path, tmp_path / "b.zarr")
    assert any("no averages are left out: s1" in note for note in encoded.notes)
    assert len(told(tmp_path / "b.zarr")["multiscales"][0]["datasets"]) == 1
    assert not (tmp_path / "b.zarr" / "s1").exists()


@both
def test_enlarged_pixels_are_smaller(tmp_path, format):
    path = ome_zarr(tmp_path / "a.zarr", samples(2), "cyx", format=format, levels=2, labels=True)
    encoded = again(path, tmp_path / "b.zarr", scale=2)
    assert any("the picture as it was: labels" in note for note in encoded.notes)
    assert not (tmp_path / "b.zarr" / "labels").exists()
    levels = told(tmp_path / "b.zarr")["multiscales"][0]["datasets"]
    scales = [level["coordinateTransformations"][0]["scale"] for level in levels]
    assert scales == [[1.0, 0.1, 0.1], [1.0, 0.2, 0.2]]
    assert pixels(tmp_path / "b.zarr").shape == (2, 26, 36)
    assert pixels(tmp_path / "b.zarr", 1).shape == (2, 13, 18)
    assert told(tmp_path / "b.zarr")["mine"] == [1, 2]


@both
def test_a_plane_alone(tmp_path, format):
    x = samples(2, 3)
    path = ome_zarr(tmp_path / "a.zarr", x, "czyx", format=format)
    (plane,) = read(path, page=5)
    encode([plane], format="zarr").write(tmp_path / "b.zarr")
    assert np.array_equal(pixels(tmp_path / "b.zarr"), x[1, 1])
    said = told(tmp_path / "b.zarr")
    assert [axis["name"] for axis in said["multiscales"][0]["axes"]] == ["y", "x"]
    assert (
        said["multiscales"][0]["datasets"][0]["coordinateTransformations"][0]["scale"] == [0.2] * 2
    )
    assert [channel["label"] for channel in said["omero"]["channels"]] == ["dye 1"]


@pytest.mark.parametrize(
    ("dtype", "written"),
    [("uint8", "uint8"), ("uint16", "uint16"), (">u2", "uint16"), ("float32", "float32"),
     ("int16", "int16"), ("uint32", "float32"), ("float64", "float32")],
)  # fmt: skip
def test_samples_of_every_type_come_back(tmp_path, dtype, written):
    x = samples(2, dtype=dtype)
    path = ome_zarr(tmp_path / "a.zarr", x, "zyx")
    encoded = again(path, tmp_path / "b.zarr")
    y = pixels(tmp_path / "b.zarr")
    assert y.dtype.name == written
    assert np.allclose(y, x, rtol=1e-6, atol=0)
    assert not any("omero" in note for note in encoded.notes)


def test_signed_integers_stay_what_they_are_unless_another_depth_is_asked(tmp_path):
    x = samples(2, dtype="int16") - np.int16(150)
    path = ome_zarr(tmp_path / "a.zarr", x, "cyx")
    first, second = read(path)
    assert first.notes == ()
    bright = [first.with_pixels(first.pixels + 1000), second.with_pixels(second.pixels + 0.004)]
    encoded = encode(bright, format="zarr")
    encoded.write(tmp_path / "b.zarr")
    y = pixels(tmp_path / "b.zarr")
    assert y.dtype == np.int16
    assert (y[0] == 32767).all()
    assert encoded.clipped == y[0].size
    span = second.value_range[1]
    assert np.array_equal(y[1], np.rint(x[1] + 0.004 * span))
    for options in ({"format": "zarr", "depth": Depth.FLOAT}, {"format": "tiff"}):
        assert "int16 samples are written as floats" in encode([first, second], **options).notes


def test_another_depth_shows_the_channels_as_before(tmp_path):
    path = ome_zarr(tmp_path / "a.zarr", samples(2, dtype="uint8"), "cyx", compressors=None)
    again(path, tmp_path / "b.zarr", depth=Depth.SIXTEEN)
    window = told(tmp_path / "b.zarr")["omero"]["channels"][1]["window"]
    assert window == {"min": 0, "max": 65535, "start": 2570, "end": 51400}
    assert np.array_equal(pixels(tmp_path / "b.zarr"), samples(2, dtype="uint8") * np.uint16(257))
    path = ome_zarr(tmp_path / "c.zarr", samples(2, dtype="float32"), "cyx")
    encoded = again(path, tmp_path / "d.zarr", depth=Depth.EIGHT)
    assert any("from black to white (omero)" in note for note in encoded.notes)
    window = told(tmp_path / "d.zarr")["omero"]["channels"][0]["window"]
    assert window == {"min": 0, "max": 255, "start": 0, "end": 255}


def test_what_is_stripped_has_its_axes_and_labels_only(tmp_path):
    path = ome_zarr(tmp_path / "a.zarr", samples(2), "cyx", format=3, labels=True)
    (path / "OME").mkdir()
    again(path, tmp_path / "b.zarr", strip=True)
    assert told(tmp_path / "b.zarr").keys() == {"version", "multiscales"}
    assert (tmp_path / "b.zarr" / "labels" / "nuclei" / "0" / "zarr.json").exists()
    assert not (tmp_path / "b.zarr" / "OME").exists()
    assert np.array_equal(pixels(tmp_path / "b.zarr"), samples(2))


def test_consolidated_metadata_are_of_the_result(tmp_path):
    path = ome_zarr(tmp_path / "a.zarr", samples(2), "cyx", separator=".")
    zarr.consolidate_metadata(str(path), zarr_format=2)
    again(path, tmp_path / "b.zarr", scale=2)
    stated = json.loads((tmp_path / "b.zarr" / ".zmetadata").read_text())["metadata"]
    assert stated["s0/.zarray"]["shape"] == [2, 26, 36]
    assert (tmp_path / "b.zarr" / "s0" / "1.3.4").is_file()


def test_axes_by_their_types_and_those_that_nobody_knows(tmp_path):
    x = samples(2)
    path = ome_zarr(tmp_path / "a.zarr", x, "ayx")
    assert axes_of(read(path))[0] == "AYX"
    attributes = told(path)
    for axis, name in zip(attributes["multiscales"][0]["axes"][1:], ("row", "column"), strict=True):
        axis["name"] = name
    (path / ".zattrs").write_text(json.dumps(attributes))
    assert axes_of(read(path))[0] == "AYX"
    del attributes["multiscales"][0]["axes"]
    (path / ".zattrs").write_text(json.dumps(attributes))
    with pytest.raises(ImageError, match="does not name its axes"):
        read(path)


def test_axes_in_another_order_go_back_so(tmp_path):
    x = np.moveaxis(samples(2), 0, -1)
    path = ome_zarr(tmp_path / "a.zarr", np.ascontiguousarray(x), "xyc", chunks=(8, 8, 1))
    first, _ = read(path)
    assert first.shape == (18, 13)
    assert np.array_equal(first.pixels[..., 0].T * 65535, x[..., 0])
    again(path, tmp_path / "b.zarr")
    assert np.array_equal(pixels(tmp_path / "b.zarr"), x)
    assert np.array_equal(read(path, page=2)[0].pixels[..., 0].T * 65535, x[..., 1])


def test_a_size_is_refused_before_memory_is_taken(tmp_path):
    path = ome_zarr(tmp_path / "a.zarr", samples(2), "cyx")
    stated = json.loads((path / "s0" / ".zarray").read_text()) | {"shape": [2, 10**6, 10**6]}
    (path / "s0" / ".zarray").write_text(json.dumps(stated))
    with pytest.raises(ImageError, match="1000000 × 1000000 pixels"):
        read(path)
    (path / "s0" / ".zarray").write_text(json.dumps(stated | {"shape": [10**9, 9, 9]}))
    with pytest.raises(ImageError, match="states 1000000000 planes"):
        read(path)


def test_what_is_no_picture_is_told_in_a_line(tmp_path):
    (tmp_path / "empty.zarr").mkdir()
    with pytest.raises(ImageError, match="without the metadata of OME-Zarr"):
        read(tmp_path / "empty.zarr")
    zarr.create_array(str(tmp_path / "array.zarr"), shape=(4, 4), dtype="u1")
    with pytest.raises(ImageError, match="without the metadata of OME-Zarr"):
        read(tmp_path / "array.zarr")
    group = zarr.open_group(str(tmp_path / "plain.zarr"), mode="w")
    with pytest.raises(ImageError, match=r"without the metadata of OME \(multiscales\)"):
        read(tmp_path / "plain.zarr")
    group.attrs["bioformats2raw.layout"] = 3
    zarr.open_group(str(tmp_path / "plain.zarr" / "0"), mode="w")
    with pytest.raises(
        ImageError, match=r"is several pictures in one Zarr; name one of them, e\.g\. .*0"
    ):
        read(tmp_path / "plain.zarr")
    plate = zarr.open_group(str(tmp_path / "plate.zarr"), mode="w", attributes={"plate": {}})
    plate.create_group("B/3/0")
    with pytest.raises(ImageError, match=r"is a plate in one Zarr; name .*B/3/0"):
        read(tmp_path / "plate.zarr")
    path = ome_zarr(tmp_path / "a.zarr", samples(), "yx")
    said = told(path)
    said["multiscales"][0]["datasets"][0]["path"] = "../b.zarr/s0"
    (path / ".zattrs").write_text(json.dumps(said))
    with pytest.raises(ImageError, match="outside of it"):
        read(path)


def test_without_zarr_one_line_says_what_to_install(monkeypatch, tmp_path, capfd):
    path = ome_zarr(tmp_path / "a.zarr", samples(), "yx")
    (tmp_path / "a.png").write_bytes(png(smooth(1)))
    monkeypatch.setitem(sys.modules, "zarr", None)
    for name in (str(path), str(tmp_path / "a.png")):
        assert main(["denoise", name, "-o", str(tmp_path / "b.ome.zarr")]) == 1
        err = capfd.readouterr().err
        assert "pip install 'chnorm[zarr]'" in err
        assert err.count("\n") == 1
    assert not (tmp_path / "b.ome.zarr").exists()
