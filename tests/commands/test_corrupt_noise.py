"""Each kind of noise that `corrupt` draws has the variance that it should, and one seed."""

import numpy as np
import pytest
import tifffile
from shell import save

SIZE = 160


@pytest.fixture
def steps(tmp_path):
    """Bands of 1/8 to 7/8 of white, in all colours."""
    bands = np.repeat(np.arange(1, 8) / 8, 24).astype(np.float32)
    picture = np.broadcast_to(bands[:, None, None], (bands.size, SIZE, 3))
    tifffile.imwrite(tmp_path / "clean.tif", picture, photometric="rgb")
    return picture


@pytest.fixture
def drawn(inside, tmp_path, steps):
    """The noise that options make, (7, 24, W, 3): band by band, in units of white."""

    def draw(*options, seed=0):
        done = inside(
            "corrupt", "clean.tif", *options, "--seed", seed, "--depth", "float", "-o", "bad.tif"
        )
        assert done.returncode == 0, done.stderr
        return (tifffile.imread(tmp_path / "bad.tif") - steps).reshape(7, 24, SIZE, 3)

    return draw


LIGHT = np.arange(1, 8) / 8

LAWS = {
    ("--poisson", 30): LIGHT / 30,
    ("--poisson", 2): LIGHT / 2,
    ("--poisson", 1e9): LIGHT / 1e9,
    ("--gain", 4): LIGHT * 4 / 255,
    ("--gain", 4, "--read-noise", 20): LIGHT * 4 / 255 + (20 / 255) ** 2,
    ("--poisson", 30, "--noise", 12): LIGHT / 30 + (12 / 255) ** 2,
    ("--read-noise", 20): np.full(7, (20 / 255) ** 2),
    ("--speckle", 0.2): (0.2 * LIGHT) ** 2,
    ("--poisson", 50, "--speckle", 0.3): LIGHT / 50 + (0.3 * LIGHT) ** 2,
    ("--blurred-noise", "15:0.7"): np.full(7, (15 / 255) ** 2),
    ("--blurred-noise", "15:0"): np.full(7, (15 / 255) ** 2),
    ("--blurred-noise", "9:1", "--noise", 12): np.full(7, (15 / 255) ** 2),
}


@pytest.mark.parametrize(
    ("options", "expected"), LAWS.items(), ids=[" ".join(map(str, options)) for options in LAWS]
)
def test_each_kind_has_its_variance_at_each_brightness(drawn, options, expected):
    noise = drawn(*options)
    assert noise.var((1, 2, 3)) == pytest.approx(expected, rel=0.08, abs=1e-12)
    assert np.abs(noise.mean((1, 2, 3))).max() < 0.08 * np.sqrt(expected.max())


def test_counts_are_drawn_as_counts(drawn, steps, tmp_path):
    drawn("--poisson", 5)
    counts = 5 * tifffile.imread(tmp_path / "bad.tif")
    assert np.abs(counts - np.rint(counts)).max() < 1e-5


@pytest.mark.parametrize(("radius", "next_to"), [(0.7, 0.60), (1.5, 0.89)])
def test_neighbours_share_what_a_blur_makes_them_share(drawn, radius, next_to):
    noise = drawn("--blurred-noise", f"15:{radius}").reshape(-1, SIZE, 3)
    for first, second in ((noise[:, 1:], noise[:, :-1]), (noise[1:], noise[:-1])):
        assert np.corrcoef(first.ravel(), second.ravel())[0, 1] == pytest.approx(next_to, abs=0.04)
    edges = noise[[0, -1]].std(), noise[:, [0, -1]].std()  # as noisy as the rest
    assert edges == pytest.approx((15 / 255,) * 2, rel=0.25)
    colours = np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1]
    assert abs(colours) < 0.08


def test_the_same_seed_gives_the_same_bytes(drawn, tmp_path):
    options = ("--gain", 2, "--read-noise", 3, "--speckle", 0.1, "--blurred-noise", "5:1")
    files = []
    for seed in (7, 7, 8):
        drawn(*options, seed=seed)
        files.append((tmp_path / "bad.tif").read_bytes())
    assert files[0] == files[1] != files[2]


def test_no_light_is_the_number_0_of_the_file(inside, tmp_path):
    """Floats in a range of their own: white is the brightest, and darkness still makes no noise."""
    clean = np.full((64, 128), 100, np.float32)
    clean[:, :64], clean[0, 0] = 400, -50
    tifffile.imwrite(tmp_path / "flux.tif", clean)
    done = inside("corrupt", "flux.tif", "--poisson", 40, "-o", "bad.tif")
    assert done.returncode == 0, done.stderr
    noise = tifffile.imread(tmp_path / "bad.tif") - clean
    assert noise[:, :64].std() == pytest.approx(400 / 40**0.5, rel=0.1)
    assert noise[:, 64:].std() == pytest.approx(100 / 10**0.5, rel=0.1)
    assert noise[0, 0] == pytest.approx(0, abs=1e-3)


def test_a_file_without_light_has_no_photons(inside, tmp_path):
    tifffile.imwrite(tmp_path / "dark.tif", np.linspace(-9, -1, 64, dtype=np.float32).reshape(8, 8))
    done = inside("corrupt", "dark.tif", "--poisson", 40, "-o", "bad.tif")
    assert done.returncode == 1
    assert b"dark.tif: no value is above 0" in done.stderr
    assert not (tmp_path / "bad.tif").exists()


IMPOSSIBLE = [
    ("--poisson", 30, "--gain", 2),
    ("--noise", 5, "--read-noise", 3),
    ("--poisson", 0),
    ("--poisson", -1),
    ("--poisson", "nan"),
    ("--gain", 0),
    ("--gain", "inf"),
    ("--read-noise", -1),
    ("--noise", "inf"),
    ("--speckle", "nan"),
    ("--blurred-noise", "5"),
    ("--blurred-noise", "5:"),
    ("--blurred-noise", "5:-1"),
    ("--blurred-noise", "nan:1"),
    ("--blurred-noise", "5:1e9"),
    ("--seed", -1),
]


@pytest.mark.parametrize("options", IMPOSSIBLE, ids=lambda v: " ".join(map(str, v)))
def test_what_makes_no_sense_is_one_line_and_exit_2(inside, tmp_path, options):
    save(tmp_path / "clean.png")
    done = inside("corrupt", "clean.png", *options, "-o", "bad.png")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert options[0].encode() in done.stderr
    assert not (tmp_path / "bad.png").exists()


def test_all_pages_are_spoilt_each_with_noise_of_its_own(inside, tmp_path):
    pages = np.full((3, 40, 40), 0.5, np.float32)
    tifffile.imwrite(tmp_path / "stack.tif", pages, photometric="minisblack")
    done = inside("corrupt", "stack.tif", "--page", "all", "--noise", 25, "-o", "bad.tif")
    assert done.returncode == 0, done.stderr
    noise = tifffile.imread(tmp_path / "bad.tif") - pages
    assert noise.std((1, 2)) * 255 == pytest.approx([25] * 3, rel=0.1)
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.1
    mask = ("--missing", 0.5, "--mask-out", "m.png")
    assert inside("corrupt", "stack.tif", "--page", "all", *mask, "-o", "x.tif").returncode == 2
