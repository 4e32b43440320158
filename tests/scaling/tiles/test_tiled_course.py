"""Pictures in tiles that are files: taken up after a stop, shared out, always to the same bytes."""

import json
from concurrent.futures import Executor, Future
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from pictures import bundled

from chnorm_cli.fitting.settings import Effort, FitSettings
from chnorm_cli.fitting.solution import Step
from chnorm_cli.images import encode, read_pictures
from chnorm_cli.scaling.choosing import course_for
from chnorm_cli.scaling.course import Course
from chnorm_cli.scaling.events import Finished
from chnorm_cli.scaling.failures import Failure
from chnorm_cli.scaling.processes import Here
from chnorm_cli.scaling.requests import (
    Denoise,
    NoiseAsked,
    Reading,
    Request,
    TilesAsked,
    Writing,
)
from chnorm_cli.scaling.tiles import tile_workers
from chnorm_cli.scaling.tiles.tiled_course import TiledCourse

SETTINGS = FitSettings(effort=Effort.FAST, steps=2, device="cpu", tile=256)
HERE = TilesAsked(jobs=0, resume=True)


@pytest.fixture(autouse=True)
def _small_parts(learning_from_small_parts):
    """The pictures are small."""


@pytest.fixture
def slide(tmp_path):
    """Three tiles in a row."""
    truth = bundled("astronaut")[:1, 60:108, 10:510].numpy()
    noisy = truth + 25 / 255 * np.random.default_rng(0).standard_normal(truth.shape)
    samples = np.clip(np.rint(255 * noisy[0]), 0, 255).astype(np.uint8)
    path = tmp_path / "slide.tif"
    tifffile.imwrite(
        path, samples, tile=(16, 16), description="a cell", metadata=None, bigtiff=True
    )
    return path


def asked(source, target="clean.tif", tiles=HERE, **changes):
    target = source.parent / target
    writing = Writing("tiff" if target.suffix == ".tif" else "png")
    noise = NoiseAsked(sigma=25)
    request = Request(
        Denoise(noise), source, target, source.name, SETTINGS, writing=writing, tiles=tiles
    )
    return replace(request, **changes)


def run(request):
    course = course_for(request)
    assert isinstance(course, TiledCourse)
    *_, finished = course
    assert isinstance(finished, Finished)
    return finished.report


class Stopping(Here):
    """Is stopped before the call of that number, counted from 1."""

    def __init__(self, last):
        self.left = last

    def submit(self, fn, /, *args, **kwargs):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt
        return super().submit(fn, *args, **kwargs)


def test_a_run_that_was_stopped_takes_up_its_tiles_to_the_same_bytes(slide, monkeypatch):
    report = run(asked(slide))
    whole = (slide.parent / "clean.tif").read_bytes()
    assert report["output"].endswith("clean.tif")
    assert report["plan"]["tile"] == 256
    for last in (1, 2, 3):
        request = asked(slide, f"again-{last}.tif")
        with monkeypatch.context() as patch:
            patch.setattr(tile_workers, "Here", lambda last=last: Stopping(last))
            course = course_for(request)
            with pytest.raises(KeyboardInterrupt):
                list(course)
        assert not request.target.exists()
        folder = course.store.folder
        before = {p.name: p.stat().st_mtime_ns for p in folder.glob("tile-*")}
        assert len(before) == last - 1
        assert course.kept.startswith(f"{last - 1} of 3 tiles are kept")
        seen = []
        with monkeypatch.context() as patch:
            patch.setattr("chnorm_cli.scaling.tiles.tile_jobs.save", _noting(seen))
            again = run(request)
        assert len(seen) == 3 - len(before)
        assert request.target.read_bytes() == whole
        assert again["steps"] == report["steps"]
        assert not folder.exists()
    page = tifffile.TiffFile(slide.parent / "clean.tif").pages[0]
    assert (page.description, page.tilewidth) == ("a cell", 16)


def _noting(seen):
    from chnorm_cli.scaling.tiles.tile_store import save

    def noting(place, array):
        seen.append(place.name)
        save(place, array)

    return noting


