"""`chnorm noise` finds the law that was drawn, and says it as a table, as JSON and as a picture."""

import json
import sys

import numpy as np
import pytest
import tifffile
from shell import save
from skimage import data

from chnorm_cli.images import Picture, encode


def write(path, pixels):
    pixels = np.atleast_3d(np.asarray(pixels, np.float32))
    path.write_bytes(encode([Picture(pixels)], format="png").data)
    return path


@pytest.fixture
def photograph(tmp_path):
    return write(tmp_path / "photo.png", data.astronaut()[:256, :256] / 255)


@pytest.fixture
def noisy(inside, tmp_path, photograph):
    """The photograph, spoilt as said; floats, so that nothing is clipped."""

    def spoil(*options, name="bad.tif"):
        done = inside("corrupt", photograph, *options, "--depth", "float", "-o", name)
        assert done.returncode == 0, done.stderr
        return tmp_path / name

    return spoil


@pytest.fixture
def told(inside):
    """The object of --json."""

    def ask(*arguments, code=0, stdin=b""):
        done = inside("noise", *arguments, "--json", stdin=stdin)
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    return ask


def test_poisson_noise_that_was_drawn_is_found(noisy, told):
    found = told(noisy("--poisson", 30))
    assert found["schema"] == "chnorm.noise/1"
    assert found["status"] == "ok"
    assert found["input"].endswith("bad.tif")
    assert found["input_size"] == [256, 256]
    assert "poisson" in found["noise"]["kind"]
    assert found["own_numbers"]["gain"] == pytest.approx([1 / 30] * 3, rel=0.1)
    assert found["noise"]["sigma_light"] > 3 * found["noise"]["sigma_dark"]
    assert found["noise"]["doubt"] is None
    assert found["correlation"] is None


def test_what_a_person_is_told_is_what_denoise_takes(inside, noisy, told):
    """White noise in numbers of the file: --own-numbers --sigma, whatever the range."""
    own = told(noisy("--noise", 25))["own_numbers"]
    assert own["sigma"] * 255 == pytest.approx(25, rel=0.05)
    assert own["read"] == pytest.approx([own["sigma"]] * 3, rel=1e-5)  # six digits
    assert own["gain"] == [0] * 3


def test_the_points_lie_on_the_law(noisy, told):
    found = told(noisy("--poisson", 20))
    (red, *_) = found["points"]
    law = found["noise"]
    light = np.maximum(np.array(red["brightness"]) - law["black"][0], 0)
    expected = np.sqrt(law["read"][0] ** 2 + law["gain"][0] * light)
    assert len(light) >= 4
    assert np.median(np.array(red["sigma"]) / expected) == pytest.approx(1, abs=0.15)


def test_speckle_and_shared_noise_are_called_so(noisy, told):
    assert told(noisy("--speckle", 0.2))["noise"]["kind"] == "speckle"
    shared = told(noisy("--blurred-noise", "15:0.7"))
    assert shared["noise"]["shared_by_neighbours"] is True
    near = np.array(shared["correlation"])
    assert near.shape == (7, 7)
    assert near[3, 3] == 1
    assert near[3, 4] == pytest.approx(0.6, abs=0.15)
    assert near == pytest.approx(near[::-1, ::-1], abs=1e-3)


def test_a_table_has_a_row_a_picture_and_sentences(inside, photograph, tmp_path):
    grass = write(tmp_path / "grass.png", data.grass()[:192, :192] / 255)
    done = inside("noise", photograph, grass)
    assert done.returncode == 0, done.stderr
    heading, *lines = done.stdout.decode().splitlines()
    assert heading.split()[:5] == ["picture", "noise", "σ", "dark", "light"]
    assert lines[0].split()[0] == str(photograph)  # whole, though longer than 80 columns
    assert lines[1].split()[:2] == [str(grass), "texture"]
    assert len(lines) == 4
    assert "cannot be told from noise" in lines[3]


def test_only_columns_that_say_something_are_shown(inside, noisy):
    plain = inside("noise", noisy("--noise", 20)).stdout.decode().splitlines()[0]
    counts = inside("noise", noisy("--poisson", 20)).stdout.decode().splitlines()[0]
    assert "gain" not in plain
    assert "gain" in counts


