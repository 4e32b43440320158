"""A TIFF read and written window by window: the same pixels as whole, whatever its layout."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from chnorm_cli.images import Depth, ImageError, SlideWriting, encode, open_slide, read_pictures

SIZE = (70, 101)
LAYOUTS = {
    "tiles": {"tile": (32, 16)},
    "compressed tiles": {"tile": (16, 32), "compression": "adobe_deflate", "predictor": True},
    "planes of tiles": {"tile": (32, 32), "planarconfig": "separate"},
    "strips": {"rowsperstrip": 7, "compression": "lzw"},
    "one strip": {},
    "planes": {"planarconfig": "separate"},
    "big": {"bigtiff": True, "tile": (32, 32)},
    "big-endian": {"byteorder": ">", "rowsperstrip": 16},
}


def samples(dtype, channels=3):
    random = np.random.default_rng(0)
    if np.dtype(dtype).kind == "f":
        return random.normal(3, 2, (*SIZE, channels)).astype(dtype)
    return random.integers(0, np.iinfo(dtype).max, (*SIZE, channels), dtype, endpoint=True)


def saved(path, array, *, planarconfig="contig", **layout):
    channels = array.shape[2]
    options = {"photometric": "rgb" if channels >= 3 else "minisblack"}
    if channels == 1:
        array = array[..., 0]
    elif planarconfig == "separate":
        array = np.moveaxis(array, -1, 0)
    if channels > 1:
        options["planarconfig"] = planarconfig
    if channels == 4:
        options["extrasamples"] = ["unassalpha"]
    writer = {key: layout.pop(key) for key in ("bigtiff", "byteorder") if key in layout}
    with tifffile.TiffWriter(path, **writer) as file:
        file.write(array, **options, **layout)
    return path


def opened(path):
    slide = open_slide(path, path.name)
    assert slide is not None
    return pickle.loads(pickle.dumps(slide))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_windows_hold_what_the_whole_holds(tmp_path, layout, dtype):
    path = saved(tmp_path / "a.tif", samples(dtype), **LAYOUTS[layout])
    (whole,) = read_pictures(path, name="a.tif")
    slide = opened(path)
    assert slide.size == SIZE
    for rows, columns in [(slice(0, 70), slice(0, 101)), (slice(5, 66), slice(30, 77))]:
        window = slide.read(rows, columns)
        assert np.array_equal(window.pixels, whole.pixels[rows, columns])
        assert (window.depth, window.value_range) == (whole.depth, whole.value_range)


@pytest.mark.parametrize("layout", ["tiles", "planes of tiles", "strips", "big"])
@pytest.mark.parametrize(("dtype", "channels"), [("uint8", 3), ("uint16", 1), ("uint8", 4)])
def test_what_is_written_in_tiles_is_what_would_be_written_whole(tmp_path, layout, dtype, channels):
    described = {"description": "a cell", "resolution": (300, 300), **LAYOUTS[layout]}
    if channels == 1:
        described.pop("planarconfig", None)
    path = saved(tmp_path / "a.tif", samples(dtype, channels), **described)
    slide = opened(path)
    writing = SlideWriting(slide.head(), slide.size, slide.read, tile=slide.tile)
    shares = []
    writing.write(tmp_path / "b.tif", shares.append)
    assert shares == sorted(shares)
    (whole,) = read_pictures(path, name="a.tif")
    (tmp_path / "c.tif").write_bytes(encode([whole], format="tiff").data)
    ours, theirs = (tifffile.TiffFile(tmp_path / name).pages[0] for name in ("b.tif", "c.tif"))
    assert np.array_equal(ours.asarray(), theirs.asarray())
    assert ours.is_tiled
    for tag in ("ImageDescription", "XResolution", "ExtraSamples", "PhotometricInterpretation"):
        assert (tag in ours.tags) == (tag in theirs.tags)
        assert tag not in ours.tags or ours.tags[tag].value == theirs.tags[tag].value


def test_floats_come_back_bit_for_bit_and_clipped_pixels_are_counted(tmp_path):
    path = saved(tmp_path / "a.tif", samples("float32"), **LAYOUTS["tiles"])
    slide = opened(path)
    SlideWriting(slide.head(), SIZE, slide.read).write(tmp_path / "b.tif")
    assert np.array_equal(tifffile.imread(tmp_path / "b.tif"), tifffile.imread(path))

    def brighter(rows, columns):
        picture = slide.read(rows, columns)
        return replace(picture, pixels=picture.pixels + 2, stored=None)

    writing = SlideWriting(slide.head(), SIZE, brighter, depth=Depth.EIGHT)
    writing.write(tmp_path / "c.tif")
    assert writing.clipped == SIZE[0] * SIZE[1]
    assert any("are written as black" in note for note in writing.notes)


def test_an_interrupted_writing_leaves_what_was_there(tmp_path):
    path = saved(tmp_path / "a.tif", samples("uint8"), **LAYOUTS["tiles"])
    slide, before = opened(path), path.read_bytes()

    def torn(rows, columns):
        if rows.start:
            raise KeyboardInterrupt
        return slide.read(rows, columns)

    with pytest.raises(KeyboardInterrupt):
        SlideWriting(slide.head(), SIZE, torn, tile=(16, 16)).write(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.tif"]


def test_what_cannot_be_read_in_windows_is_left_to_who_reads_it_whole(tmp_path):
    array = samples("uint8")
    tifffile.imwrite(tmp_path / "two.tif", np.stack([array, array]), photometric="rgb")
    tifffile.imwrite(tmp_path / "turned.tif", array, photometric="rgb", extratags=[(274, 3, 1, 6)])
    (tmp_path / "text.tif").write_text("no picture")
    for name in ("two.tif", "turned.tif", "text.tif", "missing.tif"):
        assert open_slide(tmp_path / name, name) is None


def test_a_slide_of_floats_that_are_not_finite_is_refused(tmp_path):
    array = samples("float32")
    array[60, 60] = np.nan
    slide = open_slide(saved(tmp_path / "a.tif", array, **LAYOUTS["tiles"]), "a.tif")
    with pytest.raises(ImageError, match="not finite"):
        slide.read(slice(0, 1), slice(0, 1))


def test_a_file_that_is_too_short_for_its_pixels_is_not_plausible(tmp_path):
    path = tmp_path / "bomb.tif"
    black = np.zeros((4096, 4096), np.uint8)
    tifffile.imwrite(path, black, tile=(1024, 1024), compression="adobe_deflate")
    assert not open_slide(path, "bomb.tif").plausible
    assert open_slide(saved(Path(tmp_path / "a.tif"), samples("uint8")), "a.tif").plausible
