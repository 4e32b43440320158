"""PBM, PGM and PPM, plain and raw, at any depth; Pillow would cut 16-bit PPM down to 8 bits."""

import re
from collections.abc import Iterator, Sequence

import numpy as np

from chnorm_cli.images.errors import CodecError
from chnorm_cli.images.raster import Bytes, Raster
from chnorm_cli.images.samples import stretch

TOKEN = re.compile(rb"(?:\s|#[^\n\r]*[\n\r])+(\d{1,10})")

DIGITS = re.compile(rb"(?:[\s\d]|#[^\n\r]*)*")


def _header(data: Bytes) -> tuple[int, list[int], int]:
    """The kind 1…6, [width, height, white] and the offset of the samples."""
    kind, at = int(data[1:2]), 2
    numbers: list[int] = []
    while len(numbers) < (2 if kind in (1, 4) else 3):
        match = TOKEN.match(data, at)
        if match is None:
            raise CodecError("has no complete PNM header", "get a complete copy of the file")
        numbers.append(int(match[1]))
        at = match.end()
    if kind in (1, 4):
        numbers.append(1)
    if not 1 <= numbers[2] <= 65535:
        raise CodecError(f"states the impossible highest value {numbers[2]}")
    return kind, numbers, at + 1  # exactly one white space character follows


def survey(data: bytes) -> list[tuple[int, int]]:
    """The (width, height) of the one picture."""
    _, (width, height, _), _ = _header(data)
    return [(width, height)]


def extent(data: Bytes) -> int:
    """Where the first picture ends; of a plain one, where its digits end."""
    try:
        kind, (width, height, white), at = _header(data)
    except CodecError:  # which decoding it will tell
        return len(data)
    channels = 3 if kind in (3, 6) else 1
    if kind == 4:
        return min(len(data), at + (width + 7) // 8 * height)
    if kind in (5, 6):
        return min(len(data), at + width * height * channels * (1 if white < 256 else 2))
    digits = DIGITS.match(data, at - 1)
    return digits.end() if digits else len(data)


def decode(data: bytes, pages: Sequence[int]) -> Iterator[Raster]:
    """Decodes the one picture; values are stretched to the whole of 8 or 16 bits."""
    kind, (width, height, white), at = _header(data)
    channels = 3 if kind in (3, 6) else 1
    count = width * height * channels
    if kind == 4:  # one bit a pixel, each row filled up to whole bytes
        packed = np.frombuffer(data, np.uint8, -1, at)[: (width + 7) // 8 * height]
        _complete(packed.size, (width + 7) // 8 * height)
        samples = np.unpackbits(packed.reshape(height, -1), axis=1)[:, :width]
    elif kind == 1:  # digits, which need not be separated
        samples = (
            np.frombuffer(bytes(c for c in data[at - 1 :] if c in b"01")[:count], np.uint8) - 48
        )
        _complete(samples.size, count)
    elif kind in (2, 3):
        samples = np.array(data[at - 1 :].split(maxsplit=count)[:count], np.uint32)
        _complete(samples.size, count)
    else:
        samples = np.frombuffer(
            data,
            np.uint8 if white < 256 else ">u2",
            -1 if white < 256 else (len(data) - at) // 2,
            at,
        )
        samples = samples[:count]
        _complete(samples.size, count)
    if kind in (1, 4):
        samples = 1 - samples  # in bitmaps 1 is black
    elif samples.max(initial=0) > white:
        raise CodecError(f"holds values above the highest it states ({white})")
    yield Raster(stretch(samples.reshape(height, width, channels), white))


def _complete(found: int, expected: int) -> None:
    if found < expected:
        raise CodecError("is cut off", "get a complete copy of the file")
