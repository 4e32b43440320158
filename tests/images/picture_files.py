"""Small picture files of every kind, made in code: (file name, bytes) and what must be read."""

import io
import struct
import zlib
from dataclasses import dataclass, field
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

HEIGHT, WIDTH = 13, 21
ICC = imagecodecs.cms_profile("srgb")
DPI = (300.0, 150.0)


def noise(channels: int, dtype: str = "uint8", seed: int = 0) -> NDArray[Any]:
    """Samples (H, W, C) over the whole range of the type; floats in [0, 1]."""
    rng = np.random.default_rng(seed)
    if dtype.startswith("float"):
        return rng.random((HEIGHT, WIDTH, channels)).astype(dtype)
    return rng.integers(0, np.iinfo(dtype).max + 1, (HEIGHT, WIDTH, channels)).astype(dtype)


def smooth(channels: int) -> NDArray[np.uint8]:
    """A picture that JPEG keeps nearly as it is."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    planes = [80 + 4 * x + 3 * y, 200 - 4 * x, 60 + 2 * x + 5 * y, 0 * x]
    return np.stack(planes[:channels], axis=2).astype(np.uint8)


def exif(orientation: int = 1) -> bytes:
    """An EXIF block without prefix: maker, orientation, resolution, pixel size and place."""
    block = Image.Exif()
    block[271], block[274] = "Maker", orientation
    block[282], block[283], block[296] = *DPI, 2
    block.get_ifd(34665).update({33434: 0.01, 40962: WIDTH, 40963: HEIGHT})
    block.get_ifd(34853).update({1: "N", 2: (52.0, 30.0, 1.5)})
    return block.tobytes().removeprefix(b"Exif\0\0")


def pillow(array: NDArray[Any] | Image.Image, format: str, **options: Any) -> bytes:
    image = array if isinstance(array, Image.Image) else Image.fromarray(array.squeeze())
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def png(array: NDArray[Any], *extra: tuple[bytes, bytes]) -> bytes:
    """A PNG, 8 or 16 bits, with extra chunks before its pixels."""
    data = bytes(imagecodecs.png_encode(array.squeeze()))
    inserted = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in extra
    )
    return data[:33] + inserted + data[33:]


PNG_METADATA = (
    (b"iCCP", b"name\0\0" + zlib.compress(ICC)),
    (b"pHYs", struct.pack(">IIB", 11811, 5906, 1)),
    (b"eXIf", exif()),
    (b"tEXt", b"Comment\0hello"),
)


def tiff(array: NDArray[Any], **options: Any) -> bytes:
    buffer = io.BytesIO()
    samples = array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
    alpha = array.ndim == 3 and array.shape[2] in (2, 4)
    gray = samples.ndim == 2 or samples.shape[2] == 2
    defaults: dict[str, Any] = {"photometric": "minisblack" if gray else "rgb", "metadata": None}
    if options.get("photometric", "rgb") == "rgb" and alpha:
        defaults["extrasamples"] = ["unassalpha"]
    if samples.ndim == 3:
        defaults["planarconfig"] = "contig"
    byteorder = options.pop("byteorder", "<")
    with tifffile.TiffWriter(
        buffer, byteorder=byteorder, bigtiff=options.pop("bigtiff", False)
    ) as file:
        file.write(samples, **(defaults | options))
    return buffer.getvalue()


TIFF_METADATA: dict[str, Any] = {
    "iccprofile": ICC,
    "resolution": (300, 150),
    "resolutionunit": "inch",
    "description": "a cell",
    "extratags": [(285, 2, 7, b"page A\0", True)],
}


def indexed(*, bits: int = 8, gray: bool = False, transparent: bool = False) -> bytes:
    """A palette PNG."""
    image = Image.fromarray(noise(1)[..., 0] % 2 ** min(bits, 4), "P")
    table = [(17 * i,) * 3 if gray else (17 * i, 255 - 17 * i, 40) for i in range(16)]
    image.putpalette([level for color in table for level in color])
    return pillow(image, "PNG", bits=bits, **({"transparency": 3} if transparent else {}))


@dataclass(frozen=True)
class Row:
    """One kind of file, and what reading it must give; ``samples`` None means not compared."""

    name: str
    data: bytes
    depth: str
    channels: int
    alpha: bool = False
    samples: NDArray[Any] | None = None
    tolerance: float = 0.0
    icc: bool = False
    dpi: tuple[float, float] | None = None
    exif: bool = False
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.name.replace(" ", "-")


def rows() -> list[Row]:
    """Every row of the promise."""
    table: list[Row] = []

    def row(name: str, data: bytes, depth: str, samples: NDArray[Any] | None, **rest: Any) -> None:
        shape = None if samples is None else samples.shape[2]
        channels = rest.pop("channels", None) or {1: 1, 2: 1, 3: 3, 4: 3}[shape or 3]
        alpha = rest.pop("alpha", shape in (2, 4))
        table.append(Row(name, data, depth, channels, alpha, samples, **rest))

    for bits in (8, 16):
        for channels in (1, 2, 3, 4):
            array = noise(channels, f"uint{bits}")
            full = {"icc": True, "dpi": DPI}
            row(
                f"{bits}x{channels}.png",
                png(array, *PNG_METADATA),
                str(bits),
                array,
                exif=True,
                **full,
            )
            row(f"{bits}x{channels}.tif", tiff(array, **TIFF_METADATA), str(bits), array, **full)
    for channels in (1, 2, 3, 4):
        array = noise(channels, "float32")
        row(
            f"float x{channels}.tif",
            tiff(array, **TIFF_METADATA),
            "float",
            array,
            icc=True,
            dpi=DPI,
        )
    gray, deep, color = noise(1), noise(3, "uint16"), noise(3)
    row("big-endian.tif", tiff(deep, byteorder=">", **TIFF_METADATA), "16", deep, icc=True, dpi=DPI)
    row("BigTIFF.tif", tiff(deep, bigtiff=True, **TIFF_METADATA), "16", deep, icc=True, dpi=DPI)
    row("tiled.tif", tiff(deep, tile=(16, 16), compression="zlib"), "16", deep)
    row("strips.tif", tiff(deep, rowsperstrip=5), "16", deep)
    planes = tiff(np.moveaxis(deep, 2, 0), planarconfig="separate", photometric="rgb")
    row("planar.tif", planes, "16", deep)
    for compression in ("lzw", "zlib", "zstd", "packbits", "lzma"):
        data = tiff(deep, compression=compression, predictor=compression in ("lzw", "zlib"))
        row(f"{compression}.tif", data, "16", deep)
    row(
        "big-endian float.tif",
        tiff(noise(1, "float32"), byteorder=">"),
        "float",
        noise(1, "float32"),
    )
    row("float16.tif", tiff(noise(1, "float16")), "float", noise(1, "float16"))
    row("float64.tif", tiff(noise(1, "float64")), "float", None, channels=1)
    row("white is zero.tif", tiff(gray, photometric="miniswhite"), "8", 255 - gray)
    bits1 = noise(1) > 127
    row("1-bit.tif", tiff(bits1), "8", 255 * bits1.astype(np.uint8))
    row(
        "1-bit.png",
        pillow(Image.fromarray(bits1[..., 0]), "PNG"),
        "8",
        255 * bits1.astype(np.uint8),
    )
    table12 = (noise(1, "uint16") >> 4).astype(np.uint16)
    packed = tiff(np.rint(table12 * (65535 / 4095)).astype(np.uint16))
    row("12-bit range.tif", packed, "16", np.rint(table12 * (65535 / 4095)).astype(np.uint16))
    colormap = np.stack(
        [np.arange(256) * 257, 65535 - np.arange(256) * 257, np.full(256, 40 * 257)]
    )
    looked_up = np.concatenate([gray, 255 - gray, np.full_like(gray, 40)], axis=2)
    options = {"photometric": "palette", "colormap": colormap.astype(np.uint16)}
    row("palette.tif", tiff(gray, **options), "8", looked_up)
    row("cmyk.tif", tiff(smooth(4), photometric="separated"), "8", 255 - smooth(3))
    premultiplied = noise(4)
    premultiplied[..., 3] = 255
    row("premultiplied.tif", tiff(premultiplied, extrasamples=["assocalpha"]), "8", premultiplied)
    row("palette.png", indexed(), "8", None, channels=3)
    row("palette 4-bit.png", indexed(bits=4), "8", None, channels=3)
    row("gray palette.png", indexed(gray=True), "8", None, channels=1)
    row("transparent palette.png", indexed(transparent=True), "8", None, channels=3, alpha=True)
    near = {"tolerance": 8.0}
    options = {"quality": 95, "icc_profile": ICC, "dpi": DPI, "exif": b"Exif\0\0" + exif()}
    for channels in (1, 3):
        data = pillow(smooth(channels), "JPEG", **options)
        row(f"x{channels}.jpg", data, "8", smooth(channels), icc=True, dpi=DPI, exif=True, **near)
    row(
        "cmyk.jpg",
        pillow(Image.fromarray(smooth(4), "CMYK"), "JPEG", quality=95),
        "8",
        255 - smooth(3),
        **near,
    )
    for channels in (3, 4):
        array = noise(channels)
        data = pillow(array, "WEBP", lossless=True, exact=True, icc_profile=ICC, exif=exif())
        row(f"x{channels}.webp", data, "8", array, icc=True, dpi=DPI, exif=True)
    row("x1.bmp", pillow(gray, "BMP"), "8", gray)
    row("x3.bmp", pillow(color, "BMP", dpi=DPI), "8", color, dpi=DPI)
    row("x1.gif", pillow(gray, "GIF"), "8", gray)
    row("x1.pgm", pillow(gray, "PPM"), "8", gray)
    row("x3.ppm", pillow(color, "PPM"), "8", color)
    head = b"# comment\n%d %d\n" % (WIDTH, HEIGHT)
    row(
        "16x1.pgm",
        b"P5\n" + head + b"65535\n" + deep[..., :1].astype(">u2").tobytes(),
        "16",
        deep[..., :1],
    )
    row("16x3.ppm", b"P6\n" + head + b"65535\n" + deep.astype(">u2").tobytes(), "16", deep)
    words = " ".join(map(str, deep.ravel())).encode()
    row("plain.ppm", b"P3\n" + head + b"65535\n" + words, "16", deep)
    digits = "".join(map(str, (~bits1).astype(int).ravel())).encode()
    row("plain.pbm", b"P1\n" + head + digits, "8", 255 * bits1.astype(np.uint8))
    row("raw.pbm", pillow(Image.fromarray(bits1[..., 0]), "PPM"), "8", 255 * bits1.astype(np.uint8))
    return table
