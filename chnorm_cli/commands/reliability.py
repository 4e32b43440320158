"""Whether a map of errors tells the truth: how often, how well by decile, and as a plot."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chnorm_cli.images import Depth, Picture
from chnorm_cli.scaling.course import check_writable
from chnorm_cli.scaling.failures import Failure, usage
from chnorm_cli.scaling.own_numbers import numbers_of
from chnorm_cli.terminal.history import plot_formats, require_matplotlib

NORMAL = 1.96  # standard errors, within which 95 % of Gaussian errors are
DECILES = 10
LOCAL = 7  # pixels, the side of the box in which the true error is taken around a pixel
TOLD, IDEAL = "#0072B2", "0.5"  # Okabe & Ito's blue, and gray


@dataclass(frozen=True)
class Decile:
    """A tenth of the pixels, by the error that they are told to have; errors in [0, 1]."""

    told: float  # root mean square of what the map says
    true: float  # of the true errors
    within: float  # share of values within NORMAL standard errors


@dataclass(frozen=True)
class Reliability:
    """How a map of errors compares with the true errors."""

    within: float
    unknown: float  # share of the pixels
    told: float
    true: float
    correlation: float | None  # of the map with the true error around each pixel; None: one is even
    deciles: tuple[Decile, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for the JSON report; errors on the scale on which white is 255."""
        return {
            "within": self.within,
            "unknown": self.unknown,
            "told_rms": 255.0 * self.told,
            "true_rms": 255.0 * self.true,
            "correlation": self.correlation,
            "deciles": [
                {"told_rms": 255.0 * d.told, "true_rms": 255.0 * d.true, "within": d.within}
                for d in self.deciles
            ],
        }


def check_plot(plot: str, uncertainty: str | None) -> None:
    """Raise before anything is read where there is nothing to plot, or no way to."""
    if uncertainty is None:
        raise usage("--plot shows how --uncertainty did, which is not given")
    if Path(plot).suffix.lower() not in plot_formats():
        raise usage(f"--plot {plot}: give a name that ends in .png, .svg or .pdf")
    require_matplotlib()
    check_writable(Path(plot))


def in_picture_units(error_map: Picture, picture: Picture, truth: Picture) -> NDArray[np.float64]:
    """Return the standard errors (H, W) in the truth's [0, 1], NaN where they are not known.

    The map is in the numbers of the restored picture's file. Raises `Failure` for a file that is
    no map of this picture.
    """
    if error_map.depth is not Depth.FLOAT or error_map.pixels.shape[2] != 1:
        raise Failure(
            f"{error_map.name}: holds no numbers of floats in one channel; give the .tif that"
            " --uncertainty wrote"
        )
    if error_map.shape != picture.shape:
        raise Failure(
            f"{error_map.name} is {error_map.shape[1]}×{error_map.shape[0]} and {picture.name}"
            f" {picture.shape[1]}×{picture.shape[0]}; give the map of this picture"
        )
    low, span = error_map.value_range
    error = error_map.pixels[..., 0].astype(np.float64) * span + low
    if error_map.missing is not None:
        error[error_map.missing] = np.nan
    if bool((error < 0).any()):
        raise Failure(f"{error_map.name}: holds negative numbers, which no standard error is")
    _, number = numbers_of(picture)
    return error / number * (picture.value_range[1] / truth.value_range[1])


def reliability(
    difference: NDArray[np.float64],
    error: NDArray[np.float64],
    where: NDArray[np.bool_] | None = None,
) -> Reliability:
    """Compare true errors (H, W, C) with the standard errors (H, W) they are told to have.

    `where` (H, W) says which pixels count. Raises `Failure` where none of them is known.
    """
    counted = np.ones(error.shape, bool) if where is None else where
    known = counted & np.isfinite(error)
    if not known.any():
        raise Failure("the map says of no pixel that counts how wrong it is")
    from scipy.ndimage import uniform_filter

    squares = np.square(difference).mean(2)
    around = np.sqrt(np.maximum(uniform_filter(squares, LOCAL, mode="nearest"), 0.0))
    e, square = error[known], squares[known]
    within = (np.abs(difference[known]) <= NORMAL * e[:, None]).mean(1)
    order = np.argsort(e, kind="stable")
    deciles = tuple(
        Decile(_rms(np.square(e[part])), _rms(square[part]), float(within[part].mean()))
        for part in np.array_split(order, DECILES)
        if part.size
    )
    return Reliability(
        float(within.mean()),
        1.0 - float(known.sum() / counted.sum()),
        _rms(np.square(e)),
        _rms(square),
        _correlation(e, around[known]),
        deciles,
    )


def _rms(squares: NDArray[np.float64]) -> float:
    return float(np.sqrt(squares.mean()))


def _correlation(left: NDArray[np.float64], right: NDArray[np.float64]) -> float | None:
    if left.std() == 0 or right.std() == 0:
        return None
    return float(np.corrcoef(left, right)[0, 1])


def show_reliability(found: Mapping[str, Any]) -> None:
    """Print how a map of errors did, on the 0–255 scale."""
    told, true = found["told_rms"], found["true_rms"]
    print(f"Within 1.96 standard errors {100 * found['within']:.1f} % (95 % is right)", end="")
    print(f", {100 * found['unknown']:.3g} % unknown" if found["unknown"] else "")
    alike = "-" if found["correlation"] is None else f"{found['correlation']:.2f}"
    print(f"Root mean square told {told:.2f}, true {true:.2f} of 255, correlation {alike}")
    print("decile    told    true  within")
    for number, decile in enumerate(found["deciles"], start=1):
        print(f"{number:>6}", end="  ")
        print(f"{decile['told_rms']:6.2f}  {decile['true_rms']:6.2f}  {decile['within']:6.1%}")


def plot_reliability(found: Reliability, path: Path, *, title: str) -> bytes:
    """Return a picture of the true error against the told one by decile, and of how many are within."""
    from matplotlib.figure import Figure  # without pyplot: no display, no global state

    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    told = [255.0 * d.told for d in found.deciles]
    true = [255.0 * d.true for d in found.deciles]
    top = 1.05 * max(*told, *true)
    left.plot([0, top], [0, top], color=IDEAL, linestyle=":", label="as told")
    left.plot(told, true, "o-", color=TOLD, label="deciles of the pixels")
    left.set_xlabel("told root mean square error, of 255")
    left.set_ylabel("true root mean square error, of 255")
    left.legend(frameon=False)
    right.axhline(95, color=IDEAL, linestyle=":")
    right.plot(range(1, len(told) + 1), [100 * d.within for d in found.deciles], "o-", color=TOLD)
    right.set_xlabel("decile of the pixels, by the told error")
    right.set_ylabel("within 1.96 standard errors, %")
    right.set_ylim(min(75.0, *(100 * d.within for d in found.deciles)) - 2, 102)
    for axes in (left, right):
        axes.grid(visible=True, alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title.replace("$", r"\$"), fontsize=10)
    data = io.BytesIO()
    figure.savefig(data, format=path.suffix.lower().lstrip("."), dpi=150)
    return data.getvalue()
