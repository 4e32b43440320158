"""Colours are restored together, every other channel by itself, and all of it comes back as one."""

import io
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from chnorm_cli.fitting.solution import ErrorMap, Outcome, Solution
from chnorm_cli.images import Picture, read_pictures
from chnorm_cli.scaling.parts import by_part, parts_of, together
from chnorm_cli.scaling.preparing import observed
from chnorm_cli.scaling.requests import Denoise, Inpaint, Request


def picture(channels, extra, **said):
    rng = np.random.default_rng(0)
    return Picture(rng.random((5, 6, channels), np.float32), extra=extra, **said)


def solution(pixels, **said):
    plain = Solution(
        pixels, Outcome.STEPS, 10, 2.0, 0.1, 0.2, {}, 5.0, True, None, "cpu", "unet", 9
    )
    return replace(plain, **said)


@pytest.mark.parametrize(
    ("channels", "extra", "widths"),
    [(1, 0, [1]), (3, 0, [3]), (2, 1, [1, 1]), (5, 4, [1] * 5), (6, 3, [3, 1, 1, 1])],
)
def test_parts_are_the_colours_and_each_further_channel(channels, extra, widths):
    whole = picture(channels, extra)
    parts = parts_of(whole)
    assert [part.picture.pixels.shape[2] for part in parts] == widths
    assert [(part.number, part.count) for part in parts] == [
        (number, len(widths)) for number in range(1, len(widths) + 1)
    ]
    again = together([solution(part.picture.pixels) for part in parts])
    assert np.array_equal(again.pixels, whole.pixels)
    assert again.steps == 10 * len(widths)
    assert len(again.channels) == (len(widths) if len(widths) > 1 else 0)


def test_channels_that_are_no_colours_were_never_a_jpeg():
    request = Request(Denoise(), b"", None, "a.tif")
    assert [part.asked(request).reading.jpeg for part in parts_of(picture(2, 1))] == ["off", "off"]
    assert parts_of(picture(3, 0))[0].asked(request) is request


def test_what_one_channel_lacks_the_others_keep():
    values = np.full((2, 8, 9), 0.5, np.float32)
    values[0] = np.linspace(0, 1, 72).reshape(8, 9)
    values[1, 3, 4] = np.nan
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, photometric="minisblack", planarconfig="separate")
    (whole,) = read_pictures(buffer.getvalue(), name="a.tif")
    first, second = parts_of(whole)
    assert not first.picture.missing.any()
    assert np.argwhere(second.picture.missing).tolist() == [[3, 4]]
    pixels, _ = observed(first.picture, Request(Denoise(), b"", None, "a.tif"))
    assert np.array_equal(pixels[..., 0], values[0])
    _, mask = observed(second.picture, Request(Inpaint("nan"), b"", None, "a.tif"))
    assert mask.missing.sum() == 1


def test_what_differs_between_channels_says_of_which_it_is():
    x = np.zeros((4, 5, 1), np.float32)
    bad = np.zeros((4, 5), bool)
    bad[1, 2] = True
    told = {"count": 1, "share": 0.05, "dead_rows": 0, "dead_columns": 0}
    error = ErrorMap(np.full((4, 5), 0.3, np.float32), 1.0)
    whole = together(
        [
            solution(x, notes=("both",), error_map=error, expected_rms=0.3),
            solution(
                x,
                outcome=Outcome.CLEAN,
                steps=0,
                notes=("both", "dark"),
                bad_mask=bad,
                bad_pixels=told,
                error_map=replace(error, error=np.full((4, 5), 0.4, np.float32)),
                expected_rms=0.4,
            ),
        ]
    )
    assert whole.notes == ("both", "channel 2: dark")
    assert whole.outcome is Outcome.STEPS
    assert whole.bad_pixels == told
    assert np.array_equal(whole.bad_mask, bad)
    assert np.allclose(whole.error_map.error, np.sqrt((0.09 + 0.16) / 2))
    assert whole.expected_rms == pytest.approx(np.sqrt(0.125))
    assert [one.sigma for one in whole.channels] == [5.0, 5.0]


def test_lines_are_told_once_and_say_where():
    lines = [["a"], ["a", "b"], ["b"], ["a", "b"]]
    assert by_part(lines, "page") == ["pages 1–2, 4: a", "pages 2–4: b"]
    assert by_part([["a", "a"], ["a"]], "page") == ["a"]
