"""Pictures that follow one another are all read; what lies behind a picture is never passed over."""

import numpy as np
import pytest
from picture_files import pillow, png, smooth
from PIL import Image
from stack_files import SEVERAL, SINGLE, TURNED

from chnorm_cli.images import ImageError, check_replacing, encode, read_mask, read_pictures

PNG = SINGLE["png"]


def stream(data, **options):
    return read_pictures(data, name="stdin", streamed=True, **options)


@pytest.mark.parametrize("name", SINGLE)
def test_pictures_one_after_another(name):
    data = SINGLE[name]
    (one,) = stream(data)
    assert not one.lost
    for pictures in (stream(data * 3), stream(data + b"\n" + data + b"\n\n" + data + b"\0" * 99)):
        assert len(pictures) == 3
        for picture in pictures:
            assert np.array_equal(picture.pixels, one.pixels)
    mixed = stream(data + PNG)
    assert [picture.source_format for picture in mixed] == [one.source_format, "png"]
    assert stream(data + b"\0" * 512 + b"\n")[0].lost == ()  # tapes and mailers fill up
    (picture,) = stream(data + b"junk!")
    assert picture.lost == ("5 bytes behind the picture, which are no picture, are left out",)
    with pytest.raises(ImageError, match="cannot be replaced: 5 bytes behind the picture"):
        check_replacing([picture], "a.png")


def test_who_asks_for_one_picture_is_told_of_the_others():
    with pytest.raises(
        ImageError, match="holds 3 pictures in one stream; give --page 1 … --page 3"
    ):
        read_pictures(PNG * 3, name="mask.png")
    with pytest.raises(ImageError, match="holds 3 pictures in one stream; give the one you mean"):
        read_mask(PNG * 3, name="mask.png", shape=(13, 21))
    (second,) = stream(PNG + SINGLE["ppm"] + PNG, page=2)
    assert second.source_format == "pnm"
    with pytest.raises(ImageError, match="no page 4"):
        stream(PNG * 3, page=4)
    with pytest.raises(ImageError, match="the limit is 700"):
        stream(PNG * 3, max_pixels=700)


def test_a_stream_that_breaks_off_says_where():
    with pytest.raises(ImageError, match="stdin: picture 3 of 3 is cut off"):
        stream(PNG * 2 + PNG[:90])


@pytest.mark.parametrize("format", ["png", "jpeg", "webp", "avif"])
def test_a_stream_is_written_as_one(format):
    pictures = stream(PNG * 3)
    data = encode(pictures, format=format, quality=100).data
    again = stream(data)
    assert [picture.source_format for picture in again] == [format] * 3
    assert len(read_pictures(encode(pictures, format="tiff").data, name="a", page="all")) == 3


def test_second_pictures_of_a_jpeg():
    with pytest.raises(ImageError, match="has 2 pages"):
        read_pictures(SEVERAL["stereo.jpg"], name="stereo.jpg")
    left, right = read_pictures(SEVERAL["stereo.jpg"], name="stereo.jpg", page="all")
    assert np.abs(right.pixels[::-1] - left.pixels).max() < 0.1
    gain = pillow(smooth(3), "JPEG", xmp=b'<x hdrgm:Version="1.0"/>') + pillow(smooth(1), "JPEG")
    (picture,) = stream(gain)
    assert "a gain map, are left out" in picture.lost[0]
    assert picture.notes == ("XMP of the JPEG is left out",)
    small = Image.fromarray(smooth(3)[:7, :9])
    (picture,) = stream(pillow(smooth(3), "MPO", save_all=True, append_images=[small]))
    assert "a second picture of 9 × 7 pixels" in picture.lost[0]
    (picture,) = stream(pillow(smooth(3), "JPEG") + b"\0\0\0\x18ftypmp42" + b"0" * 40)
    assert "a video, are left out" in picture.lost[0]


def test_the_picture_that_stands_in_for_an_animation_is_a_page():
    film = pillow(TURNED, "PNG", save_all=True, default_image=True,
                  append_images=[Image.fromarray(smooth(3)), TURNED])  # fmt: skip
    pages = read_pictures(film, name="film.png", page="all")
    assert len(pages) == 3
    assert np.array_equal(pages[1].pixels * 255, smooth(3).astype(np.float32))
    assert "how long each frame of the animation is shown is not kept" in pages[0].notes
    assert not read_pictures(png(smooth(3)), name="a.png")[0].notes
