"""A bounded sample of a large picture."""

import pytest
import torch
from pictures import bundled

from chnorm_cli.noise import finding, silence
from chnorm_cli.noise.sampling import mosaic, spread_windows


@pytest.mark.parametrize("size", [(100, 300), (32, 32), (20, 90), (64, 33)])
def test_windows_are_spread_over_all_of_a_picture_and_do_not_overlap(size):
    seen = torch.zeros(size, dtype=torch.int)
    for window in spread_windows(size, 16, 4):
        seen[window] += 1
    assert seen.max() == 1
    if min(size) >= 32:
        assert seen[0, 0] == seen[-1, -1] == 1


def test_a_mosaic_holds_its_windows_in_order():
    x = torch.arange(3 * 40 * 70.0).view(3, 40, 70)
    joined = mosaic(lambda window: x[:, *window], (40, 70), 16, 2)
    assert joined.shape == (3, 32, 32)
    assert torch.equal(joined[:, :16, :16], x[:, :16, :16])
    assert torch.equal(joined[:, 16:, 16:], x[:, -16:, -16:])


def test_the_law_of_a_large_picture_is_that_of_a_part_and_its_flat_areas_are_all_found(monkeypatch):
    truth = bundled("astronaut").repeat(1, 2, 1)[:, :512, :512]
    y = truth + 20 / 255 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    y[:, 100:110, 200:300] = 0.25
    whole = finding.find_law(y)
    monkeypatch.setattr(finding, "MOST_PIXELS", 1 << 17)
    monkeypatch.setattr(finding, "WINDOW", 64)
    monkeypatch.setattr(finding, "WINDOWS", 5)
    part = finding.find_law(y)
    assert part.sigma != whole.sigma
    assert part.sigma == pytest.approx(whole.sigma, rel=0.03)
    assert torch.equal(part.flat, whole.flat)


@pytest.mark.parametrize("levels", [5, 9, 256, 1 << 20])
def test_the_ends_of_the_levels_are_those_of_a_sort(levels):
    random = torch.Generator().manual_seed(levels)
    colour = torch.randint(levels, (300, 400), generator=random) / levels
    colour[:40] = 0.0  # much of it is cut off
    expected, counts = colour.unique(return_counts=True)
    found = silence._ends(colour)
    if len(expected) < 8:
        assert found is None
        return
    for end in (slice(None, 4), slice(-4, None)):
        assert torch.equal(found[0][end], expected[end])
        assert torch.equal(found[1][end], counts[end])
