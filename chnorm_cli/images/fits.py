"""FITS through astropy: linear, signed and scaled samples, headers and extensions kept.

A plane of a picture is a page; an image of exactly three planes, whose third axis has no name of its
own, holds colours, as Siril and PixInsight write them. The first row of a FITS picture is its lowest.
"""

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chnorm_cli.images.axes import Place
from chnorm_cli.images.errors import CodecError
from chnorm_cli.images.metadata import FitsPlace, Metadata
from chnorm_cli.images.raster import Raster

if TYPE_CHECKING:
    from astropy.io.fits import HDUList, Header

MAGIC = re.compile(rb"SIMPLE  =")
INVERSE = re.compile(r"(CDELT|CD\d_)([12])$")  # degrees a pixel: smaller where pixels are
SIP = re.compile(r"(?:A|B|AP|BP)_(\d)_(\d)$")
# What CTYPE begins with. Others have no letter.
AXES = {"STOKES": "C", "TIME": "T", "UTC": "T", "TAI": "T", "TT": "T"} | dict.fromkeys(
    ("FREQ", "ENER", "WAVE", "WAVN", "AWAV", "VRAD", "VOPT", "ZOPT", "VELO", "BETA", "FELO"), "E"
)
RESCALED = "the result is stored as floats and not in the scaled integers of the FITS file"
UNPACKED = "the restored picture is stored without the compression of the FITS file"


@dataclass(frozen=True)
class Plane:
    """A picture of a file: of which HDU, and where in its axes; None for all of its colours."""

    hdu: int
    index: tuple[int, ...] | None
    size: tuple[int, int]


def _library() -> Any:
    """Gives astropy's part that knows FITS; raises `CodecError` where it is not installed."""
    try:
        from astropy.io import fits
    except ImportError:
        raise CodecError("needs astropy for FITS", "pip install 'chnorm[fits]'") from None
    return fits


@contextmanager
def _opened(data: bytes) -> Iterator["HDUList"]:
    """Opens a file."""
    with _library().open(io.BytesIO(data), uint=True, memmap=False) as file:
        yield file


def _planes(file: "HDUList") -> list[Plane]:
    """Finds the pictures from the headers alone."""
    found = list[Plane]()
    for at, hdu in enumerate(file):
        if not getattr(hdu, "is_image", False) or len(hdu.shape) < 2 or 0 in hdu.shape:
            continue
        *leading, height, width = hdu.shape
        if _colours(hdu.shape, hdu.header):
            found.append(Plane(at, None, (width, height)))
        else:
            found += [Plane(at, index, (width, height)) for index in np.ndindex(*leading)]
    if not found:
        raise CodecError("holds no picture, only tables or headers", "give a FITS with an image")
    return found


def _colours(shape: tuple[int, ...], header: "Header") -> bool:
    return len(shape) == 3 and shape[0] == 3 and "CTYPE3" not in header


def survey(data: bytes) -> list[tuple[int, int]]:
    """The (width, height) of each plane."""
    with _opened(data) as file:
        return [plane.size for plane in _planes(file)]


def standing(data: bytes) -> list[Place | None]:
    """Where each plane stands among those of its HDU."""
    with _opened(data) as file:
        return [_place(p, file[p.hdu].shape, file[p.hdu].header) for p in _planes(file)]


def decode(data: bytes, pages: Sequence[int]) -> Iterator[Raster]:
    """Decodes planes (counted from 0), the top row first."""
    with _opened(data) as file:
        planes = _planes(file)
        for page in pages:
            plane = planes[page]
            hdu = file[plane.hdu]
            scaled = any(key in hdu.header for key in ("BSCALE", "BZERO"))
            samples: NDArray[Any] = hdu.data if plane.index is None else hdu.data[plane.index]
            samples = samples.astype(samples.dtype.newbyteorder("="))
            samples = samples[..., None] if plane.index is not None else np.moveaxis(samples, 0, -1)
            notes: tuple[str, ...] = (RESCALED,) if scaled and samples.dtype.kind == "f" else ()
            if type(hdu).__name__ == "CompImageHDU":
                notes += (UNPACKED,)
            yield Raster(
                samples[::-1].copy(),
                metadata=Metadata(fits=FitsPlace(data, plane.hdu, plane.index)),
                notes=notes,
                place=_place(plane, hdu.shape, hdu.header),
            )


