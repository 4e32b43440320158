"""Whatever is wrong with a file, reading gives a picture of finite values or one `ImageError`."""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from picture_files import (
    PNG_METADATA,
    TIFF_METADATA,
    exif,
    indexed,
    noise,
    pillow,
    png,
    smooth,
    tiff,
)
from PIL import Image

from chnorm_cli.images import ImageError, encode, read_pictures

TURNED = Image.fromarray(smooth(3)[::-1])
FILES = {
    "8.png": png(noise(3), *PNG_METADATA),
    "16.png": png(noise(4, "uint16")),
    "indexed.png": indexed(transparent=True),
    "film.png": pillow(smooth(3), "PNG", save_all=True, append_images=[TURNED]),
    "color.jpg": pillow(smooth(3), "JPEG", quality=95, exif=b"Exif\0\0" + exif(6)),
    "cmyk.jpg": pillow(Image.fromarray(smooth(4), "CMYK"), "JPEG"),
    "lossy.webp": pillow(smooth(3), "WEBP", exif=exif()),
    "lossless.webp": pillow(noise(4), "WEBP", lossless=True),
    "plain.tif": tiff(noise(3, "uint16"), **TIFF_METADATA),
    "deflate.tif": tiff(noise(3), compression="zlib", predictor=True),
    "lzw.tif": tiff(noise(1, "uint16"), compression="lzw", tile=(16, 16)),
    "zstd.tif": tiff(noise(1, "float32"), compression="zstd", byteorder=">"),
    "jpeg.tif": tiff(smooth(3), compression="jpeg"),
    "color.bmp": pillow(smooth(3), "BMP"),
    "gray.gif": pillow(smooth(1), "GIF"),
    "color.ppm": pillow(smooth(3), "PPM"),
    "plain.pgm": b"P2 3 2 255\n1 2 3 4 5 6\n",
}  # fmt: skip


def attempt(data: bytes, name: str) -> bool:
    """Reads damaged bytes; tells whether that gave pictures."""
    try:
        pictures = read_pictures(data, name=name, page="all", max_pixels=10**6)
    except ImageError as error:
        message = str(error)
    else:
        message = ""
    if message:
        assert "\n" not in message
        assert message.startswith(f"{name}: ")
        return False
    for picture in pictures:
        assert np.isfinite(picture.pixels).all()
        assert 0 <= picture.pixels.min() <= picture.pixels.max() <= 1
        encode([picture], format="tiff" if picture.extra else "png")
    return True


