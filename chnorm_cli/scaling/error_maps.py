"""The map of the errors as a file: numbers in a TIFF, or a picture with a scale beside it."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from chnorm_cli.fitting.solution import Solution
from chnorm_cli.scaling.failures import Failure, usage

if TYPE_CHECKING:
    from chnorm_cli.images import Depth, Picture
    from chnorm_cli.images.samples import FloatArray

NUMBERS = (".tif", ".tiff")
DRAWN = (".png", ".svg", ".pdf")
UNKNOWN = "0.6"  # gray, which the colours of known errors do not have
INCHES, DOTS = 6.0, 150  # of a drawn map


def check_map_name(path: Path) -> None:
    """Raise before the fit where no map can be written under this name."""
    if path.suffix.lower() not in (*NUMBERS, *DRAWN):
        raise usage(
            f"--uncertainty {path}: give a name that ends in .tif for numbers, or in .png, .svg or"
            " .pdf for a picture of them"
        )
    drawn = path.suffix.lower() in DRAWN
    if drawn and importlib.util.find_spec("matplotlib") is None:
        raise usage(
            f"--uncertainty {path}: a picture needs matplotlib: pip install 'chnorm[lab]'; a .tif"
            " does not"
        )


def check_map_pages(path: Path, pages: int) -> None:
    """Raise before the fit where several pages would go into one picture of a map."""
    if pages > 1 and path.suffix.lower() in DRAWN:
        raise Failure(
            f"--uncertainty {path}: {pages} maps do not fit into one picture; write a .tif"
        )


def encode_error_maps(
    path: Path,
    pictures: Sequence[Picture],
    solutions: Sequence[Solution],
    depth: Depth,
    *,
    filled: bool,
) -> bytes:
    """Return the file of the maps for the `pictures` as read, which are written with `depth`.

    Unless missing pixels were `filled` by the task itself, nothing is known of them.
    """
    from chnorm_cli.images import encode_map

    maps = [
        in_numbers(solution, picture, depth, filled=filled)
        for picture, solution in zip(pictures, solutions, strict=True)
    ]
    if path.suffix.lower() in NUMBERS:
        return encode_map(maps)
    return draw_map(maps[0], path)


def in_numbers(solution: Solution, picture: Picture, depth: Depth, *, filled: bool) -> FloatArray:
    """Return the map (H, W) in the numbers of the file that is written."""
    assert solution.error_map is not None
    white = {"8": 255.0, "16": 65535.0}.get(str(depth), picture.value_range[1])
    error = solution.error_map.error * np.float32(white)
    if picture.missing is not None and not filled:
        scale = error.shape[0] // picture.shape[0]
        error[picture.missing.repeat(scale, 0).repeat(scale, 1)] = np.nan
    return error


def draw_map(error: FloatArray, path: Path) -> bytes:
    """Return a picture of the map (H, W) with a scale; where nothing is known it is gray."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure  # without pyplot: no display, no global state

    height, width = error.shape
    long = INCHES / max(height, width)
    figure = Figure(figsize=(max(3.0, long * width) + 1.2, max(2.0, long * height) + 0.4))
    figure.set_layout_engine("constrained")
    axes = figure.subplots()
    colours = colormaps["inferno"].with_extremes(bad=UNKNOWN)
    known = error[np.isfinite(error)]
    top = float(np.quantile(known, 0.995)) if known.size else 1.0
    image = axes.imshow(
        np.ma.masked_invalid(error), cmap=colours, vmin=0.0, vmax=top or 1.0, interpolation="none"
    )
    axes.set_axis_off()
    figure.colorbar(image, label="standard error, in the numbers of the picture", extend="max")
    data = io.BytesIO()
    figure.savefig(data, format=path.suffix.lower().lstrip("."), dpi=DOTS)
    return data.getvalue()


def psnr_of(rms: float | None) -> float | None:
    """Return the PSNR in dB of an expected root mean square error, None where there is none."""
    return None if not rms else float(-20.0 * np.log10(rms))