@pytest.mark.parametrize(
    ("pixels", "doubt"),
    [
        (np.full((80, 80), 0.4), "clean"),
        ((np.indices((128, 128)).sum(0) % 2).astype(float), "dither"),
        (np.kron(np.eye(4), np.ones((32, 32))), "clean"),
    ],
    ids=["one colour", "checks", "squares"],
)
def test_a_doubt_is_a_word_and_a_sentence(inside, told, tmp_path, pixels, doubt):
    picture = write(tmp_path / "made.png", pixels)
    found = told(picture)
    assert found["noise"]["doubt"] == doubt
    assert inside("noise", picture).stdout.decode().splitlines()[1].split()[1] == doubt


def test_standard_input_is_a_picture(told, tmp_path):
    found = told("-", stdin=save(tmp_path / "a.png", size=(64, 64)).read_bytes())
    assert found["input"] == "stdin"


def test_pages_are_told_one_by_one(inside, told, tmp_path):
    rng = np.random.default_rng(0)
    levels = np.array([0.02, 0.08])[:, None, None]
    stack = 0.5 + levels * rng.standard_normal((2, 96, 96))
    tifffile.imwrite(tmp_path / "s.tif", stack.astype(np.float32), photometric="minisblack")
    found = told("s.tif", "--page", "all")
    sigmas = [page["own_numbers"]["sigma"] for page in found["pages"]]
    assert sigmas == pytest.approx([0.02, 0.08], rel=0.1)
    assert "noise" not in found
    rows = inside("noise", "s.tif", "--page", "all").stdout.decode().splitlines()
    assert rows[1].startswith("s.tif page 1 ")
    assert told("s.tif", "--page", "2")["own_numbers"]["sigma"] == pytest.approx(0.08, rel=0.1)
    assert inside("noise", "s.tif", "--page", "9").returncode == 1
    assert inside("noise", "s.tif", "--page", "all", "--plot", "law.png").returncode == 2


def test_a_folder_is_told_and_one_bad_file_does_not_stop_the_rest(inside, told, tmp_path):
    for name in ("in/a.png", "in/b.png", "in/deep/c.png"):
        save(tmp_path / name, size=(64, 64))
    (tmp_path / "in/bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnonsense")
    batch = told("in", code=4)
    assert batch["schema"] == "chnorm.batch/1"
    assert (batch["command"], batch["done"], batch["failed"]) == ("noise", 2, 1)
    assert [f["status"] for f in batch["files"]] == ["ok", "ok", "failed"]
    assert told("in", "--recursive", code=4)["done"] == 3
    done = inside("noise", "in")
    assert done.returncode == 4
    assert len(done.stderr.splitlines()) == 1
    assert b"in/bad.png" in done.stderr
    assert len(done.stdout.splitlines()) == 1 + 2 + 2


def test_errors_are_one_line(inside, told, tmp_path):
    save(tmp_path / "a.png", size=(64, 64))
    (tmp_path / "empty").mkdir()
    for arguments, code in (
        (["gone.png"], 1),
        (["empty"], 1),
        (["a.png", "-"], 2),
        (["a.png", "a.png", "--plot", "x.png"], 2),
        (["a.png", "--plot", "x.bmp"], 2),
        (["a.png", "--plot", "nowhere/x.png"], 1),
        (["a.png", "--max-pixels", "9"], 1),
    ):
        done = inside("noise", *arguments)
        assert (done.returncode, done.stdout) == (code, b""), arguments
        assert len(done.stderr.splitlines()) == 1
    failed = told("gone.png", code=1)
    assert failed["schema"] == "chnorm.noise/1"
    assert (failed["status"], failed["exit_code"]) == ("failed", 1)


@pytest.mark.parametrize("ending", [".png", ".svg", ".pdf"])
def test_the_law_is_drawn(inside, noisy, tmp_path, ending):
    pytest.importorskip("matplotlib")
    shared = noisy("--blurred-noise", "15:0.7")
    done = inside("noise", shared, "--plot", f"law{ending}")
    assert done.returncode == 0, done.stderr
    drawn = (tmp_path / f"law{ending}").read_bytes()
    assert drawn.startswith({".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[ending])
    assert done.stdout  # the table is said beside it


def test_plot_without_matplotlib_is_refused_before_anything_is_read(inside, monkeypatch, tmp_path):
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda n, *a: None if n == "matplotlib" else real(n, *a)
    )
    done = inside("noise", "gone.png", "--plot", "law.png")
    assert done.returncode == 2
    assert b"pip install" in done.stderr
    assert "matplotlib.figure" not in sys.modules or not (tmp_path / "law.png").exists()
