"""Large pictures in tiles: they cover all, join without seams, and need the memory that was said."""

import itertools

import pytest
import torch

from chnorm_cli.fitting.settings import FitSettings
from chnorm_cli.fitting.solution import Outcome, Step
from chnorm_cli.restoration.tiles import tiling
from chnorm_cli.restoration.tiles.tiled import InTiles
from chnorm_cli.restoration.tiles.tiling import choose_tiling, tile_weight, tile_windows


class Learnt:
    """A learner that has nothing to learn, whose work in tiles is what `restore` says."""

    def __init__(self, restore, scale=1):
        self.make, self.scale = restore, scale
        self.fit = self
        self.budget, self.outcome, self.activity = self, Outcome.STEPS, "fit"
        self.elapsed = 0.0

    def __iter__(self):
        self.elapsed = 10.0
        yield Step(1, 1.0, 1.0, {}, seconds=10.0, share_done=0.5)
        self.elapsed = 20.0

    def work(self):
        return self

    def restore(self, y, known, place):
        self.elapsed += self.pause(place.number)
        return self.make(y)

    def pause(self, number):
        return 1.0

    def tile_seconds(self, pixels):
        return 30.0 * pixels / (300 * 500)


@pytest.mark.parametrize("size", [(200, 300), (256, 256), (700, 257), (1000, 600)])
def test_the_weights_of_all_tiles_sum_to_one(size):
    total = torch.zeros(size)
    for window in tile_windows(size, 256):
        weight = tile_weight(window, size, 256)
        assert max(weight.shape) <= 256
        assert weight.shape == total[window].shape
        total[window] += weight
    assert torch.allclose(total, torch.ones(size), atol=1e-6)


def test_what_lies_at_an_inner_edge_of_a_tile_does_not_count():
    size = (2 * 256 - tiling.OVERLAP, 200)
    top, _ = tile_windows(size, 256)
    weight = tile_weight(top, size, 256)
    assert (weight[: 256 - tiling.OVERLAP] == 1).all()
    assert (weight[-tiling.MARGIN :] == 0).all()


@pytest.mark.parametrize("length", [257, 449, 1000, 4899])
def test_tiles_overlap_no_more_than_they_must(length):
    places = [window[1] for window in tile_windows((1, length), 256)]
    assert (places[0].start, places[-1].stop) == (0, length)
    overlaps = [a.stop - b.start for a, b in itertools.pairwise(places)]
    assert all(tiling.OVERLAP - 1 <= overlap <= tiling.OVERLAP + 2 for overlap in overlaps)


def test_tiles_are_restored_from_themselves_alone_in_any_order():
    z = torch.rand(2, 300, 500, generator=torch.Generator().manual_seed(0))
    run = InTiles(Learnt(lambda x: x.flip(0) - x.mean()), z, 256)
    step, *again = run
    assert step.share_done == 10 / (20 + 30)  # the tiles are yet to come
    assert [one.index for one in again] == [1] * len(tile_windows((300, 500), 256))
    assert again[-1].share_done == 1.0
    assert run.outcome is Outcome.STEPS
    backwards = torch.zeros_like(z)
    for window in reversed(tile_windows((300, 500), 256)):
        part = run.learning.make(z[:, *window])
        backwards[:, *window] += tile_weight(window, (300, 500), 256) * part
    assert torch.allclose(run.estimate(), backwards, atol=1e-6)


def test_the_time_left_is_true_from_half_way_on():
    """Tiles take 15 % more or less, one after another, and nothing is known of that before."""
    learner = Learnt(lambda x: x)
    learner.pause = lambda number: 20.0 * (1.15 if number % 2 else 0.85)
    run = InTiles(learner, torch.zeros(1, 700, 900), 256)
    steps = list(run)
    total = learner.elapsed
    told = [
        (step.seconds, step.seconds / step.share_done - step.seconds)
        for step in steps
        if total / 2 <= step.seconds < total
    ]
    assert len(told) > 5
    for seconds, left in told:
        assert abs(left - (total - seconds)) < 0.2 * (total - seconds) + 1e-6


@pytest.mark.parametrize("scale", [2, 3])
def test_enlarged_tiles_join_where_they_belong(scale):
    z = torch.rand(2, 300, 500, generator=torch.Generator().manual_seed(0))

    def repeated(x):
        return x.repeat_interleave(scale, 1).repeat_interleave(scale, 2)

    run = InTiles(Learnt(repeated, scale), z, 256)
    list(run)
    torch.testing.assert_close(run.estimate(), repeated(z))


def test_tiles_are_halved_where_the_memory_of_a_gpu_runs_out():
    def restore(x):
        if x.shape[-1] > 300:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return x

    z = torch.rand(1, 400, 700)
    run = InTiles(Learnt(restore), z, 512)
    list(run)
    assert run.side == 256
    assert torch.allclose(run.estimate(), z, atol=1e-6)
    with pytest.raises(torch.OutOfMemoryError):
        list(InTiles(Learnt(lambda x: restore(x.repeat(1, 1, 9))), z, 512))


def test_whether_there_are_tiles_depends_on_the_size_alone():
    assert choose_tiling(None, (3, 512, 512)).tile is None
    assert choose_tiling(None, (3, 3000, 3000), gpu=True).tile == tiling.SIDE
    assert choose_tiling(0, (3, 3000, 3000), gpu=True).tile is None
    assert choose_tiling(256, (3, 512, 512)).tile == 256
    assert choose_tiling(512, (3, 512, 512)).tile is None


def test_what_does_not_fit_into_memory_has_smaller_tiles_or_is_refused(monkeypatch):
    free = 0
    monkeypatch.setattr(tiling, "free_memory", lambda: free)
    shape = (3, 1600, 1600)
    whole, in_tiles = choose_tiling(0, shape, gpu=True), choose_tiling(512, shape, gpu=True)
    assert in_tiles.memory < whole.memory
    free = (in_tiles.memory + whole.memory) // 2
    assert choose_tiling(None, shape).tile is not None
    with pytest.raises(ValueError, match="leave --tile at auto"):
        choose_tiling(0, shape)
    free = tiling.AT_REST
    with pytest.raises(ValueError, match=r"needs about .* GB .* are free"):
        choose_tiling(None, shape)


def test_tiles_that_are_too_small_are_refused():
    with pytest.raises(ValueError, match="at least 256"):
        FitSettings(tile=64)
