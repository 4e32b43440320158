"""FITS: what is in a file comes back as it was, but for the pixels."""

import io
import sys

import numpy as np
import pytest
from picture_files import png, smooth

from chnorm_cli.cli import main
from chnorm_cli.images import Depth, ImageError, encode, read_pictures

SHAPE = (12, 15)


@pytest.fixture
def fits():
    return pytest.importorskip("astropy.io.fits")


def values(dtype="float32", *leading, seed=0):
    numbers = np.random.default_rng(seed).normal(100, 20, (*leading, *SHAPE))
    return numbers.astype(dtype)


def written(file):
    buffer = io.BytesIO()
    file.writeto(buffer)
    return buffer.getvalue()


def opened(fits, data):
    return fits.open(io.BytesIO(data), uint=True)


def again(data, **options):
    pictures = read_pictures(data, name="a.fits", **options)
    return pictures, encode(pictures, format="fits").data


@pytest.mark.parametrize(
    ("dtype", "depth"),
    [("uint8", Depth.EIGHT), ("uint16", Depth.SIXTEEN), ("float32", Depth.FLOAT), ("int16", Depth.FLOAT),
     ("int32", Depth.FLOAT), ("float64", Depth.FLOAT), ("uint32", Depth.FLOAT)],
)  # fmt: skip
def test_samples_of_every_type_come_back(fits, dtype, depth):
    x = values(dtype) - (150 if dtype[0] in "if" else 0)
    (picture,), data = again(written(fits.PrimaryHDU(x)))
    assert picture.depth == depth
    with opened(fits, data) as file:
        # 64 bits are stored with 32; the others come back exactly.
        assert np.allclose(file[0].data, x, rtol=1e-5 if dtype == "float64" else 0, atol=0)
        assert file[0].data.dtype.name == {"8": "uint8", "16": "uint16"}.get(depth, "float32")


def test_the_first_row_is_the_lowest(fits):
    x = values()
    (picture,), _ = again(written(fits.PrimaryHDU(x)))
    offset, span = picture.value_range
    assert np.allclose(picture.pixels[::-1, :, 0] * span + offset, x, rtol=1e-5)


def test_headers_tables_and_extensions_stay(fits):
    header = fits.Header([("OBJECT", "M 31", "where to look"), ("EXPTIME", 30.5), ("CRPIX1", 7.0)])
    header.add_history("taken at night")
    table = fits.BinTableHDU.from_columns([fits.Column("flux", "E", array=np.arange(3.0))])
    file = fits.HDUList(
        [fits.PrimaryHDU(header=header), table, fits.ImageHDU(values(), name="SCI")]
    )
    (picture,), data = again(written(file))
    bright = encode([picture.with_pixels(picture.pixels * 0.5)], format="fits").data
    for result in (data, bright):
        with opened(fits, result) as after:
            assert [type(hdu) for hdu in after] == [type(hdu) for hdu in file]
            kept = [str(card) for card in after[0].header.cards]
            assert all(str(card) in kept for card in header.cards)
            assert np.array_equal(after[1].data["flux"], np.arange(3.0))
            assert after[2].name == "SCI"
    with opened(fits, bright) as after:
        assert after[2].data.max() < values().max()


def test_scaled_integers_and_blanks_are_what_they_mean(fits):
    hdu = fits.PrimaryHDU(np.arange(180, dtype="int16").reshape(SHAPE))
    hdu.header["BSCALE"], hdu.header["BZERO"], hdu.header["BLANK"] = 0.5, -10.0, 7
    raw = written(fits.PrimaryHDU(np.arange(180, dtype="int16").reshape(SHAPE)))
    cards = {
        b"BSCALE  =                  0.5",
        b"BZERO   =                -10.0",
        b"BLANK   =                    7",
    }
    head, rest = raw[:2880], raw[2880:]
    lines = [head[i : i + 80] for i in range(0, 2880, 80)]
    end = lines.index(b"END".ljust(80))
    lines[end:] = [card.ljust(80) for card in sorted(cards)] + [b"END".ljust(80)]
    data = b"".join(lines).ljust(2880) + rest
    (picture,), result = again(data)
    assert any("scaled integers" in note for note in picture.notes)
    assert picture.missing is not None
    assert picture.missing.sum() == 1
    with opened(fits, result) as after:
        expected = np.arange(180).reshape(SHAPE) * 0.5 - 10
        assert np.allclose(np.delete(after[0].data, 7), np.delete(expected, 7))
        assert "BLANK" not in after[0].header


