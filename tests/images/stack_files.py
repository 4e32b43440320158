"""Small files with several pictures in them, made in code: stacks, pyramids, streams, channels."""

import io
import struct
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from picture_files import noise, pillow, png, smooth
from PIL import Image

SIZE = (12, 17)


def planes(*shape: int, dtype: str = "uint16", seed: int = 0) -> NDArray[Any]:
    """Samples of any shape before (H, W); floats in [0, 1]."""
    rng = np.random.default_rng(seed)
    if dtype == "float32":
        return rng.random((*shape, *SIZE)).astype(dtype)
    return rng.integers(0, np.iinfo(dtype).max + 1, (*shape, *SIZE)).astype(dtype)


def written(array: NDArray[Any], *, file: dict[str, Any] | None = None, **options: Any) -> bytes:
    """A TIFF of tifffile's, with the options of the file and those of the picture."""
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, **(file or {})) as writer:
        writer.write(array, **options)
    return buffer.getvalue()


def one_directory(tiff: bytes) -> bytes:
    """The same TIFF whose first directory is its last, as ImageJ writes large stacks."""
    alone = bytearray(tiff)
    order = "<" if tiff[:2] == b"II" else ">"
    (at,) = struct.unpack_from(order + "I", tiff, 4)
    (count,) = struct.unpack_from(order + "H", tiff, at)
    struct.pack_into(order + "I", alone, at + 2 + 12 * count, 0)
    return bytes(alone)


def imagej(array: NDArray[Any], **options: Any) -> bytes:
    return written(array, file={"imagej": True} | options.pop("file", {}), **options)


def ome(array: NDArray[Any], axes: str, **said: Any) -> bytes:
    options = {key: said.pop(key) for key in ("photometric", "planarconfig") if key in said}
    return written(array, file={"ome": True}, metadata={"axes": axes} | said, **options)


def metamorph(array: NDArray[Any]) -> bytes:
    """A MetaMorph STK: one directory, the number of slices in the count of its own tags."""
    count = len(array)
    times = [number for k in range(count) for number in (k + 1, 1, 2451545, 1000 * k, 2451545, 0)]
    tags = [(33628, 4, 2, (0, 0), True), (33629, 5, 3 * count, tuple(times), True)]
    first = bytearray(written(array[0], metadata=None, extratags=tags))
    for tag, kind, stated in ((33628, 4, 2), (33629, 5, 3 * count)):
        at = first.index(struct.pack("<HHI", tag, kind, stated))
        struct.pack_into("<I", first, at + 4, count)
    return bytes(first) + array[1:].tobytes()


def pyramid(*, levels: int, inside: bool) -> bytes:
    """A picture and smaller copies of it, as sub-directories or as pages."""
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        options: dict[str, Any] = {"metadata": None}
        writer.write(np.zeros((64, 64), np.uint8), **options, subifds=levels if inside else None)
        for level in range(1, levels + 1):
            writer.write(np.zeros((64 >> level,) * 2, np.uint8), subfiletype=1, **options)
    return buffer.getvalue()


