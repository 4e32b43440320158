"""Large pictures in tiles: they cover all, join without seams, and need the memory that was said."""

import pytest
import torch
from pictures import bundled, psnr

from chnorm_cli.fitting.settings import Effort, FitSettings
from chnorm_cli.fitting.solution import Outcome, Step
from chnorm_cli.restoration import prepare_denoise, prepare_inpaint, prepare_superres, tiled, tiling
from chnorm_cli.restoration.tiled import InTiles
from chnorm_cli.restoration.tiling import choose_tiling, tile_weight, tile_windows


class Learnt:
    """A learner that has nothing to learn and gives what `restore` says."""

    risk = None

    def __init__(self, restore):
        self.restore = restore
        self.fit = self
        self.budget, self.outcome, self.activity = None, Outcome.STEPS, "fit"

    def __iter__(self):
        yield Step(1, 1.0, 1.0, {}, seconds=10.0, share_done=0.5)

    def restore_seconds(self, pixels):
        return 30.0 * pixels / (300 * 500)


@pytest.mark.parametrize("size", [(200, 300), (256, 256), (700, 257), (1000, 600)])
def test_the_weights_of_all_tiles_sum_to_one(size):
    total = torch.zeros(size)
    for window in tile_windows(size, 256):
        weight = tile_weight(window, size, 256)
        assert max(weight.shape) <= 256
        total[window] += weight
    assert torch.allclose(total, torch.ones(size), atol=1e-6)


def test_what_lies_at_an_inner_edge_of_a_tile_does_not_count():
    size = (2 * 256 - tiling.OVERLAP, 200)
    top, _ = tile_windows(size, 256)
    weight = tile_weight(top, size, 256)
    assert (weight[: 256 - tiling.OVERLAP] == 1).all()
    assert (weight[-tiling.MARGIN :] == 0).all()


def test_tiles_are_restored_from_themselves_alone_in_any_order():
    z = torch.rand(2, 300, 500, generator=torch.Generator().manual_seed(0))
    run = InTiles(Learnt(lambda x: x.flip(0) - x.mean()), z, 256)
    (step,) = run
    assert step.share_done == 10 / (20 + 30)  # the tiles are yet to come
    assert run.outcome is Outcome.STEPS
    backwards = torch.zeros_like(z)
    for window in reversed(tile_windows((300, 500), 256)):
        part = run.restore_tile(z, window)
        backwards[:, *window] += tile_weight(window, (300, 500), 256) * part
    assert torch.allclose(run.estimate(), backwards, atol=1e-6)


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


def test_a_picture_in_tiles_is_as_good_and_has_no_steps_at_their_edges(monkeypatch):
    monkeypatch.setattr(tiled, "PART", 40)
    truth = bundled("astronaut")[:1, 60:140, 60:420]
    y = truth + 25 / 255 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    pixels = y.movedim(0, -1).numpy()
    results = []
    for tile in (0, 256):
        settings = FitSettings(effort=Effort.FAST, steps=4, device="cpu", tile=tile)
        restoration = prepare_denoise(pixels, sigma=25, settings=settings)
        for _ in restoration:
            pass
        results.append(torch.from_numpy(restoration.solution.pixels).movedim(-1, 0))
        assert restoration.solution.plan["tile"] == (tile or None)
        assert restoration.solution.plan["memory"] > tiling.AT_REST
        assert ("tiles" in restoration.header) == bool(tile)
    whole, parts = results
    assert psnr(parts, truth) > psnr(whole, truth) - 0.1
    # Steps from column to column, in units of those of the whole picture in the same columns: where
    # tiles fade into each other they are no larger than where there is one tile.
    over, under = (x.diff(dim=-1).square().mean((0, 1)).sqrt() for x in (parts, whole))
    _, second = sorted({w[1].start for w in tile_windows((80, 360), 256)})
    margin, fade = tiling.MARGIN, tiling.FADE
    along = torch.arange(fade)
    fades = torch.cat([second + margin + along, 256 - 1 - margin - along])
    assert (over / under)[fades].max() < (over / under).max()
    assert (over / under)[fades].mean() < (over / under).mean() + 0.05


@pytest.mark.parametrize("prepare", [prepare_inpaint, prepare_superres])
def test_other_tasks_say_that_they_know_no_tiles(prepare):
    pixels = torch.rand(16, 16, 3).numpy()
    what = torch.zeros(16, 16, dtype=torch.bool).numpy() if prepare is prepare_inpaint else 2
    with pytest.raises(ValueError, match="only denoise"):
        prepare(pixels, what, settings=FitSettings(tile=512))


def test_tiles_that_are_too_small_are_refused():
    with pytest.raises(ValueError, match="at least 256"):
        FitSettings(tile=64)
