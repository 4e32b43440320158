"""JPEG files from bytes to bytes: recognised, cleaned, and told."""

import io
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from jpeg_files import compressed, opened, photograph, shared
from pictures import bundled
from PIL import Image

from chnorm_cli.classical.artefacts import compression_errors
from chnorm_cli.cli import main
from chnorm_cli.fitting.settings import Effort, FirstGuess, FitSettings
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.noise.finding import find_law
from chnorm_cli.noise.gaussian import Noise
from chnorm_cli.noise.law import Law
from chnorm_cli.noise.level import Level
from chnorm_cli.noise.names import Kind
from chnorm_cli.problems.operators import Downsample
from chnorm_cli.restoration import prepare_denoise, prepare_inpaint, prepare_superres
from chnorm_cli.restoration.artefacts import Wrong, what_is_wrong
from chnorm_cli.restoration.beginning import Beginning, Said
from chnorm_cli.restoration.tiles.learning import best_filling
from chnorm_cli.scaling.course import Course
from chnorm_cli.scaling.requests import Denoise, NoiseAsked, Reading, Request, Writing

FAST = FitSettings(effort=Effort.FAST, steps=2, device="cpu", threads=1)

QUICK = replace(FAST, first_guess=FirstGuess.CLASSICAL)


def restored(data, jpeg="auto", **asked):
    """The report of `chnorm denoise` for the bytes of a file, and its picture (H, W, C)."""
    request = Request(
        Denoise(NoiseAsked(**asked)),
        data,
        None,
        "a picture",
        FAST,
        reading=Reading(jpeg=jpeg),
        writing=Writing("png"),
    )
    *_, finished = Course(request)
    with Image.open(io.BytesIO(finished.data)) as image:
        return finished.report, np.asarray(image)


def test_a_jpeg_is_cleaned_by_itself():
    x = photograph(48, 64)
    report, clean = restored(compressed(x, 30))
    assert report["outcome"] == "cells"
    assert report["jpeg"]["sentence"] == "a JPEG of about quality 30, 4:2:0"
    assert (report["jpeg"]["quality"], report["jpeg"]["subsampling"]) == (30, "4:2:0")
    assert report["jpeg"]["outside_share"] == 0
    assert report["notes"][0].startswith("a JPEG of about quality 30, 4:2:0: its artefacts")
    truth = 255 * x.movedim(0, -1).numpy()
    y, _ = opened(compressed(x, 30))
    before = np.square(255 * y.movedim(0, -1).numpy() - truth).mean()
    assert np.square(clean - truth).mean() < 0.97 * before


def test_strong_noise_is_left_to_its_law_where_a_jpeg_has_all_of_it():
    x = bundled("astronaut")[:, :96, :96]
    noisy = x + 25 / 255 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    report, _ = restored(compressed(noisy, 95, subsampling=0))
    assert report["jpeg"] is None
    assert report["noise"]["sigma"] > 10


def test_counts_are_taken_out_with_the_artefacts_where_pixels_share_chroma():
    x = bundled("astronaut")[:, 100:228, 100:228]
    counts = torch.poisson(30 * x, generator=torch.Generator().manual_seed(0)) / 30
    y, jpeg = opened(compressed(counts, 92))
    law = find_law(y)
    assert law.kind is not Kind.GAUSSIAN
    wrong = what_is_wrong(y, jpeg, law)
    assert wrong.chance == 0
    after, before = ((z - x).square().mean() for z in (wrong.cleaned(y), y))
    assert after < 0.3 * before


def test_what_may_be_noise_or_texture_is_weighed():
    y, jpeg = opened(compressed(photograph(48, 48), 50))
    wrong = Wrong(jpeg, compression_errors(y, jpeg), 0.25)
    cells, dark = wrong.cleaned(y), torch.zeros_like(y)
    answer = wrong.weighed(y, lambda _: dark, 1.0)
    torch.testing.assert_close(answer(y), 0.75 * cells)


@pytest.mark.parametrize(("times", "chance"), [(1.6, 1 / 3), (2.2, 1 / 2), (3.0, 2 / 3)])
def test_faint_noise_that_neighbours_may_share_is_taken_out_in_part(times, chance):
    x = torch.linspace(0.35, 0.65, 160).expand(3, 160, 160)
    y, jpeg = opened(compressed(x + shared(x.shape, 10, 0.9), 95))
    sigma = times * compression_errors(y, jpeg).luma
    law = Law(Noise(sigma, torch.zeros(3, 3, 3, 3)), Level.constant(sigma, 3))
    assert what_is_wrong(y, jpeg, law).chance == pytest.approx(chance)
    stronger = replace(law, level=Level.constant(20 / 255, 3))  # more than its blocks show
    assert what_is_wrong(y, jpeg, stronger).chance == 0