@pytest.mark.parametrize("name", FILES)
def test_cut_off_and_flipped_bytes(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    data = FILES[name]
    assert attempt(data, name)
    rng = np.random.default_rng(list(name.encode()))
    for cut in rng.integers(0, len(data), 100):
        attempt(data[:cut], name)
    for _ in range(300):
        damaged = bytearray(data)
        # Half of the flips hit the headers, where they do the most.
        end = len(data) if rng.random() < 0.5 else min(len(data), 200)
        for at in rng.integers(0, end, rng.integers(1, 4)):
            damaged[at] ^= 1 << rng.integers(8)
        attempt(bytes(damaged), name)
    out, err = capfd.readouterr()  # of the C libraries too: stdout is for pictures
    assert out + err == ""


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("plain.pgm")])
def test_half_a_file_is_an_error(name: str) -> None:
    assert not attempt(FILES[name][: len(FILES[name]) // 2], name)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif", "bmp", "gif", "ppm"])
def test_not_pictures(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    for content, cause in ((b"", "is empty"), (b"hello there, no picture", "is not a picture"),
                           (os.urandom(1) * 3000, "is not a picture")):  # fmt: skip
        path.write_bytes(content)
        with pytest.raises(ImageError, match=cause):
            read_pictures(path, name=str(path))


def test_mislabelled() -> None:
    with pytest.raises(
        ImageError, match=r"a\.png: is named as PNG but holds JPEG; rename it to a\.jpg|png"
    ):
        read_pictures(FILES["color.jpg"], name="a.png")
    read_pictures(FILES["color.jpg"], name="stdin")
    read_pictures(FILES["color.jpg"], name="photo.JPEG")


def test_paths(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"no such file"):
        read_pictures(tmp_path / "none.png", name="none.png")
    with pytest.raises(ImageError, match="is a folder"):
        read_pictures(tmp_path, name="folder")
    (tmp_path / "a.png").write_bytes(FILES["8.png"])
    assert len(read_pictures(tmp_path / "a.png", name="a.png")) == 1
    if Path("/dev/zero").exists():
        with pytest.raises(ImageError, match="is not a picture"):
            read_pictures(Path("/dev/zero"), name="/dev/zero")


def bombs() -> dict[str, bytes]:
    """Headers that state 60000 × 60000 pixels, in a few bytes or kilobytes."""
    side = 60000
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(10**6))
    chunks = b"".join(
        struct.pack(">I", len(b)) + k + b + struct.pack(">I", zlib.crc32(k + b))
        for k, b in ((b"IHDR", header), (b"IDAT", body), (b"IEND", b""))
    )
    jpeg = bytearray(FILES["color.jpg"])
    frame = jpeg.index(b"\xff\xc0")
    struct.pack_into(">HH", jpeg, frame + 5, side, side)
    gif = bytearray(FILES["gray.gif"])
    struct.pack_into("<HH", gif, 6, side, side)
    bmp = bytearray(FILES["color.bmp"])
    struct.pack_into("<ii", bmp, 18, side, side)
    webp = bytearray(pillow(smooth(3), "WEBP", exif=exif()))
    webp[24:30] = (16382).to_bytes(3, "little") * 2
    big = bytearray(tiff(noise(1)))
    struct.pack_into("<I", big, big.index(b"\0\1\4\0\1\0\0\0") + 8, side)
    struct.pack_into("<I", big, big.index(b"\1\1\4\0\1\0\0\0") + 8, side)
    return {
        "a.png": b"\x89PNG\r\n\x1a\n" + chunks, "a.jpg": bytes(jpeg), "a.gif": bytes(gif),
        "a.bmp": bytes(bmp), "a.webp": bytes(webp), "a.tif": bytes(big),
        "a.ppm": b"P6 60000 60000 255\n",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "a.bmp", "a.webp", "a.tif", "a.ppm"])
def test_absurd_sizes_take_no_memory(name: str) -> None:
    import tracemalloc

    data = bombs()[name]
    attempt(FILES["8.png"], "8.png")
    tracemalloc.start()
    with pytest.raises(ImageError, match=r"the limit is 100000000; give --max-pixels \d+"):
        read_pictures(data, name=name)
    assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    tracemalloc.stop()


def test_a_list_where_a_number_belongs_takes_no_memory() -> None:
    damaged = bytearray(FILES["zstd.tif"])  # big-endian
    at = damaged.index(b"\1\0\0\4\0\0\0\1")  # ImageWidth, one LONG
    struct.pack_into(">II", damaged, at + 4, 100, 8)
    with pytest.raises(ImageError, match="damaged directory"):
        read_pictures(bytes(damaged), name="a.tif")


def test_the_limit_counts_all_pages_that_are_read() -> None:
    frames = [Image.fromarray(np.roll(smooth(3), i, axis=1)) for i in range(4)]
    data = pillow(frames[0], "GIF", save_all=True, append_images=frames[1:])
    read_pictures(data, name="a.gif", page=2, max_pixels=300)
    with pytest.raises(ImageError, match="and more on 4 pages, 1092 in all"):
        read_pictures(data, name="a.gif", page="all", max_pixels=300)


def test_large_pictures_are_read_when_allowed() -> None:
    data = pillow(Image.new("L", (20000, 10000)), "JPEG")  # Pillow alone would refuse it
    with pytest.raises(ImageError, match="--max-pixels 200000000"):
        read_pictures(data, name="a.jpg")


def test_damaged_metadata_does_not_cost_the_picture() -> None:
    data = bytearray(png(noise(3), (b"iCCP", b"name\0\0garbage"), (b"eXIf", b"garbage")))
    (picture,) = read_pictures(bytes(data), name="a.png")
    assert picture.metadata.icc is None
    assert picture.metadata.exif is None
    assert picture.notes == ("damaged metadata was left out", "damaged EXIF was left out")
