"""OME-Zarr on the command line: one picture, however many files it has."""

import json

import numpy as np
import pytest
from PIL import Image
from zarr_files import files, ome_zarr, pixels, samples, told

from chnorm_cli.cli import main

pytest.importorskip("zarr")
FAST = ["--effort", "fast", "--steps", "1"]
SIZE = (32, 32)


@pytest.fixture
def cells(tmp_path):
    x = samples(2, 3, size=SIZE)
    return ome_zarr(tmp_path / "cells.ome.zarr", x, "czyx", levels=2, labels=True)


def test_every_channel_has_its_law_and_the_axes_are_told(cells, tmp_path, capsys):
    target = tmp_path / "clean.ome.zarr"
    assert main(["denoise", str(cells), "-o", str(target), *FAST, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["axes"], report["shape"], report["format"]) == ("CZYX", [2, 3, 32, 32], "zarr")
    sigmas = [page["sigma"] for page in report["pages"]]
    assert len({*sigmas[:3]}) == len({*sigmas[3:]}) == 1
    assert sigmas[0] != sigmas[3]
    before, after = pixels(cells).astype(float), pixels(target).astype(float)
    assert np.diff(after).std() < 0.8 * np.diff(before).std()
    assert files(target).keys() == files(cells).keys()
    half = after.reshape(2, 3, 16, 2, 16, 2).mean(axis=(3, 5))
    assert np.array_equal(pixels(target, 1), np.rint(half))


def test_only_overwrite_replaces(cells, tmp_path, capsys):
    target = tmp_path / "clean.ome.zarr"
    ome_zarr(target, samples(), "yx")
    kept = files(target)
    assert main(["denoise", str(cells), "-o", str(target), *FAST]) == 2
    assert "exists already; --overwrite replaces it" in capsys.readouterr().err
    assert files(target) == kept
    assert (
        main(["denoise", str(cells), "--page", "1", "-o", f"{target}/", "--overwrite", *FAST]) == 0
    )
    assert files(target) != kept
    assert pixels(target).shape == SIZE
    assert sorted(item.name for item in tmp_path.iterdir()) == [cells.name, target.name]


def test_in_place(cells, tmp_path, capsys):
    before, kept = pixels(cells), files(cells)
    assert main(["denoise", str(cells), "--in-place", "--page", "2", *FAST]) == 1
    assert "all but 1 would be lost" in capsys.readouterr().err
    assert main(["superres", str(cells), "--scale", "2", "--in-place", *FAST]) == 1
    assert "labels fit only the small picture" in capsys.readouterr().err
    assert files(cells) == kept
    assert main(["denoise", str(cells), "--in-place", *FAST]) == 0
    assert not np.array_equal(pixels(cells), before)
    assert files(cells)["labels/nuclei/0/.zarray"] == kept["labels/nuclei/0/.zarray"]
    assert [item.name for item in tmp_path.iterdir()] == [cells.name]


def test_holes_are_filled_and_planes_enlarged(tmp_path):
    path = ome_zarr(tmp_path / "a.zarr", samples(size=SIZE, dtype="uint8"), "yx", format=3)
    mask = np.zeros(SIZE, np.uint8)
    mask[10:13, 8:20] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    mask_of = ["--mask", str(tmp_path / "mask.png"), *FAST]
    assert main(["inpaint", str(path), "-o", str(tmp_path / "b.zarr"), *mask_of]) == 0
    changed = pixels(tmp_path / "b.zarr") != pixels(path)
    assert changed.any()
    assert not changed[mask == 0].any()
    assert main(["superres", str(path), "-o", str(tmp_path / "c.zarr"), "--scale", "2", *FAST]) == 0
    assert pixels(tmp_path / "c.zarr").shape == (64, 64)
    step = told(tmp_path / "c.zarr")["multiscales"][0]["datasets"][0]["coordinateTransformations"][
        0
    ]
    assert step["scale"] == [0.1, 0.1]


def test_a_folder_of_them(tmp_path, capsys):
    out = tmp_path / "out"
    for folder, name in (("in", "b"), ("out", "b.zarr")):
        ome_zarr(tmp_path / folder / "a.zarr", samples(), "yx")
        ome_zarr(tmp_path / folder / name, samples(), "yx", format=3)
    kept = files(out)
    assert main(["denoise", str(tmp_path / "in"), "-o", str(tmp_path / "x.zarr"), *FAST]) == 2
    assert "give a folder" in capsys.readouterr().err
    assert main(["denoise", str(tmp_path / "in"), "-o", str(out), "--json", *FAST]) == 0
    assert json.loads(capsys.readouterr().out)["skipped"] == 2
    assert files(out) == kept


def test_nothing_is_written_into_a_picture_or_over_what_holds_it(cells, tmp_path, capsys):
    kept = files(cells)
    assert main(["denoise", str(cells), "-o", str(cells / "new.zarr"), *FAST]) == 1
    assert "the picture itself" in capsys.readouterr().err
    inner = ome_zarr(cells / "more", samples(), "yx")
    assert main(["denoise", str(inner), "-o", str(cells), "--overwrite", *FAST]) == 1
    assert "would replace it" in capsys.readouterr().err
    assert {name: data for name, data in files(cells).items() if "more/" not in name} == kept


def test_what_corrupt_writes_noise_reads(cells, tmp_path, capsys):
    bad = tmp_path / "bad.zarr"
    assert main(["corrupt", str(cells), "--page", "all", "--noise", "20", "-o", str(bad)]) == 0
    assert main(["corrupt", str(cells), "--page", "all", "--noise", "20", "-o", str(bad)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["noise", str(bad), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["axes"] == "CZYX"
