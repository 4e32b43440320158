"""An OME-Zarr that is larger than memory: restored from windows, to the same picture."""

from dataclasses import replace

import numpy as np
import pytest
import tifffile
from pictures import bundled
from zarr_files import files, ome_zarr, pixels, told

from chnorm_cli.fitting.settings import Effort, FitSettings
from chnorm_cli.images import ImageError
from chnorm_cli.scaling import choosing
from chnorm_cli.scaling.choosing import course_for
from chnorm_cli.scaling.course import Course
from chnorm_cli.scaling.failures import Failure
from chnorm_cli.scaling.processes import Here
from chnorm_cli.scaling.requests import (
    Denoise,
    NoiseAsked,
    Reading,
    Request,
    Superres,
    TilesAsked,
    Writing,
)
from chnorm_cli.scaling.tiles import tile_workers
from chnorm_cli.scaling.tiles.tiled_course import TiledCourse

pytest.importorskip("zarr")
SETTINGS = FitSettings(effort=Effort.FAST, steps=1, device="cpu", tile=256)


@pytest.fixture(autouse=True)
def _small_parts(learning_from_small_parts):
    """The pictures are small."""


def saved(path, width):
    truth = bundled("astronaut")[0, 60:108, 10 : 10 + width].numpy()
    noisy = truth + 25 / 255 * np.random.default_rng(0).standard_normal(truth.shape)
    x = np.clip(np.rint(255 * noisy), 0, 255).astype(np.uint8)
    chunks = (1, 1, 32, 64)
    return ome_zarr(path, x[None, None], "czyx", levels=2, labels=True, chunks=chunks)


@pytest.fixture
def cells(tmp_path):
    """Three tiles in a row."""
    return saved(tmp_path / "cells.zarr", 500)


def asked(source, target="clean.zarr", task=None, resume=False):
    target = source.parent / target
    writing = Writing("tiff" if target.suffix == ".tif" else "zarr")
    task = task or Denoise(NoiseAsked(sigma=25))
    tiles = TilesAsked(jobs=0, resume=resume)
    return Request(task, source, target, source.name, SETTINGS, writing=writing, tiles=tiles)


def run(request):
    course = course_for(request)
    assert isinstance(course, TiledCourse)
    assert course.slide is not None
    *_, finished = course
    return finished.report


class Stopping(Here):
    """Is stopped before its third call."""

    calls = 0

    def submit(self, fn, /, *args, **kwargs):
        self.calls += 1
        if self.calls == 3:
            raise KeyboardInterrupt
        return super().submit(fn, *args, **kwargs)


def test_a_large_one_goes_through_windows_and_a_stopped_run_is_taken_up(cells, monkeypatch):
    assert isinstance(course_for(asked(cells)), Course)
    monkeypatch.setattr(choosing, "STREAMED", 1000)
    with pytest.raises(ImageError, match="there is no page 2"):
        list(course_for(replace(asked(cells), reading=Reading(page=2))))
    report = run(asked(cells))
    assert (report["format"], report["axes"], report["shape"]) == ("zarr", "YX", [48, 500])
    before, after = (
        pixels(cells.parent / name)[0, 0].astype(float) for name in ("cells.zarr", "clean.zarr")
    )
    assert np.diff(after).std() < 0.7 * np.diff(before).std()
    assert files(cells.parent / "clean.zarr").keys() == files(cells).keys()
    assert np.array_equal(
        pixels(cells.parent / "clean.zarr", 1)[0, 0],
        np.rint(after.reshape(24, 2, 250, 2).mean(axis=(1, 3))),
    )
    run(asked(cells, "clean.tif"))
    assert np.array_equal(tifffile.imread(cells.parent / "clean.tif"), after)
    again = asked(cells, "again.zarr", resume=True)
    with monkeypatch.context() as patch:
        patch.setattr(tile_workers, "Here", Stopping)
        course = course_for(again)
        with pytest.raises(KeyboardInterrupt):
            list(course)
    assert not again.target.exists()
    assert course.kept.startswith("2 of 3 tiles are kept")
    run(again)
    assert files(again.target) == files(cells.parent / "clean.zarr")
    names = sorted(p.name for p in cells.parent.iterdir())
    assert names == ["again.zarr", "cells.zarr", "clean.tif", "clean.zarr"]


def test_tiles_of_another_state_of_the_folder_are_not_mixed_in(cells, monkeypatch):
    request = asked(cells, resume=True)
    with monkeypatch.context() as patch:
        patch.setattr(tile_workers, "Here", Stopping)
        with pytest.raises(KeyboardInterrupt):
            list(course_for(request))
    chunk = next(item for item in (cells / "s0" / "0" / "0").rglob("*") if item.is_file())
    chunk.write_bytes(chunk.read_bytes())
    with pytest.raises(Failure, match="of another picture or of other options"):
        list(course_for(request))
    # in place the old folder is read until the new one is whole
    before = pixels(cells)
    run(replace(request, target=cells))
    assert not np.array_equal(pixels(cells), before)
    assert (cells / "labels" / "nuclei").is_dir()


def test_a_large_one_is_enlarged_and_becomes_a_tiff(tmp_path, monkeypatch):
    cells = saved(tmp_path / "cells.zarr", 100)
    monkeypatch.setattr(choosing, "STREAMED", 1000)
    report = run(asked(cells, "large.zarr", Superres(2)))
    assert any("the picture as it was: labels" in note for note in report["notes"])
    levels = told(cells.parent / "large.zarr")["multiscales"][0]["datasets"]
    assert levels[1]["coordinateTransformations"][0]["scale"] == [1.0, 0.5, 0.2, 0.2]
    assert pixels(cells.parent / "large.zarr").shape == (1, 1, 96, 200)
    report = run(asked(cells, "clean.tif"))
    assert any("TIFF cannot hold all" in note for note in report["notes"])
    with tifffile.TiffFile(cells.parent / "clean.tif") as file:
        assert file.pages[0].shape == (48, 100)
        assert 'SizeX="100"' in file.pages[0].description