def _place(plane: Plane, shape: tuple[int, ...], header: "Header") -> Place:
    """Says where a plane stands among those of its HDU, and what the axes before it are."""
    if plane.index is None:
        return Place("SYX", series=plane.hdu)
    names = (header.get(f"CTYPE{len(shape) - axis}", "") for axis in range(len(shape) - 2))
    before = "".join(_letter(str(name).upper()) for name in names)
    return Place(before + "YX", tuple(map(int, shape[:-2])), plane.index, plane.hdu)


def _letter(name: str) -> str:
    """Gives the letter of an axis that is named in the way of FITS (Greisen et al. 2006)."""
    return next((letter for start, letter in AXES.items() if name.startswith(start)), "Q")


def encode(rasters: Sequence[Raster], quality: int) -> bytes:
    """Encodes planes: in the file that they come from if all do, else each in an HDU of its own.

    ``quality`` plays no part. Colours are three planes.
    """
    from_file = [raster.metadata.fits for raster in rasters]
    first = from_file[0]
    if first is not None and all(
        p is not None and p.whole and p.file is first.file for p in from_file
    ):
        return _in_its_file(rasters, first)
    return _new_file(rasters)


def _in_its_file(rasters: Sequence[Raster], first: FitsPlace) -> bytes:
    """Puts restored planes where they were, between headers, tables and other extensions."""
    with _opened(first.file) as file:
        restored = dict[int, NDArray[Any]]()
        for raster in rasters:
            place = raster.metadata.fits
            assert place is not None
            plane = _stored(raster)
            shape = file[place.hdu].shape
            if place.index is None:
                restored[place.hdu] = plane
                continue
            whole = (*shape[:-2], *plane.shape)
            array = restored.setdefault(place.hdu, np.zeros(whole, plane.dtype))
            if array.dtype != plane.dtype:  # planes of one image are stored alike
                array = restored[place.hdu] = array.astype(np.float32)
            array[place.index] = plane
        for at, array in restored.items():
            file[at] = _hdu(array, file[at].header, first.scale, primary=at == 0)
        return _bytes(file)


def _new_file(rasters: Sequence[Raster]) -> bytes:
    """Writes planes that come from elsewhere, or are some of a file's planes."""
    file = _library().HDUList()
    for raster in rasters:
        place, header, scale = raster.metadata.fits, None, 1
        if place is not None:
            with _opened(place.file) as source:
                header, scale = source[place.hdu].header.copy(), place.scale
        file.append(_hdu(_stored(raster), header, scale, primary=not len(file)))
    return _bytes(file)


def _stored(raster: Raster) -> NDArray[Any]:
    """Gives (H, W), or (3, H, W) for colours, the lowest row first."""
    upside_down = raster.samples[::-1]
    return upside_down[..., 0] if upside_down.shape[2] == 1 else np.moveaxis(upside_down, -1, 0)


def _hdu(array: NDArray[Any], header: "Header | None", scale: int, *, primary: bool) -> Any:
    """Makes an image with the words of a header; what it says of samples is the array's now."""
    kind = _library().PrimaryHDU if primary else _library().ImageHDU
    header = None if header is None else header.copy(strip=True)
    if header is not None:
        for key in ("BSCALE", "BZERO", "BLANK", "DATAMIN", "DATAMAX", "CHECKSUM", "DATASUM"):
            header.remove(key, ignore_missing=True)
        if scale != 1:
            _enlarge(header, scale)
    return kind(np.ascontiguousarray(array), header)


def _enlarge(header: "Header", scale: int) -> None:
    """Lets the sky coordinates hold for pixels that are smaller by `scale`, distortions too."""
    for key in list(header):
        distortion = SIP.match(key)
        if key in ("CRPIX1", "CRPIX2"):  # the first pixel's middle is 1
            header[key] = (float(header[key]) - 0.5) * scale + 0.5
        elif INVERSE.match(key):
            header[key] = float(header[key]) / scale
        elif distortion:
            power = 1 - sum(map(int, distortion.groups()))
            header[key] = float(header[key]) * float(scale) ** power


def _bytes(file: "HDUList") -> bytes:
    buffer = io.BytesIO()
    file.writeto(buffer, output_verify="silentfix+ignore")
    return buffer.getvalue()
