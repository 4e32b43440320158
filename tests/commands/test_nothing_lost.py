"""An exit 0 never loses anything that the input held; a kill leaves the old file or the new one."""

import io
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile

from chnorm_cli.cli import main
from chnorm_cli.images import Picture, encode, read_pictures

sys.path.insert(0, str(Path(__file__).parents[1] / "images"))
from stack_files import CHANNELS, SINGLE, STACKS, imagej, one_directory


def stack(slices=6, size=(24, 32)):
    """A stack as ImageJ writes it: one directory, and the slices one after another."""
    rng = np.random.default_rng(0)
    array = rng.integers(0, 65536, (slices, *size)).astype(np.uint16)
    return array, one_directory(imagej(array, metadata={"axes": "ZYX"}))


def test_a_stack_is_replaced_whole_or_not_at_all(inside, tmp_path):
    array, data = stack()
    path = tmp_path / "s.tif"
    path.write_bytes(data)
    for options, words in (
        ((), b"has 6 pages"),
        (("--page", "2"), b"holds 6 pictures, and all but 1 would be lost by --in-place"),
    ):
        result = inside("denoise", path, "--in-place", *options)
        assert result.returncode == 1
        assert words in result.stderr
        assert path.read_bytes() == data
    assert inside("denoise", path, "--in-place", "--page", "all").returncode == 0
    with tifffile.TiffFile(path) as file:
        assert file.imagej_metadata["images"] == len(file.pages) == 6
        assert np.array_equal(file.series[0].asarray(), array)
    assert inside("denoise", path, "--page", "3", "-o", tmp_path / "one.tif").returncode == 0
    assert np.array_equal(tifffile.imread(tmp_path / "one.tif"), array[2])
    assert inside("corrupt", path, "--page", "1", "-o", path).returncode == 1
    assert len(tifffile.TiffFile(path).pages) == 6


@pytest.mark.parametrize("name", [*STACKS, *CHANNELS])
def test_every_form_is_replaced_by_the_same_form(inside, tmp_path, name):
    path = tmp_path / "s.tif"
    path.write_bytes((STACKS | CHANNELS)[name])
    before = tifffile.TiffFile(path).series[0]
    array = before.asarray()
    assert inside("denoise", path, "--in-place", "--page", "all").returncode == 0
    after = tifffile.TiffFile(path).series[0]
    assert (after.axes, after.kind) == (before.axes, before.kind)
    assert np.array_equal(after.asarray(), array)


def test_what_lies_behind_a_picture_stops_it_from_being_replaced(inside, tmp_path, monkeypatch):
    monkeypatch.setenv("CHNORM_PROGRESS", "plain")
    path, data = tmp_path / "a.png", SINGLE["png"] + b"a hidden letter"
    path.write_bytes(data)
    result = inside("denoise", path, "--in-place")
    assert result.returncode == 1
    assert b"a.png: cannot be replaced: 15 bytes behind the picture" in result.stderr
    assert path.read_bytes() == data
    result = inside("denoise", path, "-o", tmp_path / "b.png")
    assert result.returncode == 0
    assert b"note: 15 bytes behind the picture, which are no picture" in result.stderr


