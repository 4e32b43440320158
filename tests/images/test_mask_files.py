import numpy as np
import pytest
from picture_files import HEIGHT, WIDTH, pillow, png, smooth, tiff
from PIL import Image

from chnorm_cli.images import ImageError, MaskError, mask_from_alpha, read_mask, read_pictures

SHAPE = (HEIGHT, WIDTH)
HOLES = np.zeros(SHAPE, bool)
HOLES[2:6, 3:11] = True
WHITE = (HOLES * 255).astype(np.uint8)


def painted_palette() -> bytes:
    image = Image.fromarray(HOLES.astype(np.uint8), "P")
    image.putpalette([0, 0, 0, 255, 255, 255])
    return pillow(image, "PNG")


KINDS = {
    "8-bit": png(WHITE),
    "16-bit": png(WHITE.astype(np.uint16) * 257),
    "1-bit": pillow(Image.fromarray(HOLES), "PNG"),
    "1-bit tiff": tiff(HOLES),
    "palette": painted_palette(),
    "gray RGB": png(np.dstack([WHITE] * 3)),
    "RGB JPEG": pillow(np.dstack([WHITE] * 3), "JPEG", quality=95),
    "white strokes on transparency": png(np.dstack([np.full(SHAPE, 255, np.uint8), WHITE])),
    "float": tiff(HOLES.astype(np.float32)),
    "0 and 255 as float": tiff(WHITE.astype(np.float32)),
    "0 and 1 of 255": png(HOLES.astype(np.uint8)),
    "bmp": pillow(WHITE, "BMP"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("invert", [False, True])
def test_white_is_missing(kind: str, invert: bool) -> None:
    mask = read_mask(KINDS[kind], name="mask", shape=SHAPE, invert=invert)
    assert np.array_equal(mask.missing, HOLES ^ invert)
    expected = {"RGB JPEG": "soft", "0 and 1 of 255": "brighter"}.get(kind)
    notes = " ".join(mask.notes)
    assert (expected is None) or expected in notes
    assert ("leave out --invert-mask" in notes) == invert  # most is missing then


def test_a_soft_mask_is_missing_wherever_it_is_not_black() -> None:
    levels = np.tile(np.arange(WIDTH, dtype=np.uint8) * 12, (HEIGHT, 1))
    mask = read_mask(png(levels), name="soft.png", shape=SHAPE)
    assert np.array_equal(mask.missing, levels > 0)
    assert "soft in 90.5% of its pixels" in mask.notes[0]
    assert "cut at 1 of 255" in mask.notes[0]


@pytest.mark.parametrize(
    ("level", "invert", "cause"),
    [
        (0, False, "black all over, so nothing is missing"),
        (255, False, "white all over, so everything is missing"),
        (0, True, "black all over, so everything is missing"),
        (255, True, "white all over, so nothing is missing"),
    ],
)
def test_masks_of_one_level_are_explained(level: int, invert: bool, cause: str) -> None:
    with pytest.raises(MaskError, match=cause):
        read_mask(png(np.full(SHAPE, level, np.uint8)), name="m.png", shape=SHAPE, invert=invert)


def test_an_inverted_looking_mask_gets_a_note() -> None:
    mask = read_mask(png(255 - WHITE), name="m.png", shape=SHAPE)
    assert "88% of the picture is missing" in mask.notes[0]
    assert "--invert-mask" in mask.notes[0]


def test_unsuitable_masks() -> None:
    with pytest.raises(MaskError, match=r"mask has 21 × 13 pixels and the picture 40 × 30"):
        read_mask(png(WHITE), name="m.png", shape=(30, 40))
    with pytest.raises(MaskError, match="has colours"):
        read_mask(png(smooth(3)), name="m.png", shape=SHAPE)
    with pytest.raises(ImageError, match="not a picture"):
        read_mask(b"hello", name="m.png", shape=SHAPE)


def test_alpha_as_mask() -> None:
    (picture,) = read_pictures(png(np.dstack([smooth(3), 255 - WHITE])), name="a.png")
    assert np.array_equal(mask_from_alpha(picture).missing, HOLES)
    assert np.array_equal(mask_from_alpha(picture, invert=True).missing, ~HOLES)
    (plain,) = read_pictures(png(smooth(3)), name="a.png")
    with pytest.raises(MaskError, match="has no alpha channel"):
        mask_from_alpha(plain)
