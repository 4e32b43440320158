"""Files ⇄ pictures: what a restored file has beside its pixels is what the file had before.

pictures = read_pictures(Path("scan.tif"), name="scan.tif")
better = [p.with_pixels(restore(p.visible_pixels())) for p in pictures]
encode(better, format="tiff").write(Path("out.tif"))
"""

from chnorm_cli.images.atomic import check_writable, write_atomically
from chnorm_cli.images.axes import Place, axes_of, planes_of_channels
from chnorm_cli.images.encoding import Encoded, encode
from chnorm_cli.images.errors import ImageError, MaskError
from chnorm_cli.images.folders import is_folder, is_named_as_folder, is_picture_folder
from chnorm_cli.images.formats import (
    BY_SUFFIX,
    HEAD,
    READABLE_SUFFIXES,
    WRITABLE_SUFFIXES,
    format_for,
    identify,
)
from chnorm_cli.images.keeping import check_replacing
from chnorm_cli.images.maps import encode_map
from chnorm_cli.images.masks import Mask, mask_from_alpha, mask_from_missing, read_mask
from chnorm_cli.images.metadata import Metadata, Resolution, Unit
from chnorm_cli.images.picture import Depth, Picture
from chnorm_cli.images.pipes import descriptor_of, is_stream
from chnorm_cli.images.reading import DEFAULT_MAX_PIXELS, read_pictures
from chnorm_cli.images.samples import SampleRule, filled_where_not_finite, from_unit, to_unit
from chnorm_cli.images.slide_writing import SlideWriting
from chnorm_cli.images.slides import Slide
from chnorm_cli.images.windows import IN_WINDOWS, open_slide

__all__ = [
    "BY_SUFFIX",
    "DEFAULT_MAX_PIXELS",
    "HEAD",
    "IN_WINDOWS",
    "READABLE_SUFFIXES",
    "WRITABLE_SUFFIXES",
    "Depth",
    "Encoded",
    "ImageError",
    "Mask",
    "MaskError",
    "Metadata",
    "Picture",
    "Place",
    "Resolution",
    "SampleRule",
    "Slide",
    "SlideWriting",
    "Unit",
    "axes_of",
    "check_replacing",
    "check_writable",
    "descriptor_of",
    "encode",
    "encode_map",
    "filled_where_not_finite",
    "format_for",
    "from_unit",
    "identify",
    "is_folder",
    "is_named_as_folder",
    "is_picture_folder",
    "is_stream",
    "mask_from_alpha",
    "mask_from_missing",
    "open_slide",
    "planes_of_channels",
    "read_mask",
    "read_pictures",
    "to_unit",
    "write_atomically",
]
