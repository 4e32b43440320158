"""`--uncertainty`: where the map goes, what it holds, and what is refused before the fit."""

import json
from pathlib import Path

import numpy as np
import pytest
from shell import save
from tifffile import imread

from chnorm_cli.commands.map_names import map_for_each, one_map
from chnorm_cli.fitting.solution import ErrorMap
from chnorm_cli.images import encode_map
from chnorm_cli.scaling.error_maps import draw_map, psnr_of
from chnorm_cli.scaling.failures import Failure
from chnorm_cli.scaling.inputs import Pair
from chnorm_cli.terminal.summary import expected_errors


def test_a_map_is_in_the_numbers_of_the_file_and_the_report_tells_of_it(chnorm, tmp_path):
    save(tmp_path / "a.png")
    done = chnorm("denoise", "a.png", "-o", "b.png", "--uncertainty", "e.tif", "--json")
    assert done.returncode == 0, done.stderr.decode()
    error = imread(tmp_path / "e.tif")
    assert error.dtype == np.float32
    assert np.argwhere(np.isnan(error)).tolist() == [[0, 0]]
    assert np.allclose(error[1:], 0.02 * 255)  # of 8 bits
    report = json.loads(done.stdout)
    assert report["uncertainty"] == "e.tif"
    assert report["expected_rms"] == pytest.approx(0.02 * 255)
    assert report["expected_psnr"] == pytest.approx(33.979, abs=1e-3)
    assert report["unknown_share"] == 1 / 256
    line = "Error map e.tif: root mean square 5.1 of 255 (PSNR 34.0 dB), 0.391 % of the pixels"
    assert line in done.stderr.decode()


def test_of_many_pictures_the_maps_go_to_a_folder_under_the_names_of_the_results(chnorm, tmp_path):
    save(tmp_path / "in" / "a.png")
    save(tmp_path / "in" / "sub" / "b.png", seed=1)
    names = ["-o", "out", "--uncertainty", "maps", "--recursive", "--depth", "16"]
    done = chnorm("denoise", "in", *names)
    assert done.returncode == 0, done.stderr.decode()
    found = sorted(
        str(p.relative_to(tmp_path / "maps")) for p in (tmp_path / "maps").rglob("*.tif")
    )
    assert found == ["a.tif", "sub/b.tif"]
    assert np.nanmax(imread(tmp_path / "maps" / "a.tif")) == pytest.approx(0.02 * 65535)


def pairs(*names):
    return [Pair(Path("in") / name, Path("out") / name) for name in names]


def test_results_of_one_name_and_two_forms_keep_their_endings_in_the_maps_names(tmp_path):
    maps = map_for_each(str(tmp_path), pairs("a.png", "a.jpg", "b.png"), Path("out"), many=True)
    assert sorted(path.name for path in maps.values()) == ["a.jpg.tif", "a.png.tif", "b.tif"]


def test_a_map_never_replaces_a_picture(tmp_path):
    with pytest.raises(Failure, match="is a picture already"):
        map_for_each("in", pairs("a.tif"), Path("out"), many=True)
    for other in ("a.tif", "b.tif"):
        with pytest.raises(Failure, match="is a picture already"):
            one_map(other, Path("a.tif"), Path("b.tif"))
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(Failure, match="is no folder"):
        map_for_each(str(file), pairs("a.tif", "b.tif"), Path("out"), many=True)
    with pytest.raises(Failure, match="a name that ends in"):
        one_map("map.jpg", None, None)


def test_a_map_is_drawn_with_its_unknown_pixels(tmp_path):
    pytest.importorskip("matplotlib")
    error = np.linspace(0, 9, 400, dtype=np.float32).reshape(20, 20)
    error[:5] = np.nan
    assert draw_map(error, tmp_path / "e.png")[:4] == b"\x89PNG"
    assert draw_map(np.full((4, 9), np.nan, np.float32), tmp_path / "e.SVG")[:5] == b"<?xml"


def test_pages_are_kept_apart_in_one_map(tmp_path):
    pages = [np.full((4, 5), value, np.float32) for value in (1.5, np.nan)]
    (tmp_path / "e.tif").write_bytes(encode_map(pages))
    assert np.array_equal(imread(tmp_path / "e.tif"), np.stack(pages), equal_nan=True)


def test_the_summary_tells_what_costs_nothing_too():
    fit = {"expected_rms": 5.1, "expected_psnr": 33.98, "unknown_share": None}
    assert expected_errors(fit, None) == [
        "The expected error is a root mean square 5.1 of 255 (PSNR 34.0 dB)."
    ]
    assert expected_errors({"expected_rms": None, "expected_psnr": None}, None) == []
    unknown = {"expected_rms": None, "expected_psnr": None, "unknown_share": 1.0}
    assert expected_errors(unknown, "e.tif") == [
        "Error map e.tif: nothing is known, 100 % of the pixels unknown."
    ]
    assert psnr_of(ErrorMap(np.zeros((2, 2), np.float32)).rms) is None
