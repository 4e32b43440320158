"""The 8-bit formats, through Pillow: JPEG, WebP and AVIF both ways, BMP and GIF in only."""

import io
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from chnorm_cli.images import exif, inks
from chnorm_cli.images.errors import CodecError
from chnorm_cli.images.metadata import TIMING, Metadata, Resolution, Unit, resolution
from chnorm_cli.images.raster import Raster

if TYPE_CHECKING:
    from PIL import Image

LONGEST_EXIF = 65533 - 6  # bytes in a JPEG's marker segment, less the "Exif\0\0"
UNITS = {1: Unit.INCH, 2: Unit.CENTIMETER}  # of a JFIF header
FORMATS = ("JPEG", "WEBP", "BMP", "GIF", "AVIF")  # the last is not in every Pillow
TEXTS = {"xmp": "XMP", "photoshop": "IPTC", "comment": "comment"}  # by Pillow's names
EXIF_UNITS = {1: Unit.NONE, 2: Unit.INCH, 3: Unit.CENTIMETER}


@contextmanager
def _opened(data: bytes) -> Iterator["Image.Image"]:
    """Opens a picture lazily, without Pillow's own size limit: ours is checked before this."""
    from PIL import Image

    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            yield image
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def survey(data: bytes) -> list[tuple[int, int]]:
    """The (width, height) of each frame, or of each picture of a JPEG that is one of its own."""
    with _opened(data) as image:
        if image.format == "MPO":
            return [size for _, size in _views(image)[0]]
        frames = getattr(image, "n_frames", 1)
        return [image.size] * frames  # a GIF grows, if it does, while its frames are counted


def _views(image: Any) -> tuple[list[tuple[int, tuple[int, int]]], tuple[str, ...]]:
    """The (index, size) of each picture of a JPEG with several, and what the others are.

    Stereo pairs and panoramas are pictures; phones hide gain and depth maps and smaller copies.
    """
    size, views, lost = image.size, [(0, image.size)], []
    entries = image.mpinfo.get(0xB002, [])
    for index in range(1, image.n_frames):
        kind = entries[index]["Attribute"]["MPType"] if index < len(entries) else "Undefined"
        try:
            image.seek(index)
        except Exception:  # damage to what lies behind the picture does not cost the picture
            lost.append("a damaged second picture in the JPEG is left out")
            continue
        if "Thumbnail" in kind:
            lost.append(f"a copy of {image.width} × {image.height} pixels is left out")
        elif kind == "Undefined" and image.size != size:
            lost.append(
                f"a second picture of {image.width} × {image.height} pixels in the JPEG, as phones"
                " hide a gain or depth map, is left out"
            )
        else:
            views.append((index, image.size))
    image.seek(0)
    return views, tuple(lost)


