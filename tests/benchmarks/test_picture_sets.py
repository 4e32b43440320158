"""Any folder of pictures is a set: flat, with subfolders, or with shots beside their means."""

import numpy as np
import pytest
from PIL import Image
from tifffile import imwrite

from benchmarks.measuring.pictures import BUNDLED, Source, read


def save(path, samples):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(samples).save(path)


def gray(value, size=(8, 6)):
    return np.full(size, value, np.uint8)


def test_a_flat_folder_is_the_set_of_every_task(tmp_path):
    folder = tmp_path / "Kodak24"
    save(folder / "b.png", gray(51))
    save(folder / "a.bmp", gray(102))
    (folder / "readme.txt").write_text("no picture")
    source = Source(folder)
    for kind in ("denoise", "superres"):
        assert source.dataset(kind) == "Kodak24"
        assert [name for name, _ in source.pictures(kind)] == ["a", "b"]
    assert source.kinds("denoise", "superres") == ["denoise"]  # not measured twice
    assert source.dataset("denoise", "superres") == "Kodak24"
    assert source.pictures("denoise")[1][1] == pytest.approx(np.full((8, 6, 1), 0.2))
    assert Source(folder, called="mine").dataset("denoise") == "mine"
    assert Source(folder, names=("A",)).pictures("denoise")[0][0] == "a"


def test_subfolders_are_the_sets_of_tasks_or_parts_of_names(tmp_path):
    folder = tmp_path / "data"
    save(folder / "denoise" / "a.png", gray(1))
    save(folder / "superres" / "scans" / "b.png", gray(2))
    source = Source(folder)
    assert source.dataset("superres") == "data/superres"
    assert source.kinds("denoise", "superres") == ["denoise", "superres"]
    assert source.dataset("denoise", "superres") == "data/denoise + data/superres"
    assert [name for name, _ in source.pictures("denoise")] == ["a"]
    assert [name for name, _ in source.pictures("superres")] == ["scans/b"]
    assert source.dataset("real") == "data"
    assert [name for name, _ in source.pictures("real")] == ["denoise/a", "superres/scans/b"]


def test_shots_are_found_beside_their_means_whatever_their_suffix(tmp_path):
    folder = tmp_path / "confocal"
    save(folder / "cells" / "1_real.png", gray(100))
    imwrite(folder / "cells" / "1_mean.tif", np.full((8, 6), 25700, np.uint16))
    save(folder / "2_real.png", gray(3))  # without a mean
    source = Source(folder)
    ((name, y, truth),) = source.shot()
    assert name == "cells/1"
    assert y == pytest.approx(truth, abs=1e-6)  # 100 of 255 is 25700 of 65535
    assert source.dataset("real") == "confocal"
    assert source.pictures("denoise") == []
    assert Source().shot() == []


def test_masks_are_white_where_the_picture_is_known(tmp_path):
    save(tmp_path / "x.png", gray(9))
    mask = gray(255)
    mask[2, 3] = 0
    save(tmp_path / "x_mask.png", mask)
    ((name, _, missing),) = Source(tmp_path).masked()
    assert name == "x"
    assert np.argwhere(missing).tolist() == [[2, 3]]


def test_alpha_is_no_colour_and_floats_must_be_in_range(tmp_path):
    save(tmp_path / "rgba.png", np.full((4, 4, 4), 255, np.uint8))
    save(tmp_path / "la.png", np.full((8, 6, 2), 255, np.uint8))
    imwrite(tmp_path / "float.tif", np.full((4, 4), 0.5, np.float32))
    assert read(tmp_path / "rgba.png").shape == (4, 4, 3)
    assert read(tmp_path / "la.png").shape == (8, 6, 1)
    assert read(tmp_path / "float.tif").max() == 0.5
    imwrite(tmp_path / "counts.tif", np.full((4, 4), 7.0, np.float32))
    with pytest.raises(ValueError, match=r"counts\.tif has floats outside \[0, 1\]"):
        read(tmp_path / "counts.tif")


def test_without_a_folder_there_are_the_bundled_ones():
    source = Source(crop=16, gray=True)
    found = source.pictures("denoise")
    assert [name for name, _ in found] == list(BUNDLED)
    assert {pixels.shape for _, pixels in found} == {(16, 16, 1)}
    assert source.words() == ", crop 16, gray"
    assert source.dataset("denoise") == "scikit-image"
