"""Curves of letters keep to their width and their order."""

import math

import pytest

from chnorm_cli.terminal.curves import LIMIT, Trace, bar, clock, number, resample


@pytest.mark.parametrize("count", [0, 1, 7, 40, 41, 5 * LIMIT + 3])
@pytest.mark.parametrize("rows", [1, 2])
def test_a_curve_is_never_wider_than_asked(count, rows):
    trace = Trace()
    for index in range(count):
        trace.add(1 / (index + 1))
    lines = trace.draw(40, rows)
    assert len(lines) == rows
    assert all(len(line) == min(count, 40) for line in lines)


def test_a_falling_series_falls_and_a_flat_one_is_flat():
    falling, flat = Trace(), Trace()
    for index in range(500):
        falling.add(math.exp(-index / 100))
        flat.add(0.5 + 0.001 * (index % 2))
    (line,) = falling.draw(30)
    assert list(line) == sorted(line, reverse=True)
    assert line[0] == "█"
    assert line[-1] == "▁"
    assert len(set(flat.draw(30)[0])) == 1


def test_values_without_a_logarithm_are_left_out():
    trace = Trace()
    for value in (math.nan, math.inf, 0.0, -1.0):
        trace.add(value)
    assert trace.draw(10) == [""]


def test_ascii_only():
    trace = Trace()
    for index in range(1, 50):
        trace.add(index)
    assert all(line.isascii() for line in trace.draw(20, 2, ascii_only=True))
    assert all(part.isascii() for part in bar(0.3, 20, ascii_only=True))


def test_resampling_keeps_the_mean():
    values = list(range(100))
    assert sum(resample(values, 10)) / 10 == pytest.approx(sum(values) / 100)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (61.4, "1:01"), (3600, "1:00:00"), (None, "-"), (math.inf, "-")],
)
def test_clock(seconds, text):
    assert clock(seconds) == text


@pytest.mark.parametrize("value", [0.0, 1e-12, 3.12e-5, 0.00312, 0.5, 9.99, 123.4, 1e9, math.nan])
def test_numbers_are_nine_columns_wide(value):
    assert len(number(value)) == 9