def test_without_resume_a_run_begins_again_and_other_tiles_are_never_mixed_in(slide, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(tile_workers, "Here", lambda: Stopping(2))
        with pytest.raises(KeyboardInterrupt):
            list(course_for(asked(slide)))
    other = asked(slide, settings=replace(SETTINGS, seed=1))
    with pytest.raises(Failure, match="of another picture or of other options"):
        list(course_for(other))
    fresh = replace(other, tiles=TilesAsked(jobs=0, resume=False))
    *_, finished = TiledCourse(fresh, choosing_slide(slide))
    assert finished.report["status"] == "ok"


def test_after_each_tile_the_last_step_is_told_again_with_the_share_that_is_done(slide):
    steps = [event for event in course_for(asked(slide)) if isinstance(event, Step)]
    assert [step.index for step in steps] == [1, 2, 2, 2, 2]  # two to learn, then three tiles
    shares = [step.share_done for step in steps]
    assert all(0 < share < 1 for share in shares[:-1])
    assert shares[-1] == pytest.approx(1)


def choosing_slide(path):
    from chnorm_cli.images import open_slide

    return open_slide(path, path.name)


def test_shares_come_together_in_any_order(slide):
    run(asked(slide))
    shares = [
        run(asked(slide, "shared.tif", TilesAsked(jobs=0, shard=(share, 3)))) for share in (2, 3, 1)
    ]
    assert [report["output"] is None for report in shares] == [True, True, False]
    assert "2 of 3 tiles are still to be made" in shares[0]["notes"][-1]
    whole, shared = ((slide.parent / f"{name}.tif").read_bytes() for name in ("clean", "shared"))
    assert whole == shared


@pytest.mark.slow
def test_processes_make_the_same_bytes(slide):
    run(asked(slide))
    run(asked(slide, "apart.tif", TilesAsked(jobs=2, resume=True)))
    whole, apart = ((slide.parent / f"{name}.tif").read_bytes() for name in ("clean", "apart"))
    assert whole == apart


class Failing(Executor):
    """Fails at one tile, always or so many times."""

    def __init__(self, number, times):
        self.number, self.times = number, times

    def submit(self, fn, /, job):
        if job.number == self.number and self.times:
            self.times -= 1
            future = Future()
            future.set_exception(RuntimeError("its worker is gone"))
            return future
        return Here().submit(fn, job)


def test_a_tile_that_fails_three_times_is_reported_and_the_rest_kept(slide, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(tile_workers, "Here", lambda: Failing(1, 3))
        with pytest.raises(
            Failure,
            match=r"tile 2 failed three times \(its worker is gone\); 2 of 3 tiles are kept",
        ):
            list(course_for(asked(slide)))
        patch.setattr(tile_workers, "Here", lambda: Failing(1, 2))
        assert run(asked(slide))["status"] == "ok"


def test_a_cluster_that_is_not_there_is_found_before_anything_is_done(slide):
    with pytest.raises(Failure, match="give an address"):
        list(course_for(asked(slide, tiles=TilesAsked(dask=str(slide.parent / "none.json")))))
    assert not list(slide.parent.glob(".chnorm*"))


def test_a_picture_of_another_format_is_read_whole(slide):
    (picture,) = read_pictures(slide, name="slide.tif")
    png = slide.parent / "picture.png"
    png.write_bytes(encode([picture], format="png").data)
    run(asked(slide))
    run(asked(png, "clean.png"))
    (tiff,), (other,) = (
        read_pictures(slide.parent / name, name=name) for name in ("clean.tif", "clean.png")
    )
    assert np.array_equal(tiff.pixels, other.pixels)


def test_what_is_left_alone_is_copied(slide):
    report = run(asked(slide, task=Denoise(NoiseAsked(sigma=0))))
    assert report["outcome"] == "nothing_asked"
    same = tifffile.imread(slide) == tifffile.imread(slide.parent / "clean.tif")
    assert same.all()


def test_a_slide_beyond_the_limit_is_streamed_and_a_bomb_is_not(slide, tmp_path):
    small = Reading(max_pixels=1000)
    assert isinstance(course_for(asked(slide, tiles=TilesAsked(), reading=small)), TiledCourse)
    assert isinstance(course_for(asked(slide, tiles=TilesAsked())), Course)
    bomb = tmp_path / "bomb.tif"
    black = np.zeros((4096, 4096), np.uint8)
    tifffile.imwrite(bomb, black, tile=(1024, 1024), compression="adobe_deflate")
    course = course_for(asked(bomb, tiles=TilesAsked(), reading=small))
    with pytest.raises(Exception, match="the limit is 1000"):
        list(course)


def test_what_is_not_possible_in_such_tiles_is_said(slide):
    for change in ({"target": None}, {"uncertainty": slide}, {"bad_mask": slide}):
        with pytest.raises(Failure, match="from a file to a file, without --uncertainty"):
            course_for(replace(asked(slide), **change))
    stack = slide.parent / "stack.tif"
    tifffile.imwrite(stack, np.zeros((2, 32, 32), np.uint8), photometric="minisblack")
    with pytest.raises(Exception, match="give --page 1"):
        list(course_for(asked(stack)))


def test_the_plan_says_what_it_is_about(slide, monkeypatch):
    monkeypatch.setattr(tile_workers, "Here", lambda: Stopping(1))
    course = course_for(asked(slide))
    with pytest.raises(KeyboardInterrupt):
        list(course)
    plan = json.loads((course.store.folder / "plan.json").read_text())
    assert plan["size"] == [48, 500]
    assert plan["settings"]["threads"] == 1
