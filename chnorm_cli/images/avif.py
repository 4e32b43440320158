"""AVIF: 8 bits through Pillow, which may have been built without; deeper ones through imagecodecs.

Pillow would read 10 and 12 bits as 8 without a word.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from chnorm_cli.images import flat
from chnorm_cli.images.errors import CodecError
from chnorm_cli.images.raster import Raster
from chnorm_cli.images.samples import stretch

MAGIC = re.compile(rb".{4}ftyp(?:avi[fs]|(?:miaf|mif1|msf1).{4}(?:.{4})*?avi[fs])", re.DOTALL)


def require_support() -> None:
    """Raises `CodecError` where the installed Pillow has no AVIF."""
    from PIL import features

    if not features.check("avif"):
        raise CodecError(
            "is an AVIF, and the installed Pillow was built without AVIF",
            "pip install --upgrade pillow, or convert it to PNG",
        )


def bits(data: bytes) -> int:
    """The bits of a sample, 8, 10 or 12, from the configuration of the codec."""
    at = data.find(b"av1C")
    flags = data[at + 6] if 0 <= at < len(data) - 6 else 0
    if not flags & 0x40:
        return 8
    return 12 if flags & 0x20 else 10


def survey(data: bytes) -> list[tuple[int, int]]:
    """The (width, height) of each frame."""
    require_support()
    return flat.survey(data)


def decode(data: bytes, pages: Sequence[int]) -> Iterator[Raster]:
    """Decodes frames (counted from 0)."""
    require_support()
    depth = bits(data)
    lost = ("the gain map of the AVIF is left out",) if b"tmap" in data[:64] else ()
    for page, raster in zip(pages, flat.decode(data, pages), strict=True):
        if depth == 8:
            yield replace(raster, lost=raster.lost + lost)
            continue
        import imagecodecs

        deep = np.asarray(imagecodecs.avif_decode(data, index=page))
        deep = deep.reshape(*raster.samples.shape[:2], -1)
        yield replace(
            raster,
            samples=stretch(deep, 2**depth - 1) if deep.dtype.itemsize == 2 else deep,
            alpha=deep.shape[2] in (2, 4),
            lost=raster.lost + lost,
        )


def encode(rasters: Sequence[Raster], quality: int) -> bytes:
    """Encodes one picture, uint8, with whole colour resolution; gray becomes three equal channels."""
    require_support()
    return flat.encode_boxed(rasters, "AVIF", quality=quality, subsampling="4:4:4")