def test_noise_as_strong_as_the_error_of_the_file_is_noise_where_nothing_speaks_against_it():
    x = photograph(192, 192)
    y, jpeg = opened(compressed(x + shared(x.shape, 5, 1.0), 50))
    law = find_law(y)
    assert 1.0 < law.sigma / compression_errors(y, jpeg).luma < 1.25
    assert what_is_wrong(y, jpeg, law).chance == 1
    weaker = replace(law, noise=replace(law.noise, kernel=None))
    assert what_is_wrong(y, jpeg, weaker).chance == 0


def test_who_speaks_of_noise_gets_it_removed_and_nothing_else():
    data = compressed(photograph(32, 48), 30)
    report, _ = restored(data, sigma=12.0)
    assert report["jpeg"] is None
    assert report["sigma"] == pytest.approx(12.0)
    kept, same = restored(data, strength=0.0)
    assert kept["outcome"] == "nothing_asked"
    with Image.open(io.BytesIO(data)) as image:
        assert (same == np.asarray(image)).all()


@pytest.mark.parametrize("quality", [100, 98])
def test_a_jpeg_that_lost_nothing_visible_is_left_alone(quality):
    smooth = torch.linspace(0.3, 0.6, 64).expand(3, 48, 64)
    y, jpeg = opened(compressed(smooth, quality, subsampling=0))
    restoration = prepare_denoise(y.movedim(0, -1).numpy(), jpeg=jpeg, settings=FAST)
    for _ in restoration:
        pass
    assert restoration.solution.outcome is Outcome.CLEAN


def test_a_picture_with_its_file_travels_to_other_processes():
    from chnorm_cli.images import read_pictures

    (picture,) = read_pictures(compressed(photograph(16, 16), 50), name="photo.jpg")
    assert pickle.loads(pickle.dumps(picture)).jpeg.compression() is not None


def test_the_error_map_knows_how_wrong_the_answer_is():
    x = photograph(64, 64)
    y, jpeg = opened(compressed(x, 30))
    pixels = y.movedim(0, -1).numpy()
    restoration = prepare_denoise(pixels, jpeg=jpeg, settings=FAST, uncertainty=True)
    for _ in restoration:
        pass
    solution = restoration.solution
    true = np.square(solution.pixels - x.movedim(0, -1).numpy()).mean() ** 0.5
    assert solution.expected_rms == pytest.approx(true, rel=0.4)


def test_noise_that_went_through_the_compression_is_taken_out_with_it():
    x = bundled("astronaut")[:, 20:148, 180:308]
    noisy = x + 25 / 255 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    data = compressed(noisy, 75)
    report, clean = restored(data)
    assert report["noise"]["sigma"] == pytest.approx(25, rel=0.2)
    assert "made of a noisy picture" in report["notes"][0]
    truth = 255 * x.movedim(0, -1).numpy()
    y, _ = opened(data)
    before = np.square(255 * y.movedim(0, -1).numpy() - truth).mean()
    assert np.square(clean - truth).mean() < 0.4 * before


def test_a_png_that_was_a_jpeg_is_cleaned_unless_told_otherwise():
    y, _ = opened(compressed(bundled("astronaut")[:, 20:116, 180:276], 30))
    buffer = io.BytesIO()
    samples = (255 * y).round().byte().movedim(0, -1).numpy()
    Image.fromarray(np.ascontiguousarray(samples)).save(buffer, "PNG")
    told = [restored(buffer.getvalue(), jpeg=asked)[0] for asked in ("auto", "30", "off")]
    assert [r["settings"]["jpeg"] for r in told] == ["auto", "30", "off"]
    found, said, off = (r["jpeg"] for r in told)
    assert found["sentence"] == said["sentence"] == "a JPEG of about quality 30, 4:2:0"
    assert found["outside_share"] == 0
    assert off is None


def test_files_of_high_quality_change_little():
    y, jpeg = opened(compressed(bundled("astronaut")[:, 20:116, 180:276], 95))
    restoration = prepare_denoise(y.movedim(0, -1).numpy(), jpeg=jpeg, settings=FAST)
    for _ in restoration:
        pass
    change = 255 * np.abs(restoration.solution.pixels - y.movedim(0, -1).numpy())
    assert 0.2 < change.mean() <= 0.65


