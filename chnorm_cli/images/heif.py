"""HEIC, as phones make it, through pillow-heif; deeper samples are read whole and written with 8 bits."""

import io
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from chnorm_cli.images import exif, flat
from chnorm_cli.images.errors import CodecError
from chnorm_cli.images.metadata import Metadata
from chnorm_cli.images.raster import Raster
from chnorm_cli.images.samples import stretch

# AVIF has the same boxes and is looked for before.
MAGIC = re.compile(rb".{4}ftyp(?:hei[cxms]|hev[cxms]|mif1|msf1)", re.DOTALL)


def _library() -> Any:
    """Gives pillow-heif; raises `CodecError` where it is not installed."""
    try:
        import pillow_heif
    except ImportError:
        raise CodecError("needs pillow-heif for HEIC", "pip install 'chnorm[heif]'") from None
    return pillow_heif


def _opened(data: bytes) -> Any:
    """Opens a file, whose pictures are decoded when they are asked for, with the bits they have."""
    return _library().open_heif(io.BytesIO(data), convert_hdr_to_8bit=False, hdr_to_16bit=False)


def survey(data: bytes) -> list[tuple[int, int]]:
    """The (width, height) of each picture, turned upright."""
    return [picture.size for picture in _opened(data)]


def decode(data: bytes, pages: Sequence[int]) -> Iterator[Raster]:
    """Decodes pictures (counted from 0); turns and mirrors that the file asks for are done."""
    file = _opened(data)
    for page in pages:
        picture = file[page]
        samples = np.asarray(picture)
        samples = samples.reshape(*samples.shape[:2], -1)
        depth = int(picture.info.get("bit_depth") or 8)
        if depth > 8:
            samples = stretch(samples, 2**depth - 1)
        block = exif.bare(picture.info.get("exif"))
        profile = picture.info.get("icc_profile") or None
        metadata = Metadata(profile, block, flat.resolution_of(block))
        yield Raster(
            samples, samples.shape[2] in (2, 4), metadata, notes=_left(picture), lost=_lost(picture)
        )


def _left(picture: Any) -> tuple[str, ...]:
    """Says which words about the picture have no place elsewhere."""
    return ("XMP of the HEIC is left out",) if picture.info.get("xmp") else ()


def _lost(picture: Any) -> tuple[str, ...]:
    """Says which pictures of the file are no pages."""
    kinds = {"depth_images": "a depth map", "aux": "a gain map or another auxiliary picture"}
    return tuple(
        f"{what} in the HEIC is left out" for key, what in kinds.items() if picture.info.get(key)
    )


def encode(rasters: Sequence[Raster], quality: int) -> bytes:
    """Encodes one picture, uint8, with whole colour resolution."""
    from PIL import Image

    (raster,) = rasters
    samples = np.ascontiguousarray(raster.samples)
    image = Image.fromarray(samples[..., 0] if samples.shape[2] == 1 else samples)
    metadata, buffer = raster.metadata, io.BytesIO()
    block = metadata.exif
    if metadata.resolution is not None and metadata.resolution.dpi is not None:
        block = exif.stating_resolution(block, metadata.resolution.dpi)
    said = {"exif": b"Exif\0\0" + block} if block else {}
    if metadata.icc:
        said["icc_profile"] = metadata.icc
    _library().from_pillow(image).save(buffer, quality=quality, chroma=444, **said)
    return buffer.getvalue()
