"""One peer, one file: each says what it does and what it is told, and its absence is one line."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

import benchmarks.peers
from benchmarks.measuring.contest import Contender, NoResultError, contest
from benchmarks.measuring.options import Options
from benchmarks.measuring.rows import Subject
from benchmarks.measuring.scores import whole
from benchmarks.peers import absent, all_peers, contenders, plainly
from benchmarks.peers.peer import Seen, Watch
from chnorm_cli.noise.level import Level

ROOT = Path(__file__).parents[2]
TASKS = {"denoise", "noise", "jpeg", "inpaint", "superres"}
SLOW = {"dip", "bm3d", "bm3d-anscombe", "bm3d-deepinv", "bmnd"}  # seconds, whatever the size
QUICK = [
    name
    for name, peer in all_peers().items()
    if name not in SLOW and not peer.checkout and not peer.why_not()
]


def picture():
    y, x = np.mgrid[:24, :20] / 20
    return np.stack([x * y, x, y], 2).astype(np.float32)


def seen_by_all(scale=1, **more):
    truth = picture()
    noise = np.random.default_rng(0).normal(0, 0.1, truth.shape)
    missing = np.random.default_rng(1).random(truth.shape[:2]) < 0.3
    return Seen(
        (truth + noise).astype(np.float32),
        sigma=0.1,
        level=Level.constant(0.1, 3),
        missing=missing,
        scale=scale,
        **more,
    )


def test_each_has_a_file_of_its_own_with_what_it_says():
    peers = all_peers()
    files = {p.stem for p in (ROOT / "benchmarks" / "peers").glob("*.py")}
    assert len(peers) == len(files - {"__init__", "peer", "loading"})
    for peer in peers.values():
        assert peer.tasks
        assert peer.tasks <= TASKS
        assert sys.modules[peer.restore.__module__].__doc__


@pytest.mark.parametrize("name", QUICK)
def test_those_that_are_here_restore_pictures_and_gray_ones(name):
    peer = all_peers()[name]
    scale = 2 if peer.tasks == {"superres"} else 1
    seen = seen_by_all(scale)
    for channels in (3, 1):
        y = np.ascontiguousarray(seen.y[..., :channels])
        result = plainly(peer, Seen(y, seen.sigma, seen.level, seen.missing, scale))()
        assert result.pixels.shape == (24 * scale, 20 * scale, channels)
        assert np.isfinite(result.pixels).all()
        assert result.cpu >= 0 < result.seconds


def test_filters_that_are_told_the_level_bring_the_picture_nearer():
    truth, seen = picture(), seen_by_all()
    before = np.abs(seen.y - truth).mean()
    for name in ("nlm", "tv"):
        assert np.abs(all_peers()[name].restore(seen) - truth).mean() < 0.8 * before


def test_what_is_not_told_takes_no_part():
    y = picture()
    named = {c.method for c in contenders(Options(), "noise", Seen(y))}
    assert "median" in named
    assert not named & {"nlm", "bm3d-anscombe"}
    assert "nlm" in {c.method for c in contenders(Options(), "noise", Seen(y, sigma=0.1))}


def test_absent_ones_are_named_in_one_line_and_stop_nothing(monkeypatch):
    monkeypatch.setattr("benchmarks.peers.peer.find_spec", lambda module: None)
    line = absent(Options(), ["noise", "inpaint"])
    assert line.count("\n") == 0
    assert "bmnd (pip install bmnd)" in line
    assert "patchmatch (pip install pypatchmatch)" in line
    assert "--peer-path NAME=DIR" in line
    assert contenders(Options(), "noise", seen_by_all()) == []
    assert absent(Options(peers=()), ["noise"]) == ""
    named = absent(Options(peers=("nlridge",)), ["denoise"])
    assert "give a checkout of github.com/sherbret/NL-Ridge" in named


def checkout(folder, name, code):
    file = all_peers()[name].checkout.file
    (folder / file).write_text(code)
    return folder


NLRIDGE = """
import beside  # a module of the checkout's own
class NLRidge:
    def __call__(self, y, sigma, **settings):
        assert 25 < sigma < 26 and settings["k2"] == beside.GROUP, (sigma, settings)
        return y / 2
