"""Wide holes filled with patches: periods go on, matches are the nearest, observed pixels stay."""

import pytest
import torch

from chnorm_cli.classical import patch_filling as module
from chnorm_cli.classical.patch_filling import RADIUS, _Level, _Patches, patch_filling, wide_holes
from chnorm_cli.classical.smooth_filling import smooth_filling


def bricks(height=96, width=112, channels=3):
    rows, columns = torch.arange(height)[:, None], torch.arange(width)
    mortar = ((rows % 8 == 0) | ((columns + 4 * (rows // 8 % 2)) % 12 == 0)).float()
    shades = torch.linspace(0.2, 0.4, channels)[:, None, None]
    return shades + 0.5 * mortar


def known_but(rows, columns, size=(96, 112)):
    known = torch.ones(size, dtype=torch.bool)
    known[rows, columns] = False
    return known


def seeded():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("pairs", [module.MOST_PAIRS, 0], ids=["all compared", "spread"])
@pytest.mark.parametrize("channels", [1, 3])
def test_bricks_go_on_through_a_wide_hole(channels, pairs, monkeypatch):
    monkeypatch.setattr(module, "MOST_PAIRS", pairs)
    x, known = bricks(channels=channels), known_but(slice(30, 64), slice(40, 72))
    filled = patch_filling(x * known, known, seeded())
    smooth = smooth_filling(x * known, known)
    assert torch.equal(filled[:, known], x[:, known])
    error, smooth_error = ((p - x)[:, ~known].square().mean() for p in (filled, smooth))
    assert error < 0.25 * smooth_error


def test_the_same_seed_fills_alike():
    x, known = bricks(), known_but(slice(30, 64), slice(40, 72))
    first, second = (patch_filling(x * known, known, seeded()) for _ in range(2))
    assert torch.equal(first, second)


def test_what_is_under_the_hole_does_not_matter():
    x, known = bricks(), known_but(slice(30, 64), slice(40, 72))
    first = patch_filling(x, known, seeded())
    second = patch_filling(torch.where(known, x, 7.0), known, seeded())
    assert torch.equal(first, second)


@pytest.mark.parametrize(
    "known",
    [
        known_but(slice(3, 93), slice(3, 109)),  # no whole patch is left
        known_but(slice(0, 40), slice(0, 50)),  # at the corner
        known_but(slice(None), slice(30, 70)),  # from border to border
        known_but(slice(0, 5), slice(0, 5), size=(5, 6)),  # smaller than a patch
    ],
    ids=["rim", "corner", "band", "tiny"],
)
def test_holes_in_odd_places_are_filled(known):
    x = bricks(*known.shape)
    filled = patch_filling(x, known, seeded())
    assert bool(torch.isfinite(filled).all())
    assert torch.equal(filled[:, known], x[:, known])
    assert filled.min() > -0.01
    assert filled.max() < 1.01


def test_without_time_each_level_has_one_iteration():
    x, known = bricks(), known_but(slice(30, 64), slice(40, 72))
    said = []
    patch_filling(x, known, seeded(), said.append, go_on=lambda: False)
    assert said == [f"similar patches, {size}" for size in ("28×24", "56×48", "112×96")]


def test_all_compared_finds_the_nearest_patch():
    x = torch.rand(3, 40, 44, generator=seeded())
    x[:, 20:27, 30:37] = x[:, 5:12, 8:15]  # one patch is there twice, the second time in the hole
    level = _Level.of(x, known_but(slice(20, 27), slice(30, 37), size=(40, 44)))
    matches, distances = level.all_compared(x)
    there = int(level.rows[23 * 44 + 33])
    assert int(matches[there]) == 8 * 44 + 11
    assert float(distances[there]) == 0.0
    assert bool(level.usable[matches].all())


def test_too_many_sources_leave_the_ones_next_to_the_hole(monkeypatch):
    monkeypatch.setattr(module, "MOST_SOURCES", 60)
    x = torch.rand(3, 40, 44, generator=seeded())
    level = _Level.of(x, known_but(slice(15, 20), slice(20, 26), size=(40, 44)))
    matches, _ = level.all_compared(x)
    i, j = matches // 44, matches % 44
    beside = RADIUS + 3  # the 60 nearest are in the first two rings around the targets
    assert bool(((i >= 15 - beside) & (i < 20 + beside)).all())
    assert bool(((j >= 20 - beside) & (j < 26 + beside)).all())


def test_spread_only_ever_improves_matches():
    x = torch.rand(3, 40, 44, generator=seeded())
    level = _Level.of(x, known_but(slice(15, 27), slice(20, 37), size=(40, 44)))
    before = level.placed(None, seeded())
    distances = _Patches(x).distances(level.targets, before)
    matches, after = level.spread(x, before, seeded())
    assert bool((after <= distances).all())
    assert float(after.mean()) < float(distances.mean())
    assert torch.allclose(after, _Patches(x).distances(level.targets, matches))
    assert bool(level.usable[matches].all())


def test_a_patch_is_what_is_around_its_pixel():
    x = torch.rand(2, 20, 24, generator=seeded())
    patch = _Patches(x)[torch.tensor([9 * 24 + 13])]
    around = x[:, 9 - RADIUS : 10 + RADIUS, 13 - RADIUS : 14 + RADIUS]
    assert torch.equal(patch.reshape(-1), around.permute(1, 2, 0).reshape(-1))


def test_wide_holes_are_whole_and_narrow_ones_are_left():
    known = known_but(slice(30, 64), slice(40, 72))
    scratch = known.clone()
    scratch[5:9, :] = False
    assert torch.equal(wide_holes(scratch, 8.0), ~known)
    assert not bool(wide_holes(scratch, 40.0).any())
