"""Stacks and channels on the command line: all comes back, named, each channel with its law."""

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from chnorm_cli.cli import main

sys.path.insert(0, str(Path(__file__).parents[1] / "images"))
from stack_files import CHANNELS, STACKS

NAMES = ["five, planar", "five", "five, floats", "six of which three are colours", "OME, five"]
WHOLE = [
    "imagej hyperstack",
    "OME, named channels",
    "OME, five samples of each slice",
    "five channels on two pages",
]
FAST = [
    "--effort",
    "fast",
    "--fit",
    "prior",
    "--steps",
    "1",
    "--device",
    "cpu",
    "--threads",
    "1",
    "--quiet",
]


def series(data):
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        (one,) = file.series
        return one.kind, one.axes, one.shape, file.ome_metadata, file.imagej_metadata


@pytest.mark.parametrize("name", [*NAMES, *WHOLE])
def test_channels_and_stacks_come_back_with_their_axes(inside, tmp_path, name):
    data = (CHANNELS | STACKS)[name]
    (tmp_path / "in.tif").write_bytes(data)
    done = inside("denoise", "in.tif", "--page", "all", "-o", "out.tif", "--json")
    assert done.returncode == 0, done.stderr
    assert series((tmp_path / "out.tif").read_bytes()) == series(data)
    report = json.loads(done.stdout)
    _, axes, shape, *_ = series(data)
    assert (report["axes"], tuple(report["shape"])) == (axes, shape)
    fits = report.get("pages", [report])
    channels = {"six of which three are colours": 4}.get(name, 5)
    many = "five" in name or "six" in name
    assert [len(fit.get("channels", [])) for fit in fits] == [channels if many else 0] * len(fits)


def test_each_channel_is_told_and_shown(inside, tmp_path):
    (tmp_path / "in.tif").write_bytes(CHANNELS["two"])
    done = inside("denoise", "in.tif", "-o", "out.tif", "--progress", "plain")
    text = done.stderr.decode()
    assert "channel 1 of 2" in text
    assert "channel 2 of 2" in text
    assert "2 channels  40 steps" in text


def test_a_stack_of_two_channels_has_two_laws(tmp_path, capsys, monkeypatch):
    """The same in every plane, and as `chnorm noise` tells them."""
    monkeypatch.chdir(tmp_path)
    y, x = np.mgrid[:32, :32]
    clean = 120 + 40 * np.sin((x + y) / 15)
    rng = np.random.default_rng(0)
    sigma = np.array([6.0, 20.0])[None, :, None, None]
    noisy = (clean + sigma * rng.standard_normal((2, 2, 32, 32))).clip(0, 255).round()
    tifffile.imwrite("in.tif", noisy.astype(np.uint8), imagej=True, metadata={"axes": "ZCYX"})

    def told(*arguments):
        assert main([*arguments, "in.tif", "--page", "all", "--json"]) == 0
        return json.loads(capsys.readouterr().out)["pages"]

    levels = [page["noise"]["sigma"] for page in told("noise", "-q")]
    assert levels[:2] == levels[2:]
    assert levels[:2] == pytest.approx([6, 20], rel=0.15)
    pages = told("denoise", *FAST, "-o", "out.tif")
    assert [page["noise"]["sigma"] for page in pages] == pytest.approx(levels, rel=0.02)


def test_five_channels_have_five_laws_in_chnorm_noise(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    sigma = np.array([2.0, 4, 8, 12, 16])[:, None, None]
    values = 120 + sigma * rng.standard_normal((5, 64, 64))
    tifffile.imwrite(
        "in.tif", values.round().astype(np.uint8), photometric="minisblack", planarconfig="separate"
    )
    assert main(["noise", "in.tif", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["axes"], report["layout"]) == ("SYX", "5 channels")
    found = [one["own_numbers"]["sigma"] for one in report["channels"]]
    assert found == pytest.approx(sigma.ravel(), rel=0.12)
    assert main(["noise", "in.tif"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[5].startswith("in.tif channel 5 ")
    assert main(["noise", "in.tif", "--plot", "law.png"]) == 2


def test_channels_are_spoilt_and_compared_as_colours_are(inside, tmp_path):
    (tmp_path / "in.tif").write_bytes(CHANNELS["five"])
    assert inside("corrupt", "in.tif", "--noise", 5, "-o", "bad.tif").returncode == 0
    scores = json.loads(inside("score", "bad.tif", "--truth", "in.tif", "--json").stdout)
    assert 30 < scores["psnr"] < 40
    assert "psnr_y" not in scores


def test_what_no_format_but_tiff_holds_is_refused_before_the_fit(inside, tmp_path):
    (tmp_path / "in.tif").write_bytes(CHANNELS["five"])
    done = inside("denoise", "in.tif", "-o", "out.png")
    assert done.returncode == 1
    assert b"PNG cannot hold channels that are no colours; write a TIFF" in done.stderr
    assert not (tmp_path / "out.png").exists()
