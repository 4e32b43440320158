"""Pictures restored in tiles: as good as whole ones, and no step at a tile's edge is larger than elsewhere."""

import pytest
import torch
from pictures import bundled, psnr

from chnorm_cli.fitting.settings import Effort, Fit, FitSettings
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.problems.operators import Downsample
from chnorm_cli.restoration import prepare_denoise, prepare_inpaint, prepare_superres, superres
from chnorm_cli.restoration.filling import Filling
from chnorm_cli.restoration.tiles import learning, tiled, tiling
from chnorm_cli.restoration.tiles.learning import windows_with_holes
from chnorm_cli.restoration.tiles.tiling import tile_windows

SIDE, SIZE = 256, (64, 360)


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch):
    monkeypatch.setattr(tiled, "PART", 40)
    monkeypatch.setattr(learning, "PART", 40)
    monkeypatch.setattr(superres, "PART", 32)
    monkeypatch.setattr(tiling, "LEAST_SMALL", 100)
    monkeypatch.setattr(Filling, "tries", lambda _: 1)


@pytest.fixture(scope="module")
def truth():
    return bundled("astronaut")[:1, 60:124, 60:420]


def pixels(x):
    return x.movedim(0, -1).numpy()


def noisy(x):
    return x + 25 / 255 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))


def restored(prepare, *what, tile, fit=Fit.AUTO, steps=4, seed=0, **said):
    settings = FitSettings(
        fit=fit, effort=Effort.FAST, steps=steps, device="cpu", tile=tile, seed=seed
    )
    restoration = prepare(*what, settings=settings, **said)
    for _ in restoration:
        pass
    solution = restoration.solution
    assert solution.plan["tile"] == (tile or None)
    assert ("tiles" in restoration.header) == bool(tile)
    return torch.from_numpy(solution.pixels).movedim(-1, 0)


def check_seams(parts, whole):
    """Compare steps from column to column, in units of those of the whole picture in the same columns.

    Where tiles fade into each other they are no larger than where there is one tile.
    """
    over, under = (x.diff(dim=-1).square().mean((0, 1)).sqrt() for x in (parts, whole))
    (_, first), (_, second) = tile_windows((1, parts.shape[-1]), SIDE)
    along = torch.arange(tiling.FADE)
    fades = torch.cat(
        [second.start + tiling.MARGIN + along, first.stop - tiling.MARGIN - 1 - along]
    )
    ratios = over / under
    rest = torch.ones(len(ratios), dtype=torch.bool)
    rest[fades] = False
    assert ratios[fades].max() <= 1.1 * ratios[rest].max()
    assert ratios[fades].mean() < ratios[rest].mean() + 0.05


def test_a_step_is_seen(truth):
    cut = truth.clone()
    cut[..., tile_windows(SIZE, SIDE)[0][1].stop - tiling.MARGIN - 8 :] += 0.05
    with pytest.raises(AssertionError):
        check_seams(cut, truth)


def test_denoised(truth):
    y = pixels(noisy(truth))
    whole, parts = (restored(prepare_denoise, y, sigma=25, tile=tile) for tile in (0, SIDE))
    assert psnr(parts, truth) > psnr(whole, truth) - 0.1
    check_seams(parts, whole)


def test_filled(truth):
    holes = torch.rand(SIZE, generator=torch.Generator().manual_seed(1)) < 0.3
    y = torch.where(holes, 0.0, truth)
    what = pixels(y), holes.numpy()
    whole, parts = (restored(prepare_inpaint, *what, sigma=0, tile=tile) for tile in (0, SIDE))
    assert torch.equal(parts[:, ~holes], truth[:, ~holes])
    assert psnr(parts, truth) > psnr(whole, truth) - 0.3
    check_seams(parts, whole)


def test_a_wide_hole_over_two_tiles_is_filled_at_once(truth):
    holes = torch.zeros(SIZE, dtype=torch.bool)
    holes[24:42, 170:188] = True
    what = pixels(truth), holes.numpy()
    whole, parts = (restored(prepare_inpaint, *what, sigma=0, tile=tile) for tile in (0, SIDE))
    assert torch.equal(parts[:, ~holes], truth[:, ~holes])
    assert psnr(parts, truth) > psnr(whole, truth) - 1.0


def test_noisy_and_filled(truth):
    holes = torch.rand(SIZE, generator=torch.Generator().manual_seed(1)) < 0.1
    y = torch.where(holes, 0.0, noisy(truth))
    parts = restored(prepare_inpaint, pixels(y), holes.numpy(), sigma=25, tile=SIDE, steps=8)
    assert psnr(parts, truth) > psnr(y, truth) + 8


def test_enlarged(truth):
    reduction = Downsample((SIZE[0] // 2, SIZE[1] // 2), 2)
    small = reduction.forward(truth)
    whole, parts = (
        restored(prepare_superres, pixels(small), 2, sigma=0, tile=tile) for tile in (0, SIDE)
    )
    assert float((reduction.forward(parts) - small).abs().max()) < 0.2 / 255
    assert psnr(parts, truth) > psnr(whole, truth) - 0.3


def test_each_tile_of_a_prior_has_a_seed_of_its_own(truth):
    y = truth.clone()
    (_, first), (_, second) = tile_windows(SIZE, SIDE)
    y[..., second] = y[..., first]  # both tiles hold the same, where they do not overlap
    told = {"sigma": 25, "fit": Fit.PRIOR, "steps": 8, "tile": SIDE}
    one = restored(prepare_denoise, pixels(y), seed=0, **told)
    same = restored(prepare_denoise, pixels(y), seed=0, **told)
    assert torch.equal(one, same)
    at = second.start
    assert not torch.allclose(one[..., 70:90], one[..., 70 + at : 90 + at], atol=1e-3)


def test_a_tile_that_diverges_is_said(truth, monkeypatch):
    monkeypatch.setattr("chnorm_cli.fitting.prior.PriorFit.estimate", lambda _: None)
    settings = FitSettings(fit=Fit.PRIOR, effort=Effort.FAST, steps=1, device="cpu", tile=SIDE)
    restoration = prepare_denoise(pixels(truth), sigma=25, settings=settings)
    list(restoration)
    assert restoration.solution.outcome is Outcome.DIVERGED


@pytest.mark.parametrize("prepare", [prepare_inpaint, prepare_superres])
def test_no_map_of_errors_is_made_of_what_is_filled_or_enlarged_in_tiles(prepare, truth):
    what = (torch.arange(SIZE[0] * SIZE[1]).view(SIZE) % 7 == 0).numpy()
    arguments = (what,) if prepare is prepare_inpaint else (2,)
    with pytest.raises(ValueError, match="--tile off"):
        prepare(pixels(truth), *arguments, settings=FitSettings(tile=SIDE), uncertainty=True)


def test_learning_is_from_the_windows_with_most_holes():
    known = torch.ones(100, 200, dtype=torch.bool)
    known[60:70, 160:180] = False
    known[:40, :40] = False  # nearly nothing to learn from
    best, *_ = windows_with_holes(known, side=40, count=2)
    assert best == (slice(40, 80), slice(160, 200))
    assert windows_with_holes(~known[:40, :40], side=64) == [(slice(0, 40), slice(0, 40))]
