"""Maps of measured values beside a picture: float TIFFs, which may hold what is not a number."""

import io
from collections.abc import Sequence

import numpy as np

from chnorm_cli.images.samples import FloatArray

ABOUT = "standard error of each pixel, in the numbers of the restored picture; NaN: not known"


def encode_map(pages: Sequence[FloatArray]) -> bytes:
    """Encodes arrays (H, W) as the float32 pages of one TIFF, which says what they are."""
    from tifffile import TiffWriter

    data = io.BytesIO()
    with TiffWriter(data) as file:
        for page in pages:
            file.write(
                np.ascontiguousarray(page, np.float32),
                photometric="minisblack",
                compression="zlib",
                description=ABOUT,
                software="chnorm",
                metadata=None,
            )
    return data.getvalue()
