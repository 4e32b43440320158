"""CMYK → RGB: through the picture's own profile where it has one, else by the plain formula."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def to_rgb(inks: NDArray[Any], profile: bytes | None) -> tuple[NDArray[Any], str]:
    """Turns CMYK (H, W, 4), uint8 or uint16, highest value = full ink, into sRGB (H, W, 3).

    The CMYK profile cannot describe the RGB result, so it is used up here and not kept; the note
    says so.
    """
    if profile is not None and profile[16:20] == b"CMYK":
        import imagecodecs

        try:
            rgb = imagecodecs.cms_transform(
                np.ascontiguousarray(inks),
                profile,
                imagecodecs.cms_profile("srgb"),
                colorspace="cmyk",
                outcolorspace="rgb",
                outdtype=inks.dtype.name,
            )
        except Exception:  # the profile is damaged in one of many ways: the formula still works
            pass
        else:
            return rgb, "CMYK was turned into sRGB through its profile, which is not kept"
    full = np.iinfo(inks.dtype).max
    paper = full - inks.astype(np.float32)
    plain = np.rint(paper[..., :3] * paper[..., 3:] / full).astype(inks.dtype)
    return plain, "CMYK without a usable profile was turned into RGB by the plain formula"
