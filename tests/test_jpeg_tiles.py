"""A large JPEG cleaned in tiles: as good as at once, in the cells, however the file is turned."""

from dataclasses import replace

import pytest
import torch
from jpeg_files import compressed, opened, photograph
from pictures import psnr
from PIL import Image

from chnorm_cli.classical import artefacts
from chnorm_cli.classical.artefacts import compression_errors
from chnorm_cli.fitting.settings import Effort, FitSettings
from chnorm_cli.problems.compression import upright
from chnorm_cli.problems.jpeg import Jpeg
from chnorm_cli.restoration import prepare_denoise
from chnorm_cli.restoration.artefacts import Wrong
from chnorm_cli.restoration.tiles import artefact_tiles, tiling

ORIENTATION = 274


def turned(orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


@pytest.fixture(autouse=True)
def _few_rounds(monkeypatch):
    monkeypatch.setattr(artefacts, "STRENGTHS", (1.4, 0.6))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_tiles_of_a_turned_picture_are_cut_where_its_blocks_are(orientation):
    truth = photograph(60, 149)
    y, jpeg = opened(compressed(truth, 30, exif=turned(orientation)))
    errors = compression_errors(y, jpeg)
    whole, tiles = Wrong(jpeg, errors).cleaned(y), Wrong(jpeg, errors, tile=96).cleaned(y)
    truth = upright(truth, orientation)
    assert psnr(tiles, truth) > psnr(y, truth) + 0.5
    assert psnr(tiles, truth) == pytest.approx(psnr(whole, truth), abs=0.1)
    assert jpeg.outside_share(tiles) <= jpeg.outside_share(whole)


@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_no_step_is_larger_where_tiles_meet(subsampling):
    truth = photograph(48, 200)
    y, jpeg = opened(compressed(truth, 30, subsampling=subsampling))
    errors = compression_errors(y, jpeg)
    wrong = (Wrong(jpeg, errors, tile=96).cleaned(y) - truth).diff(dim=-1).square().mean((0, 1))
    between = [s.start + tiling.MARGIN for s in tiling._places(200, 96)[1:]]
    seams = torch.cat([wrong[at : at + tiling.FADE] for at in between])
    assert float(seams.mean().sqrt()) < 1.25 * float(wrong.mean().sqrt())


@pytest.mark.parametrize("corner", [(0, 0), (8, 3)])
def test_strips_are_projected_as_the_whole_is(corner, monkeypatch):
    monkeypatch.setattr(artefact_tiles, "STRIP", 32)
    x = photograph(75, 90)
    compression = replace(opened(compressed(x, 40))[1].compression, corner=corner)
    jpeg = Jpeg(compression, tuple(n.round() for n in compression.coefficients(x)))
    noisy = x + 0.1 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        artefact_tiles.in_cells(noisy, jpeg), jpeg.project(noisy, artefact_tiles.CELL)
    )


def test_denoise_cleans_a_large_jpeg_in_tiles(monkeypatch):
    monkeypatch.setattr(tiling, "MOST_PIXELS", 5000)
    monkeypatch.setattr(tiling, "SIDE", 96)
    y, jpeg = opened(compressed(photograph(48, 128), 40))
    settings = FitSettings(effort=Effort.FAST, device="cpu")
    restoration = prepare_denoise(y.movedim(0, -1).numpy(), jpeg=jpeg, settings=settings)
    said = []
    for _ in restoration:
        said.append(restoration.activity)
    solution = restoration.solution
    assert solution.plan["tile"] == 96
    assert solution.jpeg["outside_share"] == 0
    assert "tiles" in restoration.header
