"""The mask of the bad pixels that were found, as a file that `inpaint --mask` takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from chnorm_cli.fitting.solution import Solution
from chnorm_cli.scaling.failures import Failure, usage

if TYPE_CHECKING:
    from chnorm_cli.images import Picture


def check_mask_name(path: Path) -> None:
    """Raise before the fit where no mask can be written under this name: it must stay exact."""
    if path.suffix.lower() not in (".png", ".tif", ".tiff"):
        raise usage(f"--save-mask {path}: give a name that ends in .png or .tif")


def check_mask_pages(path: Path, pages: int) -> None:
    """Raise before the fit where several pages would go into one picture."""
    if pages > 1 and path.suffix.lower() == ".png":
        raise Failure(f"--save-mask {path}: {pages} masks do not fit into one PNG; write a .tif")


def encode_bad_masks(
    path: Path, pictures: Sequence[Picture], solutions: Sequence[Solution]
) -> bytes:
    """Return the file of the masks: white where a pixel was bad."""
    from chnorm_cli.images import Picture, encode

    masks = []
    for picture, solution in zip(pictures, solutions, strict=True):
        bad = solution.bad_mask
        if bad is None:
            bad = np.zeros(picture.shape, np.bool_)
        masks.append(Picture(bad[..., None].astype(np.float32)))
    form = "png" if path.suffix.lower() == ".png" else "tiff"
    data: bytes = encode(masks, format=form).data
    return data
