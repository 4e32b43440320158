import io
import pickle
import struct
import sys

import numpy as np
import pytest
import tifffile
from picture_files import ICC, noise, pillow, png, smooth, tiff
from PIL import Image

from chnorm_cli.images import (
    Depth,
    ImageError,
    Picture,
    encode,
    format_for,
    from_unit,
    read_pictures,
    to_unit,
)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "int8", "int16", "uint32", "int32",
                                   "float16", "float32", "float64"])  # fmt: skip
@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_numpy_arrays_go_and_come_back(dtype: str, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    array = (rng.random(shape) * 100).astype(dtype) if dtype != "bool" else rng.random(shape) > 0.5
    unit, rule = to_unit(array)
    assert unit.dtype == np.float32
    assert unit.min() >= 0
    assert unit.max() <= 1
    back = from_unit(unit, rule)
    assert back.dtype == array.dtype
    # float16 resolves 100 to 0.03 only
    assert np.abs(back.astype(float) - array).max() <= (0.04 if array.dtype.kind == "f" else 0)


def test_every_level_survives() -> None:
    for dtype in (np.uint8, np.uint16):
        levels = np.arange(np.iinfo(dtype).max + 1).astype(dtype)
        unit, rule = to_unit(levels)
        assert np.array_equal(from_unit(unit, rule), levels)


def test_rounded_never_floored_never_wrapped() -> None:
    _, rule = to_unit(np.zeros(1, np.uint8))
    assert from_unit(np.float32([-0.5, 0.4999 / 255, 0.6 / 255, 2.0]), rule).tolist() == [
        0,
        0,
        1,
        255,
    ]
    pixels = np.float32([[-0.5, 0.6 / 255, 1.001, 1.01]])[..., None]
    encoded = encode([Picture(pixels)], format="png")
    assert encoded.clipped == 2  # 1.001 rounds to white and loses nothing
    assert np.asarray(Image.open(io.BytesIO(encoded.data))).tolist() == [[0, 1, 255, 255]]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_not_finite_is_missing(value: float, channels: int) -> None:
    array = noise(channels, "float32") * 700
    array[3, 4, channels - 1] = value
    (picture,) = read_pictures(tiff(array), name="bad.tif")
    assert picture.missing is not None
    assert np.argwhere(picture.missing).tolist() == [[3, 4]]
    assert "1 pixel is not a finite number" in picture.notes[0]
    assert np.isfinite(picture.pixels).all()
    restored = picture.with_pixels(picture.pixels)
    assert restored.missing is None
    written = tifffile.imread(io.BytesIO(encode([restored], format="tiff").data))
    written = written.reshape(array.shape)
    finite = np.isfinite(array)
    assert np.array_equal(written[finite], array[finite])
    assert np.isfinite(written).all()


def test_nothing_finite_is_refused() -> None:
    array = np.full((5, 6, 1), np.nan, np.float32)
    with pytest.raises(ValueError, match="NaN or infinite"):
        to_unit(array)
    with pytest.raises(ImageError, match=r"bad\.tif: cannot be restored: no value is a finite"):
        read_pictures(tiff(array), name="bad.tif")
    with pytest.raises(ImageError, match="not all finite"):
        encode([Picture(array)], format="png")


@pytest.mark.parametrize("low", [0.0, -3.5, 1e4])
def test_floats_beyond_the_nominal_range_come_back_bit_for_bit(low: float) -> None:
    array = noise(3, "float32") * np.float32(700.3) + np.float32(low)
    (picture,) = read_pictures(tiff(array), name="a.tif")
    assert (picture.pixels.min(), picture.pixels.max()) == (0, 1)
    offset, span = picture.value_range
    assert (offset, offset + span) == pytest.approx((array.min(), array.max()))
    restored = picture.pixels.copy()
    restored[0] += 0.25
    data = encode([picture.with_pixels(restored)], format="tiff").data
    written = tifffile.imread(io.BytesIO(data))
    assert np.array_equal(written[1:], array[1:])
    assert np.allclose(written[0], array[0] + 0.25 * span, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["int16", "int32", "uint32"])
def test_other_integers_become_floats_with_a_note(dtype: str) -> None:
    array = np.arange(-35 if dtype[0] == "i" else 0, 70).astype(dtype).reshape(5, -1, 1)
    (picture,) = read_pictures(tiff(array), name="a.tif")
    assert picture.depth is Depth.FLOAT
    assert f"{dtype} samples" in picture.notes[0]
    written = tifffile.imread(io.BytesIO(encode([picture], format="tiff").data))
    assert np.array_equal(written, array[..., 0])


def test_depths() -> None:
    (deep,) = read_pictures(png(noise(3, "uint16")), name="deep.png")
    assert encode([deep], format="tiff").depth is Depth.SIXTEEN
    fallen = encode([deep], format="jpeg")
    assert fallen.depth is Depth.EIGHT
    assert fallen.notes == ("JPEG cannot hold depth 16: written with 8 bits",)
    with pytest.raises(ImageError, match="JPEG cannot hold depth 16; use --depth 8"):
        encode([deep], format="jpeg", depth=Depth.SIXTEEN)
    with pytest.raises(ImageError, match="PNG cannot hold depth float"):
        encode([deep], format="png", depth=Depth.FLOAT)
    (wide,) = read_pictures(tiff(noise(1, "float32") * 9), name="wide.tif")
    encoded = encode([wide], format="png")
    assert encoded.depth is Depth.SIXTEEN
    assert len(encoded.notes) == 2  # the depth, and the range
    (eight,) = read_pictures(png(noise(3)), name="a.png")
    data = encode([eight], format="tiff", depth=Depth.FLOAT).data
    assert np.array_equal(tifffile.imread(io.BytesIO(data)), eight.pixels)


def test_jpeg_is_written_without_averaging_colours() -> None:
    from PIL import JpegImagePlugin

    (picture,) = read_pictures(png(smooth(3)), name="a.png")
    with Image.open(io.BytesIO(encode([picture], format="jpeg").data)) as image:
        assert JpegImagePlugin.get_sampling(image) == 0  # 4:4:4
    coarse = encode([picture], format="jpeg", quality=10)
    assert len(coarse.data) < len(encode([picture], format="jpeg").data)


def test_colours_below_full_transparency_do_not_bleed() -> None:
    array = np.full((9, 9, 4), 100, np.uint8)
    array[:, 5:] = (255, 0, 7, 0)
    (picture,) = read_pictures(png(array), name="a.png")
    visible = picture.visible_pixels()
    assert np.all(visible == np.float32(100 / 255))
    restored = picture.with_pixels(visible * 0.5)
    written = np.asarray(Image.open(io.BytesIO(encode([restored], format="png").data)))
    assert np.array_equal(written[:, 5:], array[:, 5:])
    assert (written[:, :5, :3] == 50).all()
    large = picture.with_pixels(np.zeros((27, 27, 3), np.float32), scale=3)
    assert large.alpha is not None
    assert large.alpha.shape == (27, 27)
    assert 0 <= large.alpha.min() <= large.alpha.max() <= 1
    flat = encode([picture], format="jpeg")
    assert flat.notes == ("JPEG cannot hold transparency: the picture was laid on white",)
    assert picture.opaque().alpha is None


def test_a_picture_transparent_all_over_is_restored_all_the_same() -> None:
    array = noise(4)
    array[..., 3] = 0
    (picture,) = read_pictures(png(array), name="a.png")
    assert picture.with_pixels(picture.visible_pixels() * 0).pixels.max() == 0


def test_webp_keeps_colours_below_transparency_when_lossless() -> None:
    array = noise(4)
    array[3:, :, 3] = 0
    (picture,) = read_pictures(png(array), name="a.png")
    (again,) = read_pictures(encode([picture], format="webp", quality=100).data, name="a.webp")
    assert np.array_equal(again.pixels, picture.pixels)


def cmyk_profile() -> bytes:
    """A profile of gray inks: L* is 100 on paper and falls to 0 with the ink, a* = b* = 0."""
    inks = np.stack(np.meshgrid(*[[0, 1]] * 4, indexing="ij"), axis=-1).reshape(16, 4)
    light = 255 * (1 - inks[:, :3].mean(axis=1)) * (1 - inks[:, 3])
    grid = np.stack([light, np.full(16, 128), np.full(16, 128)], axis=1).astype(np.uint8)
    ramp = bytes(range(256))
    identity = b"".join(struct.pack(">i", 65536 * (i % 4 == 0)) for i in range(9))
    table = b"mft1\0\0\0\0\4\3\2\0" + identity + ramp * 4 + grid.tobytes() + ramp * 3
    table += b"\0" * (-len(table) % 4)
    body = struct.pack(">I4sII", 1, b"A2B0", 144, len(table)) + table
    head = struct.pack(
        ">I4sI4s4s4s", 128 + len(body), b"lcms", 0x02100000, b"prtr", b"CMYK", b"Lab "
    )
    head += b"\0" * 12 + b"acsp" + b"\0" * 28 + struct.pack(">iii", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + body


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_cmyk_goes_through_its_profile(dtype: str) -> None:
    inks = noise(4, dtype)
    data = tiff(inks, photometric="separated", iccprofile=cmyk_profile())
    (read,) = read_pictures(data, name="a.tif")
    assert read.metadata.icc is None
    assert "through its profile, which is not kept" in read.notes[0]
    assert np.ptp(read.pixels, axis=2).max() < 0.02  # the inks of this profile are all gray
    assert read.pixels.std() > 0.05


def test_cmyk_without_a_usable_profile() -> None:
    picture = Image.fromarray(smooth(4), "CMYK")
    for profile in (b"\0" * 16 + b"CMYK" + b"\0" * 200, ICC, b""):
        data = pillow(picture, "JPEG", icc_profile=profile)
        (read,) = read_pictures(data, name="a.jpg")
        assert read.metadata.icc is None
        assert "without a usable profile" in read.notes[0]


def test_pictures_and_errors_travel_between_processes() -> None:
    (picture,) = read_pictures(png(noise(4)), name="a.png")
    again = pickle.loads(pickle.dumps(picture))
    assert np.array_equal(again.pixels, picture.pixels)
    error = pickle.loads(pickle.dumps(ImageError("a.png", "is bad", "give another")))
    assert str(error) == "a.png: is bad; give another"


def test_suffixes() -> None:
    from pathlib import Path

    assert [format_for(Path(f"A.{s}")) for s in ("PNG", "jpg", "webp", "tif")] == [
        "png", "jpeg", "webp", "tiff"]  # fmt: skip
    for name in ("a.bmp", "a.xyz", "a"):
        with pytest.raises(ImageError, match=r"end the name with one of \.png"):
            format_for(Path(name))


def test_importing_is_cheap() -> None:
    import subprocess

    code = "import sys, chnorm_cli.images; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"torch", "PIL", "tifffile", "imagecodecs", "scipy"}
    assert not heavy & set(out.stdout.split())
