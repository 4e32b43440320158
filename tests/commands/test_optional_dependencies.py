"""Without an optional library one line says what to install, before anything is written."""

import importlib.util
import re
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from shell import save

from chnorm_cli.cli import main
from chnorm_cli.images import Picture, encode, encode_map

ROOT = Path(__file__).parents[2]
LAB, FITS, HEIF, DASK, ZARR = (
    f"pip install 'chnorm[{extra}]'" for extra in ("lab", "fits", "heif", "dask", "zarr")
)
PILLOW, CODECS = "pip install --upgrade pillow", "pip install --upgrade imagecodecs"

ASKED = [
    ("matplotlib", "denoise a.png -o new.png --plot new.svg", LAB),
    ("matplotlib", "denoise a.png -o new.png --uncertainty new.pdf", LAB),
    ("matplotlib", "inpaint a.png --mask m.png -o new.png --plot new.png", LAB),
    ("matplotlib", "noise a.png --plot new.png", LAB),
    ("matplotlib", "score a.png --truth a.png --uncertainty e.tif --plot new.png", LAB),
    ("matplotlib", "lab landscape --plot new.png", LAB),
    ("astropy", "denoise a.png -o new.fits", FITS),
    ("astropy", "denoise f.fits -o new.png", FITS),
    ("astropy", "noise f.fits", FITS),
    ("astropy", "corrupt f.fits --noise 9 -o new.png", FITS),
    ("pillow_heif", "superres a.png --scale 2 -o new.heic", HEIF),
    ("pillow_heif", "denoise h.heic -o new.png", HEIF),
    ("pillow_heif", "score h.heic --truth a.png", HEIF),
    ("zarr", "denoise a.png -o new.zarr", ZARR),
    ("zarr", "corrupt a.png --noise 9 -o new.zarr", ZARR),
    ("distributed", "denoise a.png -o new.png --dask tcp://127.0.0.1:1", DASK),
    ("avif", "denoise a.png -o new.avif", PILLOW),
    ("avif", "noise v.avif", PILLOW),
    ("JPEG2K", "denoise a.png -o new.jp2", CODECS),
    ("JPEG2K", "denoise j.jp2 -o new.png", CODECS),
    ("JPEGXL", "denoise a.png -o new.jxl", CODECS),
    ("JPEGXL", "denoise x.jxl -o new.png", CODECS),
]
ELSEWHERE = {"test", "bench"}  # for those who work on chnorm itself


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Pictures of all kinds: made here, or of which only the first bytes are needed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHNORM_PROGRESS", "none")
    save(tmp_path / "a.png", size=(24, 24))
    mask = np.zeros((24, 24, 1), np.float32)
    mask[4:8, 5:9] = 1
    (tmp_path / "m.png").write_bytes(encode([Picture(mask)], format="png").data)
    (tmp_path / "e.tif").write_bytes(encode_map([np.ones((24, 24), np.float32)]))
    (tmp_path / "f.fits").write_bytes(b"SIMPLE  =".ljust(2880))
    (tmp_path / "h.heic").write_bytes(b"\0\0\0\x18ftypheic".ljust(200, b"\0"))
    for name in ("v.avif", "j.jp2", "x.jxl"):
        save(tmp_path / name, size=(24, 24))
    return tmp_path


def without(monkeypatch, name):
    """Let a library, or a part of one, be absent."""
    if name == "avif":
        from PIL import features

        monkeypatch.setattr(features, "check", lambda feature: False)
    elif name.startswith("JPEG"):
        import imagecodecs

        monkeypatch.setattr(getattr(imagecodecs, name), "available", False)
    else:
        real = importlib.util.find_spec
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda n, *a: None if n == name else real(n, *a)
        )
        for module in {name, *(m for m in sys.modules if m.startswith(name + "."))}:
            monkeypatch.setitem(sys.modules, module, None)


@pytest.mark.parametrize(("name", "line", "remedy"), ASKED, ids=[line for _, line, _ in ASKED])
def test_one_line_says_what_to_install(files, monkeypatch, capfd, name, line, remedy):
    before = sorted(files.iterdir())
    without(monkeypatch, name)
    assert main(line.split()) in (1, 2)
    out, err = capfd.readouterr()
    (said,) = err.splitlines()
    assert remedy in said
    assert out == ""
    assert sorted(files.iterdir()) == before


@pytest.mark.parametrize(
    "name", ["matplotlib", "astropy", "pillow_heif", "zarr", "avif", "JPEG2K", "JPEGXL"]
)
def test_all_else_works_without_it(inside, files, monkeypatch, name):
    without(monkeypatch, name)
    assert inside("denoise", "a.png", "-o", "b.tif", "--uncertainty", "e.tif").returncode == 0
    assert inside("inpaint", "a.png", "--mask", "m.png", "-o", "c.png").returncode == 0
    assert inside("score", "b.tif", "--truth", "a.png").returncode == 0


def test_in_a_folder_the_others_are_told(files, monkeypatch, capfd):
    """One failed file is a line and exit code 4, not the end."""
    (files / "in").mkdir()
    for name in ("a.png", "f.fits"):
        (files / name).rename(files / "in" / name)
    without(monkeypatch, "astropy")
    assert main(["noise", "in"]) == 4
    out, err = capfd.readouterr()
    assert FITS in err
    assert "a.png" in out


def test_every_extra_is_asked_for_here():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].keys() - ELSEWHERE
    told = {found for _, _, remedy in ASKED for found in re.findall(r"chnorm\[(\w+)\]", remedy)}
    assert told == extras
