"""One tile's call: memory that runs out, and answers that are no picture."""

import numpy as np
import pytest
import torch

from chnorm_cli.restoration.tiles.tile_work import Place
from chnorm_cli.scaling.processes import Here
from chnorm_cli.scaling.tiles import tile_jobs
from chnorm_cli.scaling.tiles.tile_jobs import (
    Done,
    GivenUp,
    Held,
    TileJob,
    run_tiles,
    within_memory,
)
from chnorm_cli.scaling.tiles.tile_store import TileStore


class Work:
    """Brighter by 1, where there is memory for so many pixels."""

    scale = 1

    def __init__(self, room=1 << 30, broken=None):
        self.room, self.broken, self.sides = room, broken, []

    def restore(self, y, known, place):
        self.sides.append(max(y.shape[1:]))
        if y[0].numel() > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return y + (1 if place.number != self.broken else torch.nan)


def test_a_tile_is_halved_where_the_memory_of_a_gpu_runs_out():
    y = torch.rand(3, 1024, 1024)
    work = Work(room=512 * 512)
    torch.testing.assert_close(within_memory(work, y, None, Place()), y + 1)
    assert work.sides[0] == 1024
    assert max(work.sides[1:]) <= 512
    with pytest.raises(torch.OutOfMemoryError):
        within_memory(Work(room=100 * 100), y, None, Place())


def test_tiles_that_are_no_picture_are_tried_again_and_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(tile_jobs, "_learnt", lambda *_: Work(broken=1))
    store = TileStore(tmp_path / "a.tif")
    store.begin({}, resume=False)
    pixels = np.random.default_rng(0).random((20, 30, 3), np.float32)
    store.hold(pixels)
    store.keep_learnt(b"", {"tiles": 2})
    windows = [(slice(0, 20), slice(0, 20)), (slice(0, 20), slice(10, 30))]
    jobs = [
        TileJob(n, window, Held(store.held()), store.learnt, store.tile(n), "cpu")
        for n, window in enumerate(windows)
    ]
    done, lost = run_tiles(jobs, Here(), 1)
    assert done == Done(0)
    assert lost == GivenUp(1, "its pixels are not finite")
    assert store.finished(2) == {0}
    np.testing.assert_array_equal(np.load(store.tile(0)), pixels[:20, :20] + 1)
    assert {p.name for p in store.folder.iterdir()} == {
        "plan.json", "pixels.npy", "learnt.pt", "fit.json", "tile-000000.npy",
    }  # fmt: skip


def test_what_was_learnt_first_stays(tmp_path):
    store = TileStore(tmp_path / "a.tif")
    store.begin({"a": 1}, resume=True)
    store.keep_learnt(b"first", {"tiles": 1})
    store.begin({"a": 1}, resume=True)
    store.keep_learnt(b"second", {"tiles": 2})
    assert store.learnt.read_bytes() == b"first"
    assert store.fit == {"tiles": 1}