"""


def test_a_checkout_is_loaded_from_where_it_is(tmp_path):
    (tmp_path / "beside.py").write_text("GROUP = 90\n")
    folder = checkout(tmp_path, "nlridge", NLRIDGE)
    options = Options(peer_paths={"nlridge": folder}, peers=("nlridge",))
    assert absent(options, ["denoise"]) == ""
    (found,) = contenders(options, "denoise", seen_by_all())
    assert np.allclose(found.run().pixels, seen_by_all().y / 2, atol=1e-6)
    assert found.told == "σ"
    assert str(tmp_path) not in sys.path


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("import no_such_package", "nlridge.py needs a package: No module named"),
        ("NLRIDGE = 1", "nlridge.py has no NLRidge: is it another version?"),
    ],
)
def test_a_checkout_that_is_no_use_says_so_in_a_line(tmp_path, code, line):
    folder = checkout(tmp_path, "nlridge", code)
    options = Options(peer_paths={"nlridge": folder}, peers=("nlridge",))
    subject = Subject("denoise", "set", "σ=25", "picture")
    seen = seen_by_all()
    found = contenders(options, "denoise", seen)
    (row,) = contest(options, found, whole(picture()), subject, pixels=1)
    assert line in row.note
    assert row.psnr is None
    assert "has no lichi.py" in absent(
        Options(peer_paths={"lichi": tmp_path}, peers=("lichi",)), ["denoise"]
    )


ZSN2N = """
import torch
class network(torch.nn.Module):
    def __init__(self, n_chan):
        super().__init__()
        self.level = torch.nn.Parameter(torch.zeros(n_chan, 1, 1))
    def forward(self, y):
        return self.level.expand_as(y)
def train_one(model, optimizer, y):
    optimizer.zero_grad()
    (model.level - 1).square().sum().backward()
    optimizer.step()
"""
N2F = "import shutil, sys; shutil.copytree(sys.argv[1], sys.argv[1] + '_N2F')"


def test_what_the_checkout_gives_is_what_comes_back(tmp_path):
    seen = seen_by_all(folder=tmp_path, watch=Watch(steps=3))
    checkout(tmp_path, "zsn2n", ZSN2N)
    removed = seen.y - all_peers()["zsn2n"].restore(seen)
    assert np.allclose(removed, 0.003, atol=1e-4)  # three steps of 0.001 from 0 towards 1
    checkout(tmp_path, "noise2fast", N2F)
    assert np.allclose(all_peers()["noise2fast"].restore(seen), seen.y, atol=1e-5)
    (tmp_path / "N2F.py").write_text("raise SystemExit('no GPU')")
    with pytest.raises(NoResultError, match="no GPU"):
        all_peers()["noise2fast"].restore(seen)


def test_a_peer_that_fails_is_a_note_and_the_run_goes_on():
    def broken():
        raise RuntimeError("its own fault")

    subject = Subject("denoise", "set", "σ=25", "picture")
    good = plainly(all_peers()["median"], Seen(picture()))
    both = [Contender("broken", broken), Contender("median", good)]
    rows = list(contest(Options(), both, whole(picture()), subject, pixels=480))
    assert [row.note for row in rows] == ["failed: RuntimeError: its own fault", ""]
    assert rows[1].psnr > 20


def toy():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    return next(b for b in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "PEER" in b)


def test_the_toy_peer_of_contributing_takes_part(tmp_path, monkeypatch):
    assert len(toy().splitlines()) < 30
    (tmp_path / "box.py").write_text(toy())
    paths = [*benchmarks.peers.__path__, str(tmp_path)]
    monkeypatch.setattr(benchmarks.peers, "__path__", paths)
    try:
        assert all_peers()["box"].name == "box"
        seen = seen_by_all()
        (found,) = contenders(Options(peers=("box",)), "denoise", Seen(seen.y))
        subject = Subject("denoise", "set", "σ=25", "picture")
        (row,) = contest(Options(), [found], whole(picture()), subject, pixels=480)
        assert row.psnr > whole(picture())(seen.y).psnr + 3  # nine pixels instead of one
        assert row.version.startswith("scipy ")
    finally:
        sys.modules.pop("benchmarks.peers.box", None)