def survey_webp(data: bytes) -> list[tuple[int, int]]:
    """The same for WebP, read from the bytes, because Pillow takes the memory when it opens one."""
    kind = data[12:16]
    if kind == b"VP8X" and len(data) >= 30:
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
    elif kind == b"VP8L" and len(data) >= 25:
        bits = int.from_bytes(data[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8 " and len(data) >= 30:
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    else:
        raise CodecError("has no complete WebP header", "get a complete copy of the file")
    frames, at = 0, 12
    while at + 8 <= len(data):
        frames += data[at : at + 4] == b"ANMF"
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8 + size + size % 2
    return [(width, height)] * max(1, frames)


def decode(data: bytes, pages: Sequence[int]) -> Iterator[Raster]:
    """Decodes frames (counted from 0)."""
    with _opened(data) as image:
        views, lost = _views(image) if image.format == "MPO" else (None, ())
        animated = views is None and getattr(image, "is_animated", False)
        for page in pages:
            if page:
                image.seek(page if views is None else views[page][0])
            image.load()
            raster = _raster(image)
            notes = raster.notes + ((TIMING,) if animated else ())
            left = [word for key, word in TEXTS.items() if image.info.get(key)]
            if left:
                notes += (f"{', '.join(left)} of the {image.format} is left out",)
            yield replace(raster, notes=notes, lost=lost)


def _raster(image: "Image.Image") -> Raster:
    metadata = _metadata(image)
    orientation = exif.orientation(exif.parse(metadata.exif))
    if image.mode == "CMYK":
        samples, note = inks.to_rgb(np.asarray(image), metadata.icc)
        plain = Metadata(exif=metadata.exif, resolution=metadata.resolution)
        return Raster(samples, metadata=plain, orientation=orientation, notes=(note,))
    palette = image.mode in ("P", "PA")
    clear = image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info
    gray = image.mode in ("1", "L", "LA", "La")
    mode = {(True, False): "L", (True, True): "LA", (False, False): "RGB", (False, True): "RGBA"}[
        gray, clear
    ]
    samples = np.asarray(image.convert(mode))
    samples = samples.reshape(*samples.shape[:2], -1)
    return Raster(samples, clear, metadata, orientation, palette)


def resolution_of(block: bytes | None) -> Resolution | None:
    """The resolution that an EXIF block states."""
    stated = exif.resolution(exif.parse(block))
    return stated and resolution(stated[0], stated[1], EXIF_UNITS.get(stated[2], Unit.NONE))


def _metadata(image: "Image.Image") -> Metadata:
    info: dict[Any, Any] = image.info
    block = exif.bare(info.get("exif"))
    stated = resolution_of(block)
    found: Resolution | None = None
    if info.get("jfif_unit") in UNITS:
        across, down = info["jfif_density"]
        found = resolution(Fraction(across), Fraction(down), UNITS[info["jfif_unit"]])
    elif stated is not None:
        found = stated
    elif image.format == "BMP" and "dpi" in info:
        across, down = (Fraction(value).limit_denominator(10**6) for value in info["dpi"])
        found = resolution(across, down, Unit.INCH)
    return Metadata(info.get("icc_profile") or None, block, found)


def encode_jpeg(rasters: Sequence[Raster], quality: int) -> bytes:
    """Encodes one gray or RGB picture, uint8; 4:4:4, so that no colour is averaged away."""
    (raster,) = rasters
    metadata = raster.metadata
    block = metadata.exif if metadata.exif and len(metadata.exif) <= LONGEST_EXIF else None
    options: dict[str, Any] = {"subsampling": 0, "optimize": True}
    if metadata.resolution is not None and metadata.resolution.dpi is not None:
        options["dpi"] = tuple(
            min(max(1, round(value)), 65535) for value in metadata.resolution.dpi
        )
    if block:
        options["exif"] = b"Exif\0\0" + block
    return _saved(raster, "JPEG", quality=min(quality, 100), icc_profile=metadata.icc, **options)


def encode_webp(rasters: Sequence[Raster], quality: int) -> bytes:
    """Encodes one picture, uint8; lossless at quality 100. Gray becomes three equal channels."""
    return encode_boxed(
        rasters,
        "WEBP",
        quality=quality,
        lossless=quality >= 100,
        exact=True,  # keeps the colours below full transparency
    )


def encode_boxed(rasters: Sequence[Raster], format: str, **options: Any) -> bytes:
    """Encodes one picture for WebP or AVIF, whose only place for a resolution is the EXIF block."""
    (raster,) = rasters
    metadata = raster.metadata
    block = metadata.exif
    if metadata.resolution is not None and metadata.resolution.dpi is not None:
        block = exif.stating_resolution(block, metadata.resolution.dpi)
    profile = metadata.icc or b""
    return _saved(raster, format, icc_profile=profile, exif=block or b"", **options)


def _saved(raster: Raster, format: str, **options: Any) -> bytes:
    """The bytes that Pillow writes with its own options for the format."""
    from PIL import Image

    samples = np.ascontiguousarray(raster.samples)
    image = Image.fromarray(samples[..., 0] if samples.shape[2] == 1 else samples)
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()
