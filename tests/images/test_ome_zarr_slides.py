"""An OME-Zarr with one plane in windows: what is read and written is what would be, whole."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from zarr_files import files, ome_zarr, pixels, samples, told

from chnorm_cli.images import (
    IN_WINDOWS,
    Depth,
    ImageError,
    encode,
    ome_zarr_levels,
    open_slide,
    read_pictures,
)

zarr = pytest.importorskip("zarr")
SIZE = (45, 38)


@pytest.fixture(autouse=True)
def _small_windows(monkeypatch):
    monkeypatch.setattr(ome_zarr_levels, "WINDOW", 16)


def opened(path):
    slide = open_slide(path, path.name)
    assert slide is not None
    return pickle.loads(pickle.dumps(slide))


def written(slide, path, form="zarr", **options):
    writing = IN_WINDOWS[form](slide.head(), slide.size, slide.read, tile=slide.tile, **options)
    shares = []
    assert writing.write(path, shares.append) == ()
    assert shares == sorted(shares)
    return writing


@pytest.mark.parametrize("dtype", ["uint8", ">u2", "float32", "int16"])
@pytest.mark.parametrize(
    ("axes", "shape"), [("yx", SIZE), ("tczyx", (1, 1, 1, *SIZE)), ("xy", SIZE)]
)
@pytest.mark.parametrize("format", [2, 3])
def test_windows_are_those_of_the_whole_both_ways(tmp_path, dtype, axes, shape, format):
    x = samples(*shape[:-2], size=SIZE, dtype=dtype)
    path = ome_zarr(tmp_path / "a.zarr", x, axes, format=format, levels=3, labels=True)
    (whole,) = read_pictures(path, name="a.zarr", page="all")
    slide = opened(path)
    assert slide.size == whole.shape
    assert slide.tile == (8, 8)
    for rows, columns in [(slice(0, 38), slice(0, 38)), (slice(5, 30), slice(30, 37))]:
        window = slide.read(rows, columns)
        assert np.array_equal(window.pixels, whole.pixels[rows, columns])
        assert (window.depth, window.value_range) == (whole.depth, whole.value_range)
    writing = written(slide, tmp_path / "b.zarr")
    encoded = encode([whole], format="zarr")
    encoded.write(tmp_path / "c.zarr")
    assert files(tmp_path / "b.zarr") == files(tmp_path / "c.zarr")
    assert writing.notes == encoded.notes
    assert writing.stored_depth == encoded.depth


def test_shards_are_written_whole(tmp_path):
    options = {"chunks": (8, 8), "shards": (24, 16)}
    path = ome_zarr(tmp_path / "a.zarr", samples(size=SIZE), "yx", format=3, **options)
    slide = opened(path)
    assert slide.tile == (24, 16)
    written(slide, tmp_path / "b.zarr")
    assert files(tmp_path / "b.zarr") == files(path)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_tiff_becomes_a_zarr_and_a_zarr_a_tiff(tmp_path, monkeypatch, channels):
    monkeypatch.setattr(ome_zarr_levels, "LARGEST", 20)
    x = samples(channels, size=SIZE, dtype="uint8")
    options = {"photometric": "rgb", "planarconfig": "separate"} if channels == 3 else {}
    tifffile.imwrite(tmp_path / "a.tif", x if channels == 3 else x[0], tile=(16, 16), **options)
    slide = opened(tmp_path / "a.tif")
    writing = written(slide, tmp_path / "b.zarr")
    encoded = encode(read_pictures(tmp_path / "a.tif", name="a.tif"), format="zarr")
    encoded.write(tmp_path / "c.zarr")
    assert files(tmp_path / "b.zarr") == files(tmp_path / "c.zarr")
    assert writing.notes == encoded.notes
    assert len(told(tmp_path / "b.zarr")["multiscales"][0]["datasets"]) == 3
    if channels == 1:
        writing = written(opened(tmp_path / "b.zarr"), tmp_path / "d.tif", "tiff")
        assert np.array_equal(tifffile.imread(tmp_path / "d.tif"), x[0])
        assert any("TIFF cannot hold all of an OME-Zarr" in note for note in writing.notes)


def test_clipped_pixels_are_counted_and_a_stop_leaves_what_was_there(tmp_path):
    path = ome_zarr(tmp_path / "a.zarr", samples(size=SIZE), "yx")
    slide, before = opened(path), files(path)

    def brighter(rows, columns):
        picture = slide.read(rows, columns)
        return replace(picture, pixels=picture.pixels + 2)

    writing = IN_WINDOWS["zarr"](slide.head(), SIZE, brighter, depth=Depth.EIGHT)
    writing.write(tmp_path / "b.zarr")
    assert writing.clipped == SIZE[0] * SIZE[1]
    assert pixels(tmp_path / "b.zarr").dtype == np.uint8

    def torn(rows, columns):
        if rows.start:
            raise KeyboardInterrupt
        return slide.read(rows, columns)

    with pytest.raises(KeyboardInterrupt):
        IN_WINDOWS["zarr"](slide.head(), SIZE, torn).write(path)
    assert files(path) == before
    assert sorted(item.name for item in tmp_path.iterdir()) == ["a.zarr", "b.zarr"]


def test_what_cannot_be_read_in_windows_is_left_to_who_reads_it_whole(tmp_path, monkeypatch):
    assert open_slide(ome_zarr(tmp_path / "a.zarr", samples(2), "cyx"), "a.zarr") is None
    (tmp_path / "b.zarr").mkdir()
    assert open_slide(tmp_path / "b.zarr", "b.zarr") is None
    path = ome_zarr(tmp_path / "c.zarr", samples(), "yx")
    monkeypatch.setattr("chnorm_cli.images.ome_zarr_slides.MOST_CHUNK", 100)
    assert open_slide(path, "c.zarr") is None


def test_a_damaged_chunk_is_told_and_a_bomb_recognised(tmp_path):
    path = ome_zarr(tmp_path / "a.zarr", samples(size=SIZE), "yx", format=3)
    assert opened(path).plausible
    for chunk in (path / "s0" / "c").rglob("*"):
        if chunk.is_file():
            chunk.write_bytes(b"damaged")
    with pytest.raises(ImageError, match="is damaged"):
        open_slide(path, "a.zarr")
    zarr.create_array(
        str(path), name="s0", shape=(10**6, 10**6), dtype="u1", chunks=(4096, 4096), overwrite=True
    )
    assert not opened(path).plausible
