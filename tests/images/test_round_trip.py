"""Every kind of file comes back as it went in: dtype, shape, alpha, ICC bytes, DPI, orientation."""

import io

import imagecodecs
import numpy as np
import pytest
import tifffile
from picture_files import DPI, HEIGHT, ICC, WIDTH, Row, exif, pillow, png, rows, smooth, tiff
from PIL import Image

from chnorm_cli.images import Depth, ImageError, encode, read_pictures
from chnorm_cli.images import exif as exif_blocks

FULL = {"8": 255, "16": 65535, "float": 1}
WRITTEN = {"bmp": "png", "gif": "png", "pnm": "png"}  # formats that are only read


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.id)
def test_every_row(row: Row) -> None:
    (picture,) = read_pictures(row.data, name=row.name)
    assert picture.depth == row.depth
    assert picture.pixels.shape == (HEIGHT, WIDTH, row.channels)
    assert picture.pixels.dtype == np.float32
    assert (picture.alpha is not None) == row.alpha
    if row.samples is not None:
        read = (
            picture.pixels if picture.alpha is None else np.dstack([picture.pixels, picture.alpha])
        )
        assert np.abs(read * FULL[row.depth] - row.samples).max() <= max(row.tolerance, 0.01)
    assert picture.metadata.icc == (ICC if row.icc else None)
    dpi = picture.metadata.resolution.dpi if picture.metadata.resolution else None
    if row.dpi:
        assert dpi == pytest.approx(row.dpi, abs=0.02)

    format = WRITTEN.get(picture.source_format, picture.source_format)
    encoded = encode([picture], format=format, quality=100)
    assert (encoded.clipped, encoded.depth) == (0, row.depth)
    (again,) = read_pictures(encoded.data, name=f"again.{format}")
    tolerance = 8 / 255 if format == "jpeg" else 0
    assert np.abs(again.pixels - picture.pixels).max() <= tolerance
    assert again.depth == picture.depth
    if picture.alpha is not None and again.alpha is not None:
        assert np.array_equal(again.alpha, picture.alpha)
    assert (again.alpha is None) == (picture.alpha is None)
    assert again.metadata.icc == picture.metadata.icc
    if dpi:
        assert again.metadata.resolution is not None
        assert again.metadata.resolution.dpi == pytest.approx(dpi, abs=0.02)
    if row.exif:
        found = exif_blocks.parse(again.metadata.exif)
        assert found[271].value == b"Maker\0"
        assert found[34665].child is not None
        assert 33434 in found[34665].child


def test_other_programs_read_what_is_written() -> None:
    deep = np.arange(HEIGHT * WIDTH * 4, dtype=np.uint16).reshape(HEIGHT, WIDTH, 4) * 60
    (picture,) = read_pictures(png(deep), name="deep.png")
    assert np.array_equal(imagecodecs.png_decode(encode([picture], format="png").data), deep)
    data = encode([picture], format="tiff").data
    assert np.array_equal(tifffile.imread(io.BytesIO(data)), deep)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_orientation_is_applied_and_cleared(format: str, orientation: int) -> None:
    from PIL import ImageOps

    block = b"Exif\0\0" + exif(orientation)
    if format == "TIFF":
        tag = [(274, 3, 1, orientation, True)]
        data = tiff(smooth(3), extratags=tag, resolution=DPI, resolutionunit="inch")
    else:
        data = pillow(smooth(3), format, quality=100, exif=block, dpi=DPI)
    (picture,) = read_pictures(data, name="turned")
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
    assert np.array_equal(np.rint(picture.pixels * 255).astype(np.uint8), upright)
    for out in ("jpeg", "png", "webp", "tiff"):
        with Image.open(io.BytesIO(encode([picture], format=out).data)) as written:
            tags = written.getexif()
            assert tags.get(274, 1) == 1
            assert written.size == (upright.shape[1], upright.shape[0])
            turned = DPI[::-1] if orientation >= 5 else DPI
            if 282 in tags:  # elsewhere the format has its own place for it
                assert (tags[282], tags[283]) == pytest.approx(turned, abs=0.02)
            if format != "TIFF":
                sizes = tags.get_ifd(34665)
                assert (sizes[40962], sizes[40963]) == written.size


