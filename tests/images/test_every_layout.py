"""Every format × layout × depth: what comes back is what went in, or a line says what cannot."""

import numpy as np
import pytest
from stack_files import imagej, ome, planes, written

from chnorm_cli.images import (
    BY_SUFFIX,
    WRITABLE_SUFFIXES,
    Depth,
    ImageError,
    Picture,
    axes_of,
    encode,
    read_pictures,
)

HEIGHT, WIDTH = 14, 19
# colours, further channels, alpha
LAYOUTS = {
    "gray": (1, 0, False),
    "gray and alpha": (1, 0, True),
    "RGB": (3, 0, False),
    "RGB and alpha": (3, 0, True),
    "two channels": (1, 1, False),
    "five channels": (1, 4, False),
    "RGB and two": (3, 2, False),
    "two channels and alpha": (1, 1, True),
}
ROWS = [BY_SUFFIX[suffix] for suffix in WRITABLE_SUFFIXES]
FORMATS = sorted({row.name for row in ROWS if row.encode is not None})  # others are folders
LOSSY = {"jpeg": 0.04, "avif": 0.03, "heic": 0.04}  # at quality 100, of white
COLOURED = {"webp", "avif", "heic"}  # gray becomes three equal channels


def available(name):
    modules = {"fits": "astropy", "heic": "pillow_heif"}
    if name in modules:
        pytest.importorskip(modules[name])
    return BY_SUFFIX["." + {"jpeg": "jpg", "tiff": "tif"}.get(name, name)]


def picture(layout, depth):
    colours, extra, clear = LAYOUTS[layout]
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    full = {Depth.EIGHT: 255, Depth.SIXTEEN: 65535, Depth.FLOAT: 65536}[depth]
    samples = [
        np.rint(full * (0.5 + 0.3 * np.sin(x / 5 + y / 7 + k / 3))) / full
        for k in range(colours + extra)
    ]
    alpha = np.rint(full * (0.2 + 0.7 * x / WIDTH)).astype(np.float32) / full if clear else None
    return Picture(np.stack(samples, 2).astype(np.float32), alpha, depth, extra=extra)


@pytest.mark.parametrize("depth", list(Depth))
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", FORMATS)
def test_what_went_in_comes_back(name, layout, depth):
    row, before = available(name), picture(layout, depth)
    _, extra, clear = LAYOUTS[layout]
    if extra and not row.channels:
        with pytest.raises(ImageError, match="cannot hold channels that are no colours; write a"):
            encode([before], format=name)
        return
    if depth not in row.depths:
        with pytest.raises(ImageError, match=f"cannot hold depth {depth}"):
            encode([before], format=name, depth=depth)
    encoded = encode([before], format=name, quality=100)
    (after,) = read_pictures(encoded.data, name=f"a{row.suffixes[0]}")
    said = " ".join(encoded.notes)
    assert ("cannot hold depth" in said) == (depth not in row.depths)
    assert ("cannot hold transparency" in said) == (clear and not row.alpha)
    assert (after.alpha is not None) == (clear and row.alpha)
    assert (after.extra, after.depth) == (extra, encoded.depth)
    assert encoded.depth == (depth if depth in row.depths else row.depths[-1])
    if clear and not row.alpha:
        return  # it was laid on white
    near = LOSSY.get(name, 0.002 if depth != encoded.depth or depth is Depth.FLOAT else 1e-6)
    shown = after.pixels[..., : before.pixels.shape[2]] if name in COLOURED else after.pixels
    assert np.abs(shown - before.pixels).max() <= near
    if clear:
        assert np.abs(after.alpha - before.alpha).max() <= near


STACKS = {
    "ImageJ": imagej(planes(2, 3, 2), metadata={"axes": "TZCYX"}),
    "OME": ome(planes(2, 3, 2), "TZCYX"),
    "shaped": written(planes(2, 3, 2), photometric="minisblack"),
}


@pytest.mark.parametrize("form", STACKS)
@pytest.mark.parametrize("name", FORMATS)
def test_stacks_go_where_pages_go_and_nowhere_else(form, name):
    row = available(name)
    pages = read_pictures(STACKS[form], name="a.tif", page="all")
    if not row.pages:
        with pytest.raises(ImageError, match=f"12 pages do not fit into one {row.title}"):
            encode(pages, format=name)
        return
    again = read_pictures(encode(pages, format=name).data, name=f"a{row.suffixes[0]}", page="all")
    assert all(
        np.array_equal(one.pixels, other.pixels) for one, other in zip(pages, again, strict=True)
    )
    if name == "tiff":
        assert axes_of(again) == axes_of(pages) is not None


@pytest.mark.parametrize("form", STACKS)
@pytest.mark.parametrize("depth", [Depth.EIGHT, Depth.SIXTEEN, Depth.FLOAT])
def test_axes_survive_another_depth_and_size(form, depth):
    pages = read_pictures(STACKS[form], name="a.tif", page="all")
    large = [p.with_pixels(p.pixels.repeat(2, 0).repeat(2, 1), 2) for p in pages]
    again = read_pictures(encode(large, format="tiff", depth=depth).data, name="a.tif", page="all")
    axes = "QQQYX" if form == "shaped" else "TZCYX"
    assert axes_of(again) == (axes, [2, 3, 2, 24, 34])
    assert len(again) == 12
    assert {page.depth for page in again} == {depth}
