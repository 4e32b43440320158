"""Artefacts of JPEG: measured by compressing again, taken out, and never out of the cells."""

import io

import numpy as np
import pytest
import torch
from jpeg_files import compressed, opened, photograph
from pictures import psnr
from PIL import Image

from chnorm_cli.classical.artefacts import compression_errors, without_artefacts
from chnorm_cli.problems.compression import Colours


@pytest.mark.parametrize("quality", [15, 40, 80])
def test_compressing_again_tells_the_error(quality):
    x = photograph(96, 96)
    y, jpeg = opened(compressed(x, quality))
    error = torch.einsum("ij,jhw->ihw", Colours.LUMA_AND_CHROMA.matrix(3).float(), y - x)
    true = error.flatten(1).square().mean(1).sqrt()
    found = compression_errors(y, jpeg)
    assert found.luma == pytest.approx(float(true[0]), rel=0.25)
    assert float((found.error / true).log().abs().max()) < np.log(2)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("quality", [15, 60])
def test_artefacts_are_taken_out_within_the_cells(channels, quality):
    x = photograph(64, 80, channels)
    y, jpeg = opened(compressed(x, quality))
    clean = without_artefacts(y, jpeg, compression_errors(y, jpeg))
    assert psnr(clean, x) > psnr(y, x) + 0.2  # curls, of all things
    assert jpeg.outside_share(clean) == 0
    assert jpeg.edge_share(clean) == 0


def test_who_has_no_time_gets_the_first_round():
    x = photograph(48, 48)
    y, jpeg = opened(compressed(x, 20))
    said = []
    clean = without_artefacts(
        y, jpeg, compression_errors(y, jpeg), say=said.append, go_on=lambda: False
    )
    assert len(said) == 1
    assert psnr(clean, x) > psnr(y, x) + 0.1


def test_eight_bits_of_the_result_compress_to_nearly_the_same_file():
    x = photograph(64, 80)
    y, jpeg = opened(compressed(x, 30))
    clean = without_artefacts(y, jpeg, compression_errors(y, jpeg))
    image = Image.fromarray((255 * clean).round().clamp(0, 255).byte().movedim(0, -1).numpy())
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=30)
    _, again = opened(buffer.getvalue())
    pairs = list(zip(again.numbers, jpeg.numbers, strict=True))
    different = sum(int((a != b).sum()) for a, b in pairs)
    assert different <= 0.001 * sum(a.numel() for a, _ in pairs)