@pytest.mark.parametrize("out", ["jpeg", "png", "webp", "tiff"])
def test_metadata_crosses_formats_and_strip_removes_it(out: str) -> None:
    data = pillow(smooth(3), "JPEG", exif=b"Exif\0\0" + exif(), icc_profile=ICC, dpi=DPI)
    (picture,) = read_pictures(data, name="a.jpg")
    with Image.open(io.BytesIO(encode([picture], format=out).data)) as written:
        tags = written.getexif()
        assert tags[271] == "Maker"
        assert tags.get_ifd(34665)[33434] == pytest.approx(0.01)
        assert tags.get_ifd(34853)[2] == (52.0, 30.0, 1.5)
        assert written.info["icc_profile"] == ICC
    with Image.open(io.BytesIO(encode([picture], format=out, strip=True).data)) as written:
        assert 271 not in written.getexif()
        assert not written.info.get("icc_profile")


def test_superres_multiplies_the_resolution() -> None:
    (picture,) = read_pictures(
        tiff(smooth(3), resolution=(300, 150), resolutionunit="inch"), name="a.tif"
    )
    large = picture.with_pixels(np.repeat(np.repeat(picture.pixels, 2, 0), 2, 1), scale=2)
    for out in ("png", "jpeg", "webp", "tiff"):
        (again,) = read_pictures(encode([large], format=out).data, name="again")
        assert again.metadata.resolution is not None
        assert again.metadata.resolution.dpi == pytest.approx((600, 300), abs=0.02)


def stack(**options: object) -> bytes:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        for index in range(3):
            page = np.full((HEIGHT, WIDTH), 1000 * (index + 1), np.uint16)
            tags = [(285, 2, 7, b"page %d\0" % index, True)]
            resolution = (300 + index, 300 + index)
            file.write(page, metadata=None, extratags=tags, resolution=resolution, contiguous=False,
                       resolutionunit="inch", description=f"slice {index}")  # fmt: skip
    return buffer.getvalue()


def test_pages() -> None:
    with pytest.raises(
        ImageError, match=r"stack\.tif: has 3 pages; give --page 1 … --page 3, or --page all"
    ):
        read_pictures(stack(), name="stack.tif")
    with pytest.raises(ImageError, match="no page 4"):
        read_pictures(stack(), name="stack.tif", page=4)
    (second,) = read_pictures(stack(), name="stack.tif", page=2)
    assert np.rint(second.pixels[0, 0, 0] * 65535) == 2000
    pages = read_pictures(stack(), name="stack.tif", page="all")
    written = encode(pages, format="tiff")
    assert written.depth is Depth.SIXTEEN
    with tifffile.TiffFile(io.BytesIO(written.data)) as file:
        assert len(file.pages) == 3
        for index, page in enumerate(file.pages):
            assert (page.asarray() == 1000 * (index + 1)).all()
            assert page.tags[285].value == f"page {index}"
            assert page.tags[270].value == f"slice {index}"
            assert page.tags[282].value == (300 + index, 1)
    with pytest.raises(ImageError, match="write a TIFF"):
        encode(pages, format="png")


def test_description_of_a_stack_goes_when_a_page_leaves_it() -> None:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.zeros((3, 5, 7), np.uint16), imagej=True, metadata={"axes": "ZYX"})
    pages = read_pictures(buffer.getvalue(), name="stack.tif", page="all")
    assert b"ImageJ=" in (pages[0].metadata.exif or b"")
    (first,) = read_pictures(buffer.getvalue(), name="stack.tif", page=1)
    assert b"ImageJ=" not in (first.metadata.exif or b"")


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_animations(format: str) -> None:
    frames = [Image.fromarray(np.roll(smooth(3), 3 * i, axis=1)) for i in range(3)]
    options = {"lossless": True} if format == "WEBP" else {}
    data = pillow(frames[0], format, save_all=True, append_images=frames[1:], **options)
    with pytest.raises(ImageError, match="has 3 pages"):
        read_pictures(data, name="film")
    pages = read_pictures(data, name="film", page="all")
    tolerance = 60 if format == "GIF" else 0  # of its palette
    for picture, frame in zip(pages, frames, strict=True):
        assert np.abs(picture.pixels * 255 - np.asarray(frame)).max() <= tolerance + 0.01
    (last,) = read_pictures(data, name="film", page=3)
    assert np.array_equal(last.pixels, pages[2].pixels)


def test_png_keeps_its_own_colour_and_text_chunks() -> None:
    extra = (
        (b"gAMA", b"\0\0\xb1\x8f"),
        (b"tEXt", b"Author\0me"),
        (b"iTXt", b"XML:com.adobe.xmp\0old"),
    )
    (picture,) = read_pictures(png(smooth(3), *extra), name="a.png")
    data = encode([picture], format="png").data
    assert b"gAMA\0\0\xb1\x8f" in data
    assert b"tEXtAuthor\0me" in data
    assert b"xmp" not in data
    assert b"gAMA" not in encode([picture], format="png", strip=True).data