@pytest.mark.parametrize("kind", ["png", "ppm", "jpeg"])
def test_a_stream_of_pictures_goes_through(inside, tmp_path, kind):
    frames = [Picture(np.full((8, 9, 3), level, np.float32)) for level in (0.2, 0.4, 0.6)]
    if kind == "ppm":
        data = b"".join(
            b"P6 9 8 255\n" + bytes([int(255 * p.pixels[0, 0, 0])]) * 216 for p in frames
        )
    else:
        data = b"".join(encode([picture], format=kind).data for picture in frames)
    result = inside("denoise", "-", "-o", "jpeg:-" if kind == "jpeg" else "-", stdin=data)
    assert result.returncode == 0
    found = read_pictures(result.stdout, name="out", streamed=True)
    assert len(found) == 3
    for picture, frame in zip(found, frames, strict=True):
        assert np.abs(picture.pixels - frame.pixels).max() < 0.02
    result = inside("denoise", "-", "--page", "2", stdin=data)
    assert len(read_pictures(result.stdout, name="out", streamed=True)) == 1
    result = inside("denoise", "-", "-o", tmp_path / "all.tif", stdin=data)
    assert len(tifffile.TiffFile(tmp_path / "all.tif").pages) == 3
    result = inside("denoise", "-", "-o", tmp_path / "all.png", stdin=data)
    assert result.returncode == 1
    assert b"3 pictures do not fit into" in result.stderr
    assert not (tmp_path / "all.png").exists()
    if kind == "png":  # a file of this form stays one
        (tmp_path / "form.png").write_bytes(data)
        assert inside("denoise", tmp_path / "form.png", "--in-place").returncode == 0
        assert len(read_pictures(tmp_path / "form.png", name="form.png", page="all")) == 3
    result = inside("denoise", "-", stdin=data[:-40])
    assert (result.returncode, result.stdout) == (1, b"")
    assert b"stdin: picture 3 of 3" in result.stderr
    result = inside("inpaint", tmp_path / "all.tif", "--page", "1", "--mask", "-", stdin=data)
    assert result.returncode == 1
    assert b"holds 3 pictures in one stream" in result.stderr


def holes(path):
    array = np.full((16, 16), 7.0, np.float32)
    array[3, 4], array[9, 9] = np.nan, np.inf
    tifffile.imwrite(path, array)
    return array


def test_what_is_not_finite_is_the_mask(inside, tmp_path, monkeypatch):
    monkeypatch.setenv("CHNORM_PROGRESS", "plain")
    path, out = tmp_path / "a.tif", tmp_path / "out.tif"
    array = holes(path)
    for mask in ("nan", "one.png"):
        white = np.zeros((16, 16, 1), np.float32)
        white[3, 4] = white[0, 0] = 1
        (tmp_path / "one.png").write_bytes(encode([Picture(white)], format="png").data)
        result = inside("inpaint", path, "--mask", mask, "-o", out)
        assert result.returncode == 0
        found = tifffile.imread(out)
        assert np.isfinite(found).all()
        known = np.isfinite(array) if mask == "nan" else np.isfinite(array) & (white[..., 0] == 0)
        assert np.array_equal(found[known], array[known])
        assert b"note: 2 pixels are not finite numbers" in result.stderr
        more = b"note: 1 more pixels are not finite numbers and are filled as well"
        assert (more in result.stderr) == (mask != "nan")
    assert inside("inpaint", path, "--mask", "nan", "--invert-mask", "-o", out).returncode == 2
    tifffile.imwrite(path, np.full((16, 16), 7.0, np.float32))
    result = inside("inpaint", path, "--mask", "nan", "-o", out)
    assert result.returncode == 1
    assert b"all pixels are finite numbers, so --mask nan marks none" in result.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_kills_around_in_place_leave_the_old_or_the_new_stack(inside, tmp_path):
    _, old = stack(slices=40, size=(64, 64))
    path = tmp_path / "s.tif"
    path.write_bytes(old)
    arguments = ["denoise", str(path), "--in-place", "--page", "all", "-q", "--steps", "1"]

    def begin():
        child = os.fork()
        if child == 0:
            os._exit(main(arguments))
        return child

    start = time.monotonic()
    assert os.waitpid(begin(), 0)[1] == 0
    duration, new = time.monotonic() - start, path.read_bytes()
    assert new != old
    assert len(tifffile.TiffFile(io.BytesIO(new)).pages) == 40
    dice, ends = random.Random(0), []
    for _ in range(30):
        path.write_bytes(old)
        child = begin()
        time.sleep(dice.uniform(0, 1.2 * duration))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        ends.append(path.read_bytes())
        assert ends[-1] in (old, new)
        for part in tmp_path.glob(".chnorm-*.part"):
            part.unlink()
        assert [item.name for item in tmp_path.iterdir()] == ["s.tif"]
    assert old in ends
