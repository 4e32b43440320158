"""The sample pictures are what their README says, and can be made again."""

import re
import runpy
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import typer.main
from PIL import Image

from chnorm_cli.cli import build, main

SAMPLES = Path(__file__).parents[1] / "sample_images"
README = (SAMPLES / "README.md").read_text()
COMMANDS = re.findall(r"^\$ chnorm (.+)$", README, re.MULTILINE)


def pixels(path):
    return np.asarray(Image.open(path))


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_makes_its_picture_again(command, tmp_path, monkeypatch):
    arguments = shlex.split(command)
    name = arguments[arguments.index("-o") + 1]
    for file in SAMPLES.glob("*.png"):
        if file.name != name:
            shutil.copy(file, tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 0
    assert np.array_equal(pixels(tmp_path / name), pixels(SAMPLES / name))


def test_every_picture_is_explained_and_they_are_small():
    files = list(SAMPLES.glob("*.png"))
    assert len(files) == 9
    assert sum(file.stat().st_size for file in files) < 620_000
    for file in files:
        assert f"`{file.name}" in README or f" {file.name}" in README
        assert max(pixels(file).shape[:2]) <= 256


def test_the_mask_is_white_where_the_picture_is_lost():
    missing = pixels(SAMPLES / "scratches.png") > 0
    truth, bad = pixels(SAMPLES / "coffee.png"), pixels(SAMPLES / "coffee-scratched.png")
    assert (bad[missing] == 0).all()
    assert np.array_equal(bad[~missing], truth[~missing])
    assert f"{100 * missing.mean():.1f} %" in README


def test_the_jpeg_is_of_the_quality_that_it_says():
    truth = pixels(SAMPLES / "coffee.png").astype(float)
    with Image.open(SAMPLES / "coffee-compressed.jpg") as image:
        tables, layers = image.quantization, image.layer
        error = np.square(np.asarray(image, float) - truth).mean()
    assert (tables[0][0], layers[0][1:3]) == (32, (2, 2))  # 16 steps at quality 50; 4:2:0
    assert f"{10 * np.log10(255**2 / error):.1f} dB" in README
    with Image.open(SAMPLES / "jpeg.jpg") as pair:
        assert pair.size == (2 * 2 * 192 + 6, 2 * 192)


def test_the_noise_is_as_strong_as_it_says():
    truth = pixels(SAMPLES / "astronaut.png").astype(float)
    noisy = pixels(SAMPLES / "astronaut-noisy.png").astype(float)
    error = np.square(noisy - truth).mean()
    assert f"{10 * np.log10(255**2 / error):.1f} dB" in README


def test_make_draws_the_truths_and_the_mask_again(tmp_path, monkeypatch):
    script = shutil.copy(SAMPLES / "make.py", tmp_path)
    runpy.run_path(str(script), run_name="__main__")
    made = sorted(tmp_path.glob("*.png"))
    assert [file.name for file in made] == [
        "astronaut.png", "cell.png", "chelsea.png", "coffee.png", "scratches.png",
    ]  # fmt: skip
    for file in made:
        if file.name != "scratches.png":  # the letters are those of Pillow's own font, as it is now
            assert np.array_equal(pixels(file), pixels(SAMPLES / file.name))


SHEET = runpy.run_path(str(SAMPLES / "sheet.py"))
TRUTHS = {
    "astronaut-noisy.png": "astronaut.png",
    "coffee-scratched.png": "coffee.png",
    "chelsea-small.png": "chelsea.png",
    "cell-counts.png": "cell.png",
}


def rgb(picture):
    return np.asarray(picture.convert("RGB"), float)


def test_the_sheet_shows_the_samples_and_that_they_became_better():
    side, gap = SHEET["SIDE"], SHEET["GAP"]
    sheet = rgb(Image.open(SAMPLES / "before-after.jpg"))
    assert (SAMPLES / "before-after.jpg").stat().st_size < 300_000
    assert SHEET["RESTORED"].keys() == TRUTHS.keys()
    for column, (name, (_, (x, y))) in enumerate(SHEET["RESTORED"].items()):
        truth = Image.open(SAMPLES / TRUTHS[name])
        bad = Image.open(SAMPLES / name).resize(truth.size, Image.Resampling.NEAREST)
        shown, given = (rgb(picture.crop((x, y, x + side, y + side))) for picture in (truth, bad))
        left = column * (side + gap)
        before, after = (sheet[top : top + side, left : left + side] for top in (0, side + gap))
        assert abs(before - given).mean() < 8  # but for what JPEG changes
        assert np.square(after - shown).mean() < 0.7 * np.square(before - shown).mean()


def test_the_sheet_is_made_by_commands_that_the_program_knows(monkeypatch):
    ran = []

    def run(words, *, cwd, check):
        ran.append(words[3:])
        name = next(word for word in words if word in TRUTHS)
        shutil.copy(SAMPLES / TRUTHS[name], words[-1])
        assert cwd == SAMPLES
        assert check

    monkeypatch.setattr(subprocess, "run", run)
    page = SHEET["sheet"](["--effort", "fast"])
    assert page.size == (4 * SHEET["SIDE"] + 3 * SHEET["GAP"], 2 * SHEET["SIDE"] + SHEET["GAP"])
    group = typer.main.get_command(build())
    for name, *rest in ran:
        parent = group.make_context("chnorm", [name, *rest], resilient_parsing=True)
        group.get_command(parent, name).make_context(name, list(rest), parent=parent)