def test_a_small_jpeg_is_enlarged_without_its_artefacts():
    y, jpeg = opened(compressed(photograph(40, 48), 40))
    restoration = prepare_superres(y.movedim(0, -1).numpy(), 2, jpeg=jpeg, settings=FAST)
    for _ in restoration:
        pass
    solution = restoration.solution
    assert solution.notes[0].startswith("the small picture is a JPEG of about quality 40")
    large = torch.from_numpy(solution.pixels).movedim(-1, 0)
    small = Downsample((40, 48), 2).forward(large)
    assert jpeg.outside_share(small) < 0.05  # it explains a picture in the cells
    assert float((small - y).abs().max()) > 4 / 255  # and not the decoded one


def damaged():
    """A JPEG of quality 30 (H, W, C) with a scratch, what is known of it, and the mask (H, W)."""
    x = photograph(48, 48)
    mask = np.zeros((48, 48), dtype=bool)
    mask[22:25, 4:44] = True
    y, jpeg = opened(compressed(torch.where(torch.from_numpy(mask), 1.0, x), 30))
    return y.movedim(0, -1).numpy(), jpeg, mask, x.movedim(0, -1).numpy()


def test_observed_pixels_of_a_jpeg_stay_unless_they_are_to_be_clean():
    y, jpeg, mask, x = damaged()

    def filled(**asked):
        restoration = prepare_inpaint(y, mask, settings=QUICK, **asked)
        for _ in restoration:
            pass
        return restoration.solution

    plain, kept, clean = filled(), filled(jpeg=jpeg), filled(jpeg=jpeg, clean=True)
    assert (kept.pixels[~mask] == y[~mask]).all()
    assert "filled from what is clean of its artefacts" in kept.notes[0]
    assert kept.jpeg["outside_share"] == 0
    assert not np.array_equal(kept.pixels[mask], plain.pixels[mask])
    np.testing.assert_array_equal(kept.pixels[mask], clean.pixels[mask])
    assert clean.jpeg["outside_share"] == 0  # of what the holes do not touch
    errors = [np.square(s.pixels - x)[~mask].mean() for s in (clean, kept)]
    assert errors[0] < 0.97 * errors[1]


@pytest.mark.parametrize("clean", [False, True])
def test_the_map_of_a_filled_jpeg_holds_what_the_file_errs_by(clean):
    y, jpeg, mask, x = damaged()
    restoration = prepare_inpaint(y, mask, jpeg=jpeg, clean=clean, settings=QUICK, uncertainty=True)
    for _ in restoration:
        pass
    solution = restoration.solution
    known = np.isfinite(solution.error_map.error)
    for where in (mask & known, ~mask):  # holes err at least as what they are filled from
        true = np.square(solution.pixels - x)[where].mean() ** 0.5
        told = np.square(solution.error_map.error[where]).mean() ** 0.5
        assert told == pytest.approx(true, rel=0.4)


def test_tiles_are_filled_from_what_is_clean():
    y, jpeg, mask, _ = damaged()
    picture = torch.from_numpy(y).movedim(-1, 0)
    wrong = Wrong(jpeg, compression_errors(picture, jpeg))
    beginning = Beginning(picture, Said(), torch.from_numpy(mask), decided=False)
    _, fit = best_filling(beginning, QUICK, 256, wrong)
    for _ in fit:
        pass
    known = torch.from_numpy(~mask)
    torch.testing.assert_close(fit.estimate()[:, known], wrong.cleaned(picture)[:, known])


@pytest.mark.parametrize("told", ["0", "101", "yes"])
def test_a_quality_lies_between_1_and_100(told, capsys):
    assert main(["denoise", "a.jpg", "--jpeg", told, "-o", "b.png"]) == 2
    assert f"--jpeg {told}: give auto, off, or a quality" in capsys.readouterr().err


@pytest.mark.parametrize(("quality", "said"), [(85, True), (100, False)])
def test_bad_pixels_that_were_compressed_are_filled_and_that_is_said(quality, said):
    x = photograph(64, 64)
    places = torch.randperm(64 * 64, generator=torch.Generator().manual_seed(0))[:20]
    x.view(3, -1)[:, places] = 1.0
    y, jpeg = opened(compressed(x, quality))
    restoration = prepare_denoise(y.movedim(0, -1).numpy(), jpeg=jpeg, settings=QUICK)
    for _ in restoration:
        pass
    notes = restoration.solution.notes
    assert "bad pixels" in notes[0]
    assert any("has spread these faults over blocks" in note for note in notes) is said
