"""What a JPEG file says of its own errors: quantisation steps, subsampling, samples before colours."""

import io
import struct
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 8  # samples along a side
LONGEST = 65500  # pixels of a side that libjpeg decodes
# JPEG's markers: 0xFF and one of these begin a segment that says the size, and the first scan.
MARKER, SCAN = 0xFF, 0xDA
SEQUENTIAL = (0xC0, 0xC1, 0xC9)
FRAMES = (*SEQUENTIAL, 0xC2, 0xCA)
FEWEST = 4  # pixels along a side of a picture that is read at half the size
INTERPOLATIONS = 12  # each halves what is left of the error of undoing an interpolation


@dataclass(frozen=True, eq=False)
class Compression:
    """One JPEG picture as it is stored, before it is turned upright.

    ``samples`` are the planes (h, w) as they were decoded, whole blocks where the file lets them be
    seen, which reach beyond the picture; ``tables`` their quantisation steps
    (8, 8), vertical frequency first; ``pixels`` (down, right) those of the picture for one sample.
    ``mixed`` says that the planes are luma and chroma; else they are the picture's own colours.
    """

    samples: tuple[NDArray[np.uint8] | NDArray[np.float32], ...]
    tables: tuple[NDArray[np.int64], ...]
    pixels: tuple[tuple[int, int], ...]
    mixed: bool
    orientation: int = 1


@dataclass(frozen=True, eq=False)
class StoredJpeg:
    """The bytes of a JPEG file, and how its picture must be turned to be upright (EXIF, 1 to 8)."""

    data: bytes
    orientation: int = 1

    def compression(self) -> Compression | None:
        """What the file says of its errors; None where that is not understood."""
        found = read_compression(self.data)
        return None if found is None else replace(found, orientation=self.orientation)


def read_compression(data: bytes) -> Compression | None:
    """Reads the planes of a JPEG; None where they are inks or of a layout that encoders do not write.

    Chroma is read at half the size, where libjpeg decodes its blocks whole instead of interpolating.
    """
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=("JPEG", "MPO")) as image:
        shown = image.size[::-1]
    data = _whole_blocks(data)
    with Image.open(io.BytesIO(data), formats=("JPEG", "MPO")) as image:
        layers: list[tuple[int, int, int, int]] = image.layer  # type: ignore[attr-defined]
        size, mode = image.size, image.mode
        tables = image.quantization  # type: ignore[attr-defined]
    if len(layers) != {"L": 1, "RGB": 3}.get(mode) or any(t not in tables for *_, t in layers):
        return None
    pixels = _pixels([(down, right) for _, right, down, _ in layers])
    if pixels is None:
        return None
    mixed = len(layers) == 3 and not _is_rgb(layers, data)
    whole = _planes(data, size, mixed=mixed)
    samples = [whole[..., 0]]
    for index in range(1, len(layers)):
        samples.append(_chroma(data, whole[..., index], pixels[index], mixed=mixed, index=index))
    for index, plane in enumerate(samples):
        blocks = [-(-n // (BLOCK * p)) for n, p in zip(shown, pixels[index], strict=True)]
        samples[index] = plane[: BLOCK * blocks[0], : BLOCK * blocks[1]]
    return Compression(
        tuple(samples),
        tuple(np.array(tables[t], np.int64).reshape(8, 8) for *_, t in layers),
        pixels,
        mixed,
    )


def _whole_blocks(data: bytes) -> bytes:
    """The same file with its size rounded up, so that decoders show all of the last blocks.

    Where planes come one after another (as in progressive files), only up to eight pixels.
    """
    at, frame, many, separate, side = 2, -1, 0, False, (1, 1)
    while at + 9 < len(data) and data[at] == MARKER:
        kind, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if kind in FRAMES:
            frame, separate = at + 5, kind not in SEQUENTIAL
            many = data[at + 9]
            factors = [data[at + 11 + 3 * i] for i in range(many) if at + 11 + 3 * i < len(data)]
            side = max(f & 15 for f in factors), max(f >> 4 for f in factors)
        elif kind == SCAN:
            separate = separate or data[at + 4] != many
            break
        at += 2 + length
    if frame < 0:
        return data
    size = struct.unpack_from(">HH", data, frame)
    units = [BLOCK if separate else BLOCK * n for n in side]
    rounded = [-(-n // unit) * unit for n, unit in zip(size, units, strict=True)]
    if max(rounded) > LONGEST:
        return data
    return data[:frame] + struct.pack(">HH", *rounded) + data[frame + 4 :]


def _pixels(factors: list[tuple[int, int]]) -> tuple[tuple[int, int], ...] | None:
    """The pixels (down, right) of a sample; None where the first plane has not one for each pixel."""
    most = tuple(max(f[axis] for f in factors) for axis in (0, 1))
    if factors[0] != most or any(m % n for f in factors for m, n in zip(most, f, strict=True)):
        return None
    return tuple((most[0] // down, most[1] // right) for down, right in factors)


def _is_rgb(layers: list[tuple[int, int, int, int]], data: bytes) -> bool:
    """Whether the planes are red, green, and blue: libjpeg's rules."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        if "jfif" in image.info:
            return False
        if "adobe" in image.info:
            return image.info.get("adobe_transform") == 0
    return [chr(identity) for identity, *_ in layers] == ["R", "G", "B"]


def _planes(data: bytes, size: tuple[int, int], *, mixed: bool) -> NDArray[Any]:
    """The planes (h, w, C), uint8, decoded at a size (width, height)."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        if mixed:
            image.draft("YCbCr", size)
        samples = np.asarray(image)
    return samples.reshape(*samples.shape[:2], -1)


def _chroma(
    data: bytes, whole: NDArray[Any], pixels: tuple[int, int], *, mixed: bool, index: int
) -> NDArray[Any]:
    """The samples (h, w) of a plane that is (H, W) when it is interpolated."""
    height, width = whole.shape
    if pixels == (2, 2) and mixed and min(height, width) >= FEWEST:
        half: NDArray[Any] = _planes(data, (width // 2, height // 2), mixed=True)[..., index]
        if half.shape == ((height + 1) // 2, (width + 1) // 2):
            return half
    samples = whole
    for axis, many in enumerate(pixels):
        samples = (
            _apart(samples, axis)
            if many == 2
            else np.take(samples, range(0, samples.shape[axis], many), axis)
        )
    return samples


def _apart(samples: NDArray[Any], axis: int) -> NDArray[np.float32]:
    """Undoes the interpolation to twice as many samples along an axis, 3 : 1 to the neighbours."""
    line = np.moveaxis(samples.astype(np.float32), axis, 0)
    if len(line) % 2:
        line = np.concatenate([line, line[-1:]])
    mean = (line[::2] + line[1::2]) / 2
    found = mean.copy()
    for _ in range(INTERPOLATIONS):
        padded = np.concatenate([found[:1], found, found[-1:]])
        found += mean - (6 * found + padded[:-2] + padded[2:]) / 8
    return np.moveaxis(found.astype(np.float32), 0, axis)
