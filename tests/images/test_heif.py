"""HEIC: phones' pictures are read upright, and written with what describes them."""

import io
import sys

import numpy as np
import pytest
from picture_files import DPI, ICC, exif, png, smooth
from PIL import Image

from chnorm_cli.cli import main
from chnorm_cli.images import Depth, ImageError, encode, read_pictures
from chnorm_cli.images import exif as exif_blocks


@pytest.fixture
def pillow_heif():
    return pytest.importorskip("pillow_heif")


def heic(library, samples, **options):
    buffer = io.BytesIO()
    library.from_pillow(Image.fromarray(samples.squeeze())).save(
        buffer, quality=95, chroma=444, **options
    )
    return buffer.getvalue()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pictures_come_back_with_what_describes_them(pillow_heif, channels):
    x = smooth(channels)
    if channels == 4:
        x[..., 3] = 200
    data = heic(pillow_heif, x, exif=b"Exif\0\0" + exif(), icc_profile=ICC)
    (picture,) = read_pictures(data, name="a.heic")
    assert picture.depth is Depth.EIGHT
    assert (picture.alpha is not None) == (channels == 4)
    for _ in range(2):
        read = (
            picture.pixels if picture.alpha is None else np.dstack([picture.pixels, picture.alpha])
        )
        assert np.abs(read * 255 - x).max() < 8
        assert picture.metadata.icc == ICC
        assert exif_blocks.parse(picture.metadata.exif)[271].value == b"Maker\0"
        encoded = encode([picture], format="heic")
        assert encoded.notes == ()
        (picture,) = read_pictures(encoded.data, name="b.heic")


def test_what_is_turned_is_read_upright_once(pillow_heif):
    x = smooth(3)
    data = heic(pillow_heif, x, exif=b"Exif\0\0" + exif(orientation=6))
    (picture,) = read_pictures(data, name="a.heic")
    image = Image.open(io.BytesIO(data)) if pillow_heif.register_heif_opener() else None
    assert image is None
    assert np.abs(picture.pixels * 255 - np.asarray(pillow_heif.open_heif(data))).max() < 2
    assert exif_blocks.orientation(exif_blocks.parse(picture.metadata.exif)) == 1


def test_ten_bits_are_read_whole(pillow_heif):
    deep = np.tile(np.arange(0, 65536, 1024, dtype=np.uint16)[:, None], (16, 1, 3))
    file = pillow_heif.from_bytes(
        mode="RGB;16", size=(64, 16), data=deep.reshape(16, 64, 3).tobytes()
    )
    buffer = io.BytesIO()
    file.save(buffer, quality=-1, chroma=444)
    (picture,) = read_pictures(buffer.getvalue(), name="a.heic")
    assert picture.depth is Depth.SIXTEEN
    assert np.abs(picture.pixels[..., 0] * 65535 - deep.reshape(16, 64, 3)[..., 0]).max() < 700
    assert any("cannot hold depth 16" in note for note in encode([picture], format="heic").notes)


def test_resolution_goes_into_exif(pillow_heif):
    (picture,) = read_pictures(png(smooth(3)), name="a.png")
    (shot,) = read_pictures(heic(pillow_heif, smooth(3), exif=b"Exif\0\0" + exif()), name="b.heic")
    assert shot.metadata.resolution is not None
    assert shot.metadata.resolution.dpi == pytest.approx(DPI)
    (again,) = read_pictures(encode([shot], format="heic").data, name="c.heic")
    assert again.metadata.resolution == shot.metadata.resolution
    assert encode([picture], format="heic").data[4:8] == b"ftyp"


def test_several_pictures_are_pages(pillow_heif):
    file = pillow_heif.from_pillow(Image.fromarray(smooth(3)))
    file.add_from_pillow(Image.fromarray(smooth(3)[::-1].copy()))
    buffer = io.BytesIO()
    file.save(buffer, quality=95)
    assert len(read_pictures(buffer.getvalue(), name="a.heic", page="all")) == 2


def test_damage_is_one_line(pillow_heif):
    data = heic(pillow_heif, smooth(3))
    with pytest.raises(ImageError, match=r"a\.heic"):
        read_pictures(data[: len(data) // 2], name="a.heic")


def test_without_pillow_heif_one_line_says_what_to_install(monkeypatch, tmp_path, capfd):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic".ljust(200, b"\0"))
    (tmp_path / "b.png").write_bytes(png(smooth(3)))
    for source in ("a.heic", "b.png"):
        assert main(["denoise", str(tmp_path / source), "-o", str(tmp_path / "c.heic")]) == 1
        err = capfd.readouterr().err
        assert "pip install 'chnorm[heif]'" in err
        assert err.count("\n") == 1
    assert not (tmp_path / "c.heic").exists()
