"""What hides among black and white, and what is there by right."""

import torch
from pictures import bundled

from chnorm_cli.noise.bad_pixels import BadPixels, find_bad_pixels
from chnorm_cli.restoration.second_look import looked_at_again


def photograph(side=96):
    return bundled("coffee")[:, 40 : 40 + side, 120 : 120 + side].contiguous()


def spoilt(x, sigma, share=0.05):
    random = torch.Generator().manual_seed(0)
    y = (x + sigma / 255 * torch.randn(x.shape, generator=random)).clamp(0, 1)
    y = (255 * y).round() / 255
    bad = torch.rand(x.shape[1:], generator=random) < share
    ends = (torch.rand(x.shape[1:], generator=random) < 0.5).float()
    return torch.where(bad, ends, y), bad


def test_thrown_values_that_were_missed_are_found():
    y, bad = spoilt(photograph(), 10)
    some = bad & (torch.arange(bad.shape[1]) % 6 > 0)
    again = looked_at_again(BadPixels(some.expand_as(y).clone()), y, y)
    hidden = bad & ~some
    assert (again.pixels & hidden).sum() > 0.95 * hidden.sum()
    assert (again.pixels & ~bad).sum() < 0.001 * bad.numel()


def test_what_was_called_bad_and_is_as_its_surroundings_is_good_again():
    y, bad = spoilt(photograph(), 10)
    wrong = torch.zeros_like(bad)
    wrong[::9, ::7] = True
    wrong &= ~bad
    again = looked_at_again(BadPixels((bad | wrong).expand_as(y).clone()), y, y)
    assert (again.pixels & wrong).sum() < 0.03 * wrong.sum()
    assert (again.pixels & bad).sum() > 0.98 * bad.sum()


def test_highlights_and_shadows_are_the_pictures_own():
    x = photograph()
    x = ((x - 0.5) * 2.5 + 0.5).clamp(0, 1)  # a fifth of it is black or white
    y, bad = spoilt(x, 0)
    own = ((y == 0).all(0) | (y == 1).all(0)) & ~bad
    assert own.float().mean() > 0.02
    again = looked_at_again(BadPixels(bad.expand_as(y).clone()), y, y)
    assert (again.pixels & own).sum() < 0.02 * own.sum()


def test_nothing_bad_is_left_where_nothing_was():
    x = photograph()
    wrong = torch.zeros(x.shape[1:], dtype=torch.bool)
    wrong[10::30, 10::30] = True
    assert looked_at_again(BadPixels(wrong.expand_as(x).clone()), x, x) is None


def test_a_few_hot_pixels_bring_no_others():
    x = photograph()
    hot = torch.zeros(x.shape[1:], dtype=torch.bool)
    hot[7::40, 9::40] = True
    y = torch.where(hot, 1.0, 0.8 * x)
    again = looked_at_again(BadPixels(hot.expand_as(y).clone()), y, y)
    assert torch.equal(again.pixels, hot)


def test_dead_lines_and_what_is_thrown_in_one_colour_stay_as_they_are():
    x = photograph()
    y, bad = spoilt(x, 0)
    lines = BadPixels(bad.expand_as(y).clone(), rows=1)
    assert looked_at_again(lines, y, y) is lines
    green = bad & (torch.arange(3) == 1)[:, None, None]
    found = BadPixels(green)
    y = torch.where(green, y, x)
    assert looked_at_again(found, y, y) is found


def test_what_is_missing_is_not_bad():
    y, bad = spoilt(photograph(), 0)
    missing = torch.zeros_like(bad)
    missing[20:40, 20:40] = True
    y = torch.where(missing, 1.0, y)
    found = find_bad_pixels(y, missing)
    again = looked_at_again(found, y, y, missing)
    assert not (again.pixels & missing).any()
    assert (again.pixels & bad & ~missing).sum() > 0.97 * (bad & ~missing).sum()
