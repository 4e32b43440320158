"""Asking in tiles: every pixel is covered, borders fade, and small pictures are asked about whole."""

import itertools

import pytest
import torch

from chnorm_cli.fitting.tiles import OVERLAP, _fade, _starts, in_tiles


def picture(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("size", [(1, 1), (5, 40), (16, 16), (17, 16), (33, 100)])
def test_tiles_of_what_a_pixel_alone_decides_make_the_whole(size):
    x = picture(3, *size)
    torch.testing.assert_close(in_tiles(lambda f: 2.0 * f[:2], x, 16), 2.0 * x[:2])


def test_no_tile_is_larger_than_asked_and_a_small_picture_is_one():
    seen = []

    def answer(f):
        seen.append(tuple(f.shape))
        return f

    in_tiles(answer, picture(3, 16, 12), 16)
    assert seen == [(3, 16, 12)]
    seen.clear()
    in_tiles(answer, picture(3, 40, 12), 16)
    assert seen == [(3, 16, 12)] * 3


@pytest.mark.parametrize("length", [17, 28, 40, 41, 1000])
@pytest.mark.parametrize("side", [2, 16])
def test_tiles_overlap_and_end_where_the_picture_ends(length, side):
    starts = _starts(length, side)
    assert starts[0] == 0
    assert starts[-1] == length - side
    gaps = {b - a for a, b in itertools.pairwise(starts)}
    assert min(gaps) > 0
    assert max(gaps) <= max(1, round(side * (1 - OVERLAP)))
    assert max(gaps) - min(gaps) <= 1  # spread evenly


def test_only_tiles_with_something_wanted_are_asked_about():
    x, wanted = picture(3, 64, 100), torch.zeros(64, 100, dtype=torch.bool)
    wanted[50, 3] = True
    asked = []

    def answer(f):
        asked.append(f)
        return f[:2]

    faded = in_tiles(answer, x, 16, wanted)
    assert len(asked) == 2  # rows 36 to 52 and 48 to 64
    torch.testing.assert_close(faded[:, wanted], x[:2, wanted])
    assert torch.equal(faded[:, :, 60:], torch.zeros(2, 64, 40))
    nothing = in_tiles(answer, x, 16, torch.zeros_like(wanted))
    assert torch.equal(nothing, torch.zeros(2, 64, 100))


def test_answers_that_disagree_fade_into_each_other():
    """Tiles that answer with their own mean differ by a step, which no pixel of the result shows."""
    x = torch.linspace(0.0, 1.0, 100).expand(1, 20, 100)
    faded = in_tiles(lambda f: f.mean().expand(1, *f.shape[-2:]), x, 20)
    step = 15 / 99  # between neighbouring tiles
    assert 0 < faded.diff(dim=-1).max() < 0.4 * step
    assert _fade(20, 20).min() > 0
