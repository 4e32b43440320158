"""JPEG as an operator: what Pillow does, and a projection onto the cells of a file."""

import io
import pickle

import numpy as np
import pytest
import torch
from jpeg_files import compressed, opened, photograph
from PIL import Image

from chnorm_cli.images import read_pictures
from chnorm_cli.problems.compression import Colours, Compression, Plane
from chnorm_cli.problems.jpeg import Jpeg
from chnorm_cli.scaling.compression import jpeg_of

SUBSAMPLINGS = {"4:4:4": 0, "4:2:2": 1, "4:2:0": 2}


def planes(x):
    """Luma and chroma of (3, H, W), in which the projection is one."""
    return torch.einsum("ij,jhw->ihw", Colours.LUMA_AND_CHROMA.matrix(3).to(x), x)


every_subsampling = pytest.mark.parametrize("words", SUBSAMPLINGS)


@every_subsampling
@pytest.mark.parametrize("size", [(64, 96), (53, 75)])
def test_the_middle_of_all_cells_is_what_decoders_show(words, size):
    y, jpeg = opened(compressed(photograph(*size), subsampling=SUBSAMPLINGS[words]))
    assert jpeg.compression.subsampling == words
    # Decoders round samples before they mix colours, and colours again.
    assert float((jpeg.decoded(size) - y).abs().max()) < 3.1 / 255
    assert all(bool(told.all()) for told in jpeg.told)
    assert float((jpeg.decoded(size) - y).square().mean().sqrt()) < 0.7 / 255


@every_subsampling
@pytest.mark.parametrize("quality", [10, 50, 85])
def test_the_picture_that_was_compressed_lies_in_the_cells(words, quality):
    x = photograph(64, 96)
    _, jpeg = opened(compressed(x, quality, subsampling=SUBSAMPLINGS[words]))
    assert jpeg.outside_share(x) < 0.02  # but for the rounding of encoders
    assert float((jpeg.project(x) - x).abs().max()) < 1.5 / 255


def test_the_projection_is_idempotent_and_non_expansive():
    _, jpeg = opened(compressed(photograph(64, 96), 30))
    random = torch.Generator().manual_seed(0)
    for _ in range(5):
        one, other = (torch.rand(3, 64, 96, generator=random, dtype=torch.float64) for _ in "ab")
        p, q = jpeg.project(one), jpeg.project(other)
        assert float((jpeg.project(p) - p).abs().max()) < 1e-9
        assert float(planes(p - q).norm()) <= float(planes(one - other).norm()) * (1 + 1e-9)
        assert jpeg.outside_share(p) == 0


@every_subsampling
def test_a_picture_in_the_cells_compresses_to_the_same_file(words):
    x = photograph(64, 96)
    subsampling = SUBSAMPLINGS[words]
    y, jpeg = opened(compressed(x, 30, subsampling=subsampling))
    random = torch.Generator().manual_seed(0)
    other = jpeg.project(y + 0.03 * torch.randn(y.shape, generator=random), 0.7)
    assert float(other.min()) > -0.03
    assert float(other.max()) < 1.03
    assert float((other - y).abs().max()) > 8 / 255  # another picture indeed
    _, again = opened(compressed(other, 30, subsampling=subsampling))
    different = sum(int((a != b).sum()) for a, b in zip(again.numbers, jpeg.numbers, strict=True))
    assert different <= 2  # of 18,432 or fewer, by the rounding of encoders


def test_narrower_cells_lie_inside():
    _, jpeg = opened(compressed(photograph(64, 96), 30))
    x = jpeg.project(torch.rand(3, 64, 96, generator=torch.Generator().manual_seed(1)), 0.5)
    steps = jpeg.compression.coefficients(x)
    far = [float((s - n).abs().max()) for s, n in zip(steps, jpeg.numbers, strict=True)]
    assert max(far) == pytest.approx(0.25, abs=1e-3)
    assert jpeg.edge_share(x) == 0
    assert jpeg.edge_share(jpeg.project(x + torch.rand_like(x))) > 0.1


