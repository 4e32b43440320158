"""Holes, enlarging and JPEGs in tiles that are files: as in tiles that are held, and taken up alike."""

import io
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from pictures import bundled
from PIL import Image

from chnorm_cli.fitting.settings import Effort, FirstGuess, FitSettings
from chnorm_cli.noise import finding
from chnorm_cli.restoration import artefacts
from chnorm_cli.restoration.filling import Filling
from chnorm_cli.restoration.tiles import (
    from_parts,
    from_parts_enlarging,
    from_parts_filling,
    learning,
    tiling,
)
from chnorm_cli.scaling.choosing import course_for
from chnorm_cli.scaling.course import Course
from chnorm_cli.scaling.failures import Failure
from chnorm_cli.scaling.processes import Here
from chnorm_cli.scaling.requests import (
    Denoise,
    Inpaint,
    NoiseAsked,
    Request,
    Superres,
    TilesAsked,
    Writing,
)
from chnorm_cli.scaling.tiles import tile_workers
from chnorm_cli.scaling.tiles.tiled_course import TiledCourse

SETTINGS = FitSettings(effort=Effort.FAST, steps=2, device="cpu", tile=256, threads=1)
KEPT = TilesAsked(jobs=0, resume=True)


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch):
    for module in (from_parts, from_parts_enlarging, learning):
        monkeypatch.setattr(module, "PART", 40)
    for module in (finding, from_parts, from_parts_enlarging, from_parts_filling):
        monkeypatch.setattr(module, "WINDOW", 32)
        monkeypatch.setattr(module, "WINDOWS", 2)
    monkeypatch.setattr(tiling, "LEAST_SMALL", 100)
    monkeypatch.setattr(Filling, "tries", lambda _: 1)


@pytest.fixture(scope="module")
def samples():
    """A gray photograph (40, 330), uint8."""
    return (255 * bundled("astronaut")[0, 60:100, 10:340]).round().byte().numpy()


def asked(task, source, target, tiles=KEPT, **settings):
    target = source.parent / target
    form = {".tif": "tiff", ".jpg": "jpeg"}.get(target.suffix, "png")
    return Request(
        task,
        source,
        target,
        source.name,
        replace(SETTINGS, **settings),
        writing=Writing(form),
        tiles=tiles,
    )


def run(request):
    course = course_for(request)
    assert isinstance(course, TiledCourse if request.tiles.kept else Course)
    *_, finished = course
    with Image.open(request.target) as image:
        return np.asarray(image), finished.report


class Stopping(Here):
    """Is stopped before its second call."""

    calls = 0

    def submit(self, fn, /, *args, **kwargs):
        self.calls += 1
        if self.calls > 1:
            raise KeyboardInterrupt
        return super().submit(fn, *args, **kwargs)