STACKS: dict[str, bytes] = {
    "imagej": imagej(planes(5), metadata={"axes": "ZYX", "Labels": list("abcde")}),
    "imagej one directory": one_directory(imagej(planes(5))),
    "imagej one directory, floats": one_directory(imagej(planes(5, dtype="float32"))),
    "imagej big-endian": one_directory(imagej(planes(5), file={"byteorder": ">"})),
    "imagej hyperstack": imagej(planes(2, 3, 2), metadata={"axes": "TZCYX"}),
    "imagej hyperstack, one directory": one_directory(
        imagej(planes(2, 3, 2), metadata={"axes": "TZCYX"})
    ),
    "imagej RGB": imagej(np.moveaxis(planes(4, 3, dtype="uint8"), 1, -1)),
    "tifffile": written(planes(5)),
    "tifffile, one directory": written(planes(5), truncate=True),
    "tifffile, one directory, RGB": written(
        np.moveaxis(planes(4, 3, dtype="uint8"), 1, -1), truncate=True, photometric="rgb"
    ),
    "BigTIFF, one directory": written(planes(5), file={"bigtiff": True}, truncate=True),
    "deflated": written(planes(5), compression="zlib"),
    "two channels on three pages": written(
        planes(3, 2, dtype="uint8"), photometric="minisblack", planarconfig="separate"
    ),
    "OME": ome(planes(5), "ZYX", PhysicalSizeX=0.5, PhysicalSizeY=0.25),
    "OME, five dimensions": ome(planes(2, 3, 2), "TCZYX"),
    "OME, named channels": ome(
        planes(3, 2), "ZCYX", Channel={"Name": ["GFP", "DAPI"]}, PhysicalSizeZ=1.5
    ),
    "OME, five samples of each slice": ome(
        planes(2, 2, 5), "TZSYX", photometric="minisblack", planarconfig="separate"
    ),
    "imagej, five channels": imagej(planes(5), metadata={"axes": "CYX", "mode": "composite"}),
    "five channels on two pages": written(
        np.moveaxis(planes(2, 5), 1, -1), photometric="minisblack", planarconfig="contig"
    ),
}
CHANNELS: dict[str, bytes] = {
    "five, planar": written(planes(5), photometric="minisblack", planarconfig="separate"),
    "five": written(np.moveaxis(planes(5), 0, -1), photometric="minisblack", planarconfig="contig"),
    "five, floats": written(
        1000 * planes(5, dtype="float32"), photometric="minisblack", planarconfig="separate"
    ),
    "six of which three are colours": written(
        np.moveaxis(planes(6, dtype="uint8"), 0, -1),
        photometric="rgb",
        extrasamples=["unspecified"] * 3,
        compression="zlib",
    ),
    "OME, five": ome(planes(5), "SYX", photometric="minisblack", planarconfig="separate"),
    "two, planar": written(planes(2), photometric="minisblack", planarconfig="separate"),
    "two": written(np.moveaxis(planes(2), 0, -1), photometric="minisblack", planarconfig="contig"),
    "three, none a colour": written(
        planes(3, dtype="float32"), photometric="minisblack", planarconfig="separate"
    ),
    "four, none a colour": written(
        np.moveaxis(planes(4), 0, -1), photometric="minisblack", planarconfig="contig"
    ),
    "RGB and one": written(
        np.moveaxis(planes(4), 0, -1), photometric="rgb", extrasamples=["unspecified"]
    ),
    "two and alpha": written(
        np.moveaxis(planes(3), 0, -1),
        photometric="minisblack",
        planarconfig="contig",
        extrasamples=["unspecified", "unassalpha"],
    ),
    "OME, two": written(
        planes(2),
        file={"ome": True},
        photometric="minisblack",
        planarconfig="separate",
        metadata={"axes": "CYX"},
    ),
}
SINGLE: dict[str, bytes] = {
    "png": png(noise(3)),
    "jpeg": pillow(smooth(3), "JPEG"),
    "progressive jpeg": pillow(smooth(3), "JPEG", progressive=True),
    "webp": pillow(smooth(3), "WEBP"),
    "avif": pillow(smooth(3), "AVIF"),
    "gif": pillow(smooth(1), "GIF"),
    "bmp": pillow(smooth(3), "BMP"),
    "ppm": pillow(smooth(3), "PPM"),
    "deep ppm": b"P6 3 2 65535\n" + bytes(range(36)),
    "plain pgm": b"P2 3 2 255\n1 2 3 4 5 6\n",
    "pbm": b"P4 9 2\n\1\0\3\0",
}
TURNED = Image.fromarray(smooth(3)[::-1])
SEVERAL: dict[str, bytes] = {
    "stereo.jpg": pillow(smooth(3), "MPO", save_all=True, append_images=[TURNED]),
    "film.png": pillow(smooth(3), "PNG", save_all=True, append_images=[TURNED]),
    "film.webp": pillow(smooth(3), "WEBP", save_all=True, append_images=[TURNED]),
    "pictures.bin": SINGLE["png"] + SINGLE["ppm"] + SINGLE["jpeg"],
    "motion.mjpg": SINGLE["jpeg"] * 3,
}
