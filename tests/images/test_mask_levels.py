"""What a mask file says: partly covered pixels, lossy files, alpha, wider holes."""

import io

import numpy as np
import pytest
from picture_files import pillow, png, tiff
from PIL import Image, ImageDraw, ImageFont

from chnorm_cli.images import MaskError, mask_from_alpha, read_mask, read_pictures

SIDE = 160


def drawn(scale: int, resample: Image.Resampling = Image.Resampling.BOX) -> np.ndarray:
    """Letters, strokes and a disc, antialiased where `scale` is more than one."""
    image = Image.new("L", (SIDE * scale, SIDE * scale), 0)
    draw = ImageDraw.Draw(image)
    draw.text(
        (6 * scale, 8 * scale), "Sample 2026", fill=255, font=ImageFont.load_default(26 * scale)
    )
    draw.line((10 * scale, 70 * scale, 150 * scale, 97 * scale), fill=255, width=2 * scale)
    draw.ellipse((30 * scale, 105 * scale, 71 * scale, 143 * scale), fill=255)
    hard = image.point(lambda level: 255 * (level > 127))
    return np.asarray(hard.resize((SIDE, SIDE), resample))


HARD, SOFT = drawn(1), drawn(4)
SHAPE = HARD.shape


def read(data: bytes, **options):
    return read_mask(data, name="mask", shape=SHAPE, **options)


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize(
    "kind",
    {
        "8-bit": png(SOFT),
        "16-bit": png(SOFT.astype(np.uint16) * 257),
        "float": tiff((SOFT / 255).astype(np.float32)),
        "half as bright": png(SOFT // 2),
        "RGB": png(np.dstack([SOFT] * 3)),
        "opaque": png(np.dstack([SOFT, np.full(SHAPE, 255, np.uint8)])),
    }.items(),
    ids=lambda kind: kind[0],
)
def test_what_is_partly_covered_is_not_observed(kind, invert):
    levels = SOFT // 2 * 2 if kind[0] == "half as bright" else SOFT
    covered = levels < levels.max() - 1 if invert else levels > 1
    mask = read(kind[1], invert=invert)
    assert np.array_equal(mask.missing, covered)
    assert "partly covered counts as missing" in mask.notes[0]


@pytest.mark.parametrize("quality", [50, 65, 80, 95])
@pytest.mark.parametrize("format", ["JPEG", "WEBP"])
@pytest.mark.parametrize("channels", [1, 3])
def test_ringing_of_a_hard_mask_is_no_hole(format, quality, channels):
    data = pillow(np.dstack([HARD] * channels), format, quality=quality)
    assert np.array_equal(read(data).missing, HARD > 0)
    inverted = pillow(np.dstack([255 - HARD] * channels), format, quality=quality)
    assert np.array_equal(read(inverted, invert=True).missing, HARD > 0)


@pytest.mark.parametrize("resample", [Image.Resampling.BOX, Image.Resampling.LANCZOS])
@pytest.mark.parametrize("quality", [50, 65, 80, 95])
@pytest.mark.parametrize("format", ["JPEG", "WEBP"])
def test_a_lossy_mask_with_soft_edges_lets_nothing_covered_through(format, quality, resample):
    levels = drawn(4, resample)
    mask = read(pillow(levels, format, quality=quality))
    covered = levels > 1
    assert mask.missing[covered].mean() > 0.999
    assert mask.missing[levels <= 1].mean() < 0.15
    assert "widened by 2 pixels" in mask.notes[0]


def test_a_label_image_is_missing_wherever_it_has_a_label():
    labels = np.zeros(SHAPE, np.uint8)
    labels[10:20, 10:20], labels[40:60, 40:60], labels[80:90, 90:130] = 1, 2, 3
    assert np.array_equal(read(png(labels)).missing, labels > 0)


@pytest.mark.parametrize("color", [0, 90, 255, (200, 0, 0), (0, 0, 0)])
def test_where_only_alpha_varies_it_is_the_mask(color):
    channels = 3 if isinstance(color, tuple) else 1
    colors = np.full((*SHAPE, channels), color, np.uint8)
    data = png(np.dstack([colors, SOFT]))
    mask = read(data)
    assert np.array_equal(mask.missing, SOFT > 1)
    assert any("only the alpha channel" in note for note in mask.notes) == (color != 255)
    assert np.array_equal(read(data, invert=True).missing, SOFT < 254)


def test_what_lies_below_full_transparency_is_no_colour_of_the_mask():
    colors = np.random.default_rng(0).integers(0, 256, (*SHAPE, 3)).astype(np.uint8)
    colors[HARD > 0] = 0
    assert np.array_equal(read(png(np.dstack([colors, HARD]))).missing, HARD > 0)


def test_an_alpha_that_is_alike_everywhere_says_nothing():
    for level in (0, 128, 255):
        data = png(np.dstack([HARD, np.full(SHAPE, level, np.uint8)]))
        assert np.array_equal(read(data).missing, HARD > 0)


def test_one_colour_on_black_is_white():
    mask = read(png((HARD > 0)[..., None] * np.array([128, 0, 0], np.uint8)))
    assert np.array_equal(mask.missing, HARD > 0)
    assert "colour was taken as white" in mask.notes[0]


def test_colours_are_refused_and_alpha_is_named_where_there_is_one():
    colors = np.random.default_rng(0).integers(0, 256, (*SHAPE, 3)).astype(np.uint8)
    with pytest.raises(
        MaskError, match=r"has colours; paint what is missing white and the rest bl"
    ):
        read(png(colors))
    with pytest.raises(MaskError, match="alpha channel alone"):
        read(png(np.dstack([colors, HARD])))


def test_half_transparent_pixels_of_the_picture_itself_are_missing():
    colors = np.full((*SHAPE, 3), 90, np.uint8)
    (picture,) = read_pictures(png(np.dstack([colors, 255 - SOFT])), name="a.png")
    assert np.array_equal(mask_from_alpha(picture).missing, SOFT > 1)


def test_grow_widens_holes_in_all_directions():
    levels = np.zeros(SHAPE, np.uint8)
    levels[50, 50] = 255
    wide = np.argwhere(read(png(levels), grow=1).missing)
    assert wide.min(0).tolist() == [49, 49]
    assert wide.max(0).tolist() == [51, 51]
    assert len(wide) == 9
    rows, columns = np.mgrid[:SIDE, :SIDE] - 50
    disc = rows**2 + columns**2 <= 4.5**2
    assert np.array_equal(read(png(levels), grow=4).missing, disc)
    alone = read(png(255 - levels), invert=True, grow=4)
    assert np.array_equal(alone.missing, disc)
    with pytest.raises(MaskError, match=r"widened by 500 pixels nothing .* smaller --grow"):
        read(png(levels), grow=500)


def test_of_a_mask_with_several_pages_the_picture_s_own_is_read():
    pages = np.stack([HARD, HARD[::-1], HARD[:, ::-1]])
    buffer = io.BytesIO()
    import tifffile

    with tifffile.TiffWriter(buffer) as file:
        for page in pages:
            file.write(page, photometric="minisblack", metadata=None)
    for number, page in enumerate(pages, start=1):
        assert np.array_equal(read(buffer.getvalue(), page=number).missing, page > 0)
    with pytest.raises(MaskError, match="3 pages, and the picture is on page 4"):
        read(buffer.getvalue(), page=4)
    assert np.array_equal(read(png(HARD), page=4).missing, HARD > 0)  # one mask for all pages