def stopped(request, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(tile_workers, "Here", Stopping)
        with pytest.raises(KeyboardInterrupt):
            list(course_for(request))
    assert not request.target.exists()


def test_an_enlarged_slide_is_that_of_a_picture_in_memory(tmp_path, samples, monkeypatch):
    slide, picture, samples = tmp_path / "a.tif", tmp_path / "a.png", samples[:24, :230]
    tifffile.imwrite(slide, samples, tile=(16, 16), resolution=(100, 100))
    Image.fromarray(samples).save(picture)
    task = Superres(2)
    request = asked(task, slide, "large.tif")
    stopped(request, monkeypatch)
    streamed, report = run(request)
    held, _ = run(asked(task, picture, "held.png"))
    plain, _ = run(asked(task, picture, "plain.png", TilesAsked()))
    assert streamed.shape == (48, 460)
    assert report["output_size"] == [460, 48]
    assert np.array_equal(streamed, held)
    assert np.abs(streamed - plain.astype(float)).mean() < 0.2
    page = tifffile.TiffFile(request.target).pages[0]
    assert page.resolution == (200, 200)


def test_the_alpha_of_a_slide_is_enlarged_without_seams(tmp_path, samples):
    path, samples = tmp_path / "a.tif", samples[:24, :230]
    alpha = np.clip(np.add.outer(np.arange(24), np.arange(230)), 1, 255).astype(np.uint8)
    rgba = np.dstack([samples] * 3 + [alpha])
    tifffile.imwrite(path, rgba, tile=(16, 16), photometric="rgb", extrasamples=["unassalpha"])
    streamed, _ = run(asked(Superres(2), path, "large.tif", first_guess=FirstGuess.CLASSICAL))
    large = Image.fromarray(alpha).resize((460, 48), Image.Resampling.BICUBIC)
    assert np.abs(streamed[..., 3] - np.asarray(large, float)).max() <= 1


@pytest.fixture
def holes(tmp_path, samples):
    """A third of the pixels and a disc are missing; there is no noise between them."""
    missing = np.random.default_rng(0).random(samples.shape) < 0.3
    rows, columns = np.mgrid[:40, :330]
    missing |= (rows - 20) ** 2 + (columns - 150) ** 2 < 9**2
    Image.fromarray(missing).save(tmp_path / "mask.png")
    tifffile.imwrite(tmp_path / "a.tif", samples * ~missing, tile=(16, 16))
    Image.fromarray(samples * ~missing).save(tmp_path / "a.png")
    return missing


def test_holes_are_filled_tile_by_tile_and_observed_pixels_stay(
    tmp_path, samples, holes, monkeypatch
):
    task = Inpaint(tmp_path / "mask.png")
    answers = {}
    for name, tiles in (("a.tif", KEPT), ("a.png", KEPT), ("a.png", TilesAsked())):
        request = asked(task, tmp_path / name, f"filled-{len(answers)}.tif", tiles)
        if name == "a.tif":
            stopped(request, monkeypatch)
        answer, report = run(request)
        answers[len(answers)] = answer
        assert np.array_equal(answer[~holes], samples[~holes])
        error = np.square(answer[holes] - samples[holes].astype(float)).mean()
        assert error < 0.2 * np.square(samples[holes].astype(float) - samples[~holes].mean()).mean()
        wide = [note for note in report["notes"] if "wide holes" in note]
        assert ("smoothly: a picture of this size" in "".join(wide)) == (name == "a.tif")
    assert np.abs(answers[1] - answers[2].astype(float)).mean() < 1.0


def test_tiles_of_another_mask_are_never_mixed_in(tmp_path, holes, monkeypatch):
    request = asked(Inpaint(tmp_path / "mask.png"), tmp_path / "a.png", "filled.png")
    stopped(request, monkeypatch)
    Image.fromarray(~holes).save(tmp_path / "mask.png")
    with pytest.raises(Failure, match="of another picture or of other options"):
        list(course_for(request))


def test_what_is_transparent_in_a_slide_is_filled_and_opaque(tmp_path, samples, holes):
    path = tmp_path / "rgba.tif"
    rgba = np.dstack([samples * ~holes] * 3 + [np.where(holes, 0, 255).astype(np.uint8)])
    tifffile.imwrite(path, rgba, tile=(16, 16), photometric="rgb", extrasamples=["unassalpha"])
    answer, _ = run(asked(Inpaint(None), path, "filled.tif"))
    assert answer.shape == (40, 330, 3)
    assert np.array_equal(answer[~holes], rgba[~holes][:, :3])


def test_a_jpeg_is_cleaned_as_without_kept_tiles(tmp_path, samples):
    path = tmp_path / "a.jpg"
    Image.fromarray(samples).save(path, quality=20)
    kept, report = run(asked(Denoise(), path, "kept.png"))
    plain, other = run(asked(Denoise(), path, "plain.png", TilesAsked()))
    assert report["notes"] == other["notes"]
    assert report["outcome"] == other["outcome"] == "cells"
    assert np.abs(kept - plain.astype(float)).mean() < 0.3
    decoded = np.asarray(Image.open(io.BytesIO(path.read_bytes())), float)
    assert np.square(kept - samples.astype(float)).mean() < np.square(decoded - samples).mean()


def test_what_files_may_change_at_most_holds_in_kept_tiles_too(tmp_path, samples, monkeypatch):
    path = tmp_path / "a.jpg"
    Image.fromarray(samples).save(path, quality=20)
    decoded = np.asarray(Image.open(path), float)
    free, _ = run(asked(Denoise(), path, "free.png"))
    monkeypatch.setattr(artefacts, "MOST_CHANGE", ((20, 1.5 / 255),))
    for name, tiles in (("kept.png", KEPT), ("plain.png", TilesAsked())):
        bounded, _ = run(asked(Denoise(), path, name, tiles))
        change, rounding = np.sqrt(np.square(bounded - decoded).mean()), 0.3
        assert 1.0 < change < 1.5 + rounding < np.sqrt(np.square(free - decoded).mean())


def test_bad_pixels_of_a_clean_picture_are_filled_and_the_others_stay(tmp_path):
    rows, columns = np.mgrid[:60, :330]
    clean = (100 + 50 * np.sin(columns / 20) + 30 * np.cos(rows / 15)).astype(np.uint8)
    bad = np.random.default_rng(0).random(clean.shape) < 0.01
    Image.fromarray(np.where(bad, 255, clean)).save(tmp_path / "a.png")
    answer, report = run(asked(Denoise(NoiseAsked()), tmp_path / "a.png", "filled.png"))
    assert from_parts.FAULTS in report["notes"]
    assert np.array_equal(answer[~bad], clean[~bad])
    assert np.abs(answer[bad] - clean[bad].astype(float)).max() < 20