def test_black_and_white_do_not_hide_how_far_coefficients_went():
    x = photograph(64, 96, channels=1)
    x[:, 10:50, 20:24], x[:, 30:33, 10:80] = 1.0, 0.0  # strokes, around which decoders clip
    _, jpeg = opened(compressed(x, 40))
    true = jpeg.compression.coefficients(x)[0].round()  # the encoder saw what was not clipped
    assert bool(jpeg.told[0].all())
    assert float((jpeg.numbers[0] != true).float().mean()) < 0.002


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_is_measured_where_it_was_stored(orientation):
    x = photograph(40, 56)
    exif = Image.Exif()
    exif[0x112] = orientation
    y, jpeg = opened(compressed(x, 40, exif=exif))
    plain, _ = opened(compressed(x, 40))
    assert y.shape[1:] == ((56, 40) if orientation >= 5 else (40, 56))
    assert float((jpeg.decoded(tuple(y.shape[1:])) - y).square().mean().sqrt()) < 0.7 / 255
    assert float((jpeg.project(y) - y).abs().max()) < 1.5 / 255
    assert sorted(y.flatten().tolist()) == sorted(plain.flatten().tolist())


@pytest.mark.parametrize("options", [{"progressive": True}, {"quality": 30, "optimize": True}])
def test_how_the_numbers_are_packed_plays_no_part(options):
    x = photograph(64, 96)
    quality = options.pop("quality", 50)
    _, plain = opened(compressed(x, quality))
    _, packed = opened(compressed(x, quality, **options))
    assert all(bool((a == b).all()) for a, b in zip(plain.numbers, packed.numbers, strict=True))


def test_gray_has_one_plane():
    y, jpeg = opened(compressed(photograph(40, 56, channels=1), 25))
    assert len(jpeg.numbers) == 1
    assert jpeg.compression.sentence() == "a JPEG of about quality 25"
    assert float((jpeg.decoded((40, 56)) - y).abs().max()) < 0.6 / 255


def test_colours_that_were_not_mixed_are_not_mixed():
    x = photograph(40, 56)
    data = compressed(x, 50, subsampling=0, keep_rgb=True)
    y, jpeg = opened(data)
    assert jpeg.compression.colours is Colours.AS_THEY_ARE
    assert float((jpeg.decoded((40, 56)) - y).abs().max()) < 1.1 / 255
    assert jpeg.outside_share(x) < 0.002


def test_inks_are_not_measured():
    samples = np.random.default_rng(0).integers(0, 255, (16, 16, 4), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(samples, "CMYK").save(buffer, "JPEG")
    (picture,) = read_pictures(buffer.getvalue(), name="inks.jpg")
    assert jpeg_of(picture) is None


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (3, 2), (7, 8), (9, 17)])
@pytest.mark.parametrize("channels", [1, 3])
def test_small_pictures_are_measured_too(size, channels):
    x = photograph(*size, channels=channels)
    y, jpeg = opened(compressed(x, 60))
    assert jpeg.forward(y).shape == y.shape
    assert float((jpeg.project(y) - y).abs().max()) < 4 / 255


def test_what_is_known_of_a_crop_says_nothing_of_cut_blocks():
    x = photograph(64, 64)[:1]
    _, whole = opened(compressed(x, 30))
    compression = Compression(whole.compression.planes, whole.compression.colours, corner=(3, 5))
    cut = whole.decoded((64, 64))[:, 3:, 5:]
    numbers = tuple(c.round() for c in compression.coefficients(cut))
    told = torch.ones(8, 8, dtype=torch.bool)
    told[0], told[:, 0] = False, False
    jpeg = Jpeg(compression, numbers, (told,))
    assert bool((numbers[0][told] == whole.numbers[0][told]).all())
    moved = jpeg.project(torch.zeros_like(cut))
    assert bool((moved[:, :5] == 0).all())
    assert bool((moved[:, :, :3] == 0).all())
    assert float(moved[:, 5:, 3:].mean()) > 0.1


def test_it_travels_to_other_processes():
    plane = Plane(torch.ones(8, 8))
    jpeg = Jpeg(Compression((plane,), Colours.AS_THEY_ARE), (torch.zeros(2, 2, 8, 8),))
    x = torch.rand(1, 16, 16)
    assert bool((pickle.loads(pickle.dumps(jpeg)).project(x) == jpeg.project(x)).all())


@every_subsampling
def test_nothing_is_told_of_blocks_with_holes(words):
    x = photograph(53, 75)
    _, jpeg = opened(compressed(x, 40, subsampling=SUBSAMPLINGS[words]))
    holes = torch.zeros(53, 75, dtype=torch.bool)
    holes[20, 9:30] = True
    other = torch.where(holes, 1.0 - x, x)
    beside = jpeg.beside(holes)
    assert jpeg.outside_share(other) > 2 * jpeg.outside_share(x)
    assert beside.outside_share(other) == pytest.approx(beside.outside_share(x), abs=1e-9)
    assert all(0 < int((~t).sum()) < t.numel() / 2 for t in beside.told)
