"""What a file says about its picture: colour profile, EXIF, resolution, place among the pages."""

from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

from chnorm_cli.images import exif


class Unit(StrEnum):
    """The length that a resolution counts pixels on; ``none`` gives only the pixels' shape."""

    INCH = "inch"
    CENTIMETER = "cm"
    METER = "metre"
    NONE = "none"


PER_INCH = {
    Unit.INCH: Fraction(1),
    Unit.CENTIMETER: Fraction(254, 100),
    Unit.METER: Fraction(254, 10**4),
}


TIMING = "how long each frame of the animation is shown is not kept"


@dataclass(frozen=True)
class Resolution:
    """Pixels per unit of length across (``x``) and down (``y``), as exact fractions."""

    x: Fraction
    y: Fraction
    unit: Unit

    @property
    def dpi(self) -> tuple[float, float] | None:
        """Pixels per inch across and down; None where the file names no unit."""
        if self.unit is Unit.NONE:
            return None
        factor = PER_INCH[self.unit]
        return float(self.x * factor), float(self.y * factor)

    def scaled(self, scale: int) -> "Resolution":
        """The resolution of the same sheet with ``scale`` times the pixels each way."""
        return replace(self, x=self.x * scale, y=self.y * scale)

    def swapped(self) -> "Resolution":
        """The resolution after a quarter turn."""
        return replace(self, x=self.y, y=self.x)


def resolution(x: Fraction, y: Fraction, unit: Unit) -> Resolution | None:
    """Makes a `Resolution`; None for the zeros and negatives that broken files hold."""
    return Resolution(x, y, unit) if x > 0 and y > 0 else None


@dataclass(frozen=True)
class FitsPlace:
    """Where a picture stands in a FITS file, whose headers and extensions come back around it.

    ``index`` is the plane of HDU ``hdu``, or None for its colours. ``whole`` says that all planes of the
    file are there, and ``scale`` that the picture was enlarged.
    """

    file: bytes
    hdu: int
    index: tuple[int, ...] | None
    whole: bool = True
    scale: int = 1


@dataclass(frozen=True)
class ZarrPlace:
    """Where a picture stands in an OME-Zarr, whose attributes and other groups come back around it.

    ``index`` is that of the plane in the folder ``path``. ``whole`` says that all planes are there,
    ``scale`` that the picture was enlarged, and ``bare`` that only what says how it lies comes back.
    ``integers`` names the type of the samples where these are integers that floats hold exactly.
    """

    path: Path
    index: tuple[int, ...]
    whole: bool = True
    scale: int = 1
    bare: bool = False
    integers: str | None = None


@dataclass(frozen=True)
class Metadata:
    r"""What comes back with the picture.

    ``icc`` is kept byte for byte. ``exif`` is the EXIF block without its ``Exif\0\0`` prefix, in
    which the orientation is already 1; the descriptive tags of a TIFF page travel in it too.
    ``chunks`` are the colour and text chunks of a PNG, and go back only into a PNG.
    ``fits`` is kept in a FITS only, ``zarr`` in an OME-Zarr. ``page`` counts from 1. ``planar`` says that a TIFF stores its channels one after another.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    resolution: Resolution | None = None
    chunks: tuple[tuple[bytes, bytes], ...] = ()
    page: int = 1
    pages: int = 1
    planar: bool = False
    fits: FitsPlace | None = None
    zarr: ZarrPlace | None = None

    def scaled(self, scale: int) -> "Metadata":
        """The metadata of the picture with ``scale`` times the pixels each way.

        Tags that hold for the old pixel grid (GeoTIFF) would be lies on the new one and are left
        out; descriptions of a stack are revised where it is written.
        """
        if scale == 1:
            return self
        return replace(
            self,
            exif=exif.without(self.exif, exif.GEOGRAPHY),
            resolution=self.resolution and self.resolution.scaled(scale),
            fits=self.fits and replace(self.fits, scale=self.fits.scale * scale),
            zarr=self.zarr and replace(self.zarr, scale=self.zarr.scale * scale),
        )

    def alone(self) -> "Metadata":
        """The metadata of a page taken out of its file, without descriptions of the whole stack."""
        alone = self.fits and replace(self.fits, whole=False)
        zarr = self.zarr and replace(self.zarr, whole=False)
        return replace(self, exif=exif.without(self.exif, exif.STRUCTURE), fits=alone, zarr=zarr)

    def stripped(self) -> "Metadata":
        """Nothing but the place among the pages."""
        zarr = self.zarr and replace(self.zarr, bare=True)
        return Metadata(page=self.page, pages=self.pages, planar=self.planar, zarr=zarr)
