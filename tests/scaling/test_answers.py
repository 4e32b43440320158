"""JPEG in, JPEG out: what was done is kept, and what was left alone comes back byte for byte."""

import io

import numpy as np
import pytest
import torch
from jpeg_files import compressed, photograph
from PIL import Image

from chnorm_cli.fitting.settings import Effort, FitSettings
from chnorm_cli.scaling.answers import AS_IT_CAME
from chnorm_cli.scaling.course import Course
from chnorm_cli.scaling.requests import Denoise, NoiseAsked, Request, Writing

FAST = FitSettings(effort=Effort.FAST, steps=2, device="cpu", threads=1)


def denoised(data, form="jpeg", strength=1.0, **writing):
    """The bytes and the report of `chnorm denoise` for those of a file."""
    asked = Denoise(NoiseAsked(strength=strength))
    request = Request(asked, data, None, "a picture", FAST, writing=Writing(form, **writing))
    *_, finished = Course(request)
    return finished.data, finished.report


def luma_steps(data):
    """The sum of the quantisation steps of luma."""
    with Image.open(io.BytesIO(data)) as image:
        return sum(image.quantization[0])


def test_a_jpeg_that_is_left_alone_is_not_compressed_again():
    data = compressed(photograph(32, 40), 60, optimize=True, comment=b"as it came")
    same, report = denoised(data, strength=0.0)
    assert same == data
    assert AS_IT_CAME in report["notes"]


@pytest.mark.parametrize("asked", [{"quality": 60}, {"strip": True}, {"form": "png"}])
def test_who_asks_for_another_file_gets_one(asked):
    data = compressed(photograph(32, 40), 60, comment=b"as it came")
    other, report = denoised(data, strength=0.0, **asked)
    assert other != data
    assert AS_IT_CAME not in report["notes"]


def test_what_was_cleaned_is_kept_at_a_finer_quality_than_it_came():
    finer = {q: luma_steps(denoised(compressed(photograph(32, 40), q))[0]) for q in (40, 80)}
    flat = torch.full((3, 16, 16), 0.5)
    usual = {q: luma_steps(compressed(flat, q)) for q in (95, 98)}
    assert finer == {40: usual[95], 80: usual[98]}
    told, _ = denoised(compressed(photograph(32, 40), 80), quality=90)
    assert luma_steps(told) == luma_steps(compressed(flat, 90))


def test_a_note_says_when_a_lossless_format_would_keep_more():
    data = compressed(photograph(32, 40), 80)
    coarse, kept = (
        denoised(data, **asked)[1]["notes"] for asked in ({"quality": 70}, {"form": "png"})
    )
    assert any("a lossless format keeps all of it" in note for note in coarse)
    assert not any("lossless" in note for note in kept)


def test_saving_keeps_most_of_what_was_gained():
    x = photograph(64, 64)
    data = compressed(x, 40)
    truth = 255 * x.movedim(0, -1).numpy()
    errors = []
    for each in (data, *(denoised(data, form)[0] for form in ("jpeg", "png"))):
        with Image.open(io.BytesIO(each)) as image:
            errors.append(np.square(np.asarray(image, np.float32) - truth).mean())
    came, saved, whole = errors
    assert came - saved > 0.75 * (came - whole) > 0