def test_planes_are_pages_and_all_go_back_or_one_alone(fits):
    cube = values("float32", 2, 2)
    header = fits.Header([("OBJECT", "cube")])
    source = written(fits.PrimaryHDU(cube, header))
    pages, data = again(source, page="all")
    assert len(pages) == 4
    with opened(fits, data) as after:
        assert np.array_equal(after[0].data, cube)
    (third,), alone = again(source, page=3)
    assert third.held == 4
    with opened(fits, alone) as after:
        assert np.array_equal(after[0].data, cube[1, 0])
        assert after[0].header["OBJECT"] == "cube"
        assert len(after) == 1


def test_three_planes_are_colours_unless_their_axis_has_a_name(fits):
    cube = values("uint16", 3)
    (picture,), data = again(written(fits.PrimaryHDU(cube)))
    assert picture.pixels.shape == (*SHAPE, 3)
    with opened(fits, data) as after:
        assert np.array_equal(after[0].data, cube)
    named = written(fits.PrimaryHDU(cube, fits.Header([("CTYPE3", "WAVE")])))
    assert len(read_pictures(named, name="a.fits", page="all")) == 3


def test_a_compressed_image_is_read_and_stored_without(fits):
    x = values("int16")
    file = fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(x)])
    (picture,), data = again(written(file))
    assert any("without the compression" in note for note in picture.notes)
    with opened(fits, data) as after:
        assert np.array_equal(after[1].data, x)


def test_an_enlarged_picture_points_at_the_same_sky(fits):
    from astropy.wcs import WCS

    header = fits.Header(
        [("CTYPE1", "RA---TAN-SIP"), ("CTYPE2", "DEC--TAN-SIP"), ("CRPIX1", 5.0), ("CRPIX2", 6.0),
         ("CRVAL1", 10.0), ("CRVAL2", 41.0), ("CD1_1", -1e-3), ("CD1_2", 2e-4), ("CD2_1", 1e-4),
         ("CD2_2", 1e-3), ("A_ORDER", 2), ("A_2_0", 1e-4), ("B_ORDER", 2), ("B_0_2", 2e-4)]
    )  # fmt: skip
    (picture,), _ = again(written(fits.PrimaryHDU(values(), header)))
    large = picture.with_pixels(picture.pixels.repeat(3, 0).repeat(3, 1), 3)
    with opened(fits, encode([large], format="fits").data) as after:
        before, now = WCS(header), WCS(after[0].header)
        for x, y in [(0, 0), (4, 11), (14, 3)]:
            there = now.all_pix2world([[3 * x + 1, 3 * y + 1]], 0)
            assert np.allclose(there, before.all_pix2world([[x, y]], 0), atol=1e-9)


def test_what_other_formats_cannot_hold_is_a_note(fits, tmp_path):
    (picture,), _ = again(written(fits.PrimaryHDU(values("uint16"))))
    assert any("header of the FITS" in note for note in encode([picture], format="tiff").notes)
    assert encode([picture], format="tiff", strip=True).notes == ()


def test_from_file_to_file_and_to_standard_output(fits, tmp_path, capfdbinary):
    (tmp_path / "a.fits").write_bytes(written(fits.PrimaryHDU(values("uint16"))))
    corrupt = ["corrupt", str(tmp_path / "a.fits"), "--noise", "1"]
    assert main([*corrupt, "-o", str(tmp_path / "b.fit")]) == 0
    assert (tmp_path / "b.fit").read_bytes().startswith(b"SIMPLE")
    assert main([*corrupt, "-o", str(tmp_path / "b.tif")]) == 0


@pytest.mark.parametrize("damage", ["cut", "no picture"])
def test_damage_is_one_line(fits, damage):
    data = written(fits.PrimaryHDU(values()))[:3000]
    if damage == "no picture":
        data = written(fits.PrimaryHDU())
    with pytest.raises(ImageError, match=r"a\.fits"):
        read_pictures(data, name="a.fits")


def test_without_astropy_one_line_says_what_to_install(monkeypatch, tmp_path, capfd):
    monkeypatch.setitem(sys.modules, "astropy", None)
    monkeypatch.setitem(sys.modules, "astropy.io", None)
    (tmp_path / "a.fits").write_bytes(b"SIMPLE  =                    T".ljust(2880))
    assert main(["denoise", str(tmp_path / "a.fits"), "-o", str(tmp_path / "b.fits")]) == 1
    assert "pip install 'chnorm[fits]'" in capfd.readouterr().err
    (tmp_path / "a.png").write_bytes(png(smooth(1)))
    assert main(["denoise", str(tmp_path / "a.png"), "-o", str(tmp_path / "b.fits")]) == 1
    err = capfd.readouterr().err
    assert "pip install 'chnorm[fits]'" in err
    assert not (tmp_path / "b.fits").exists()
