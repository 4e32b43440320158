"""How wrong a denoised picture is: denoise it again with fresh noise, where the truth is known.

    y*_b = T_b⁻¹(T_b x̂ + n_b),   x̂*_b = T_b⁻¹ R(T_b y*_b),   e² = mean_b ‖x̂*_b − x̂‖² / C

R is the restoration of y, the n_b are fresh noise of its law, and the T_b are symmetries of the
square and shifts: the equivariant bootstrap (Tachella & Pereyra, arXiv 2310.11838).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from chnorm_cli.fitting.learnt import SYMMETRIES, restored_orientation, transformed
from chnorm_cli.fitting.settings import Effort
from chnorm_cli.noise.law import Law
from chnorm_cli.problems.names import Say

DRAWS = {Effort.FAST: 8, Effort.NORMAL: 4, Effort.BEST: 4}
RISK_FACTOR = (
    1.34  # from the error of the trials to that of the answer, found as the calibration is
)
SHIFTS = 8  # pixels; more than the grids of patch groups are apart
SMOOTH = 5  # pixels, the side of the box over which squares are averaged, twice


@dataclass(frozen=True)
class Calibration:
    """From the spread s of the draws to the standard error: e² = (factor s)² + (floor σ)².

    The restored picture is smoother than the truth, and its own restorations err less than it
    does. Found by benchmarks/uncertainty.py on half of its pictures (benchmarks/results/uncertainty).
    """

    factor: float
    floor: float


CALIBRATION = {
    Effort.FAST: Calibration(1.2, 0.08),
    Effort.NORMAL: Calibration(1.25, 0.1),
    Effort.BEST: Calibration(1.25, 0.1),
}


class Restorer(Protocol):
    """What a finished denoising leaves behind: a trained network and its passes."""

    @property
    def risk(self) -> float | None:
        """The mean squared error of its answer in units of the noise's variance, if trials told it."""
        ...

    def restore(self, noisy: Tensor) -> Tensor:
        """Restore another picture (C, H, W) whose noise is of the same law."""
        ...


@dataclass(frozen=True)
class Bootstrap:
    """The errors of a denoised picture, found with fresh noise of its law."""

    law: Law
    restorer: Restorer
    effort: Effort
    strength: float
    seed: int
    in_time: Callable[[], bool]

    def map(self, x: Tensor, say: Say) -> Tensor:
        """Give the standard error (H, W) of a value of x (C, H, W)."""
        with torch.no_grad():
            squares = spread(
                x,
                self.law,
                self.restorer.restore,
                draws=DRAWS[self.effort],
                strength=self.strength,
                seed=self.seed,
                say=say,
                in_time=self.in_time,
            )
            return standard_error(x, squares, self.law, CALIBRATION[self.effort])

    def rms(self, x: Tensor) -> float | None:
        """Give the root mean square error that the trials told which weighed the estimates."""
        risk = self.restorer.risk
        if risk is None or self.strength != 1.0:
            return None
        return float(RISK_FACTOR * (risk * noise_variance(x, self.law).mean()) ** 0.5)


def spread(
    x: Tensor,
    law: Law,
    restore: Callable[[Tensor], Tensor],
    *,
    draws: int,
    strength: float = 1.0,
    seed: int = 0,
    say: Say = lambda _: None,
    in_time: Callable[[], bool] = lambda: True,
) -> Tensor:
    """Give the mean square (H, W) by which restorations of x (C, H, W) with fresh noise differ from it.

    `restore` gives ẑ for a z with noise of the law's white kind. At least two draws are made, and
    further ones while there is time.
    """
    random = torch.Generator().manual_seed(seed)
    z = law.whitened(x)
    total, made = torch.zeros_like(x[0]), 0
    while made < min(2, draws) or (made < draws and in_time()):
        made += 1
        say(f"error map, draw {made} of {draws}")
        symmetry, down, right = (
            int(torch.randint(below, (), generator=random))
            for below in (SYMMETRIES, SHIFTS, SHIFTS)
        )
        turned = _shifted(transformed(z, symmetry), down, right)
        noisy = law.noise.added_to(turned, random)
        again = restore(noisy)
        height, width = transformed(z, symmetry).shape[-2:]
        noisy, again = (
            restored_orientation(w[..., -height:, -width:], symmetry) for w in (noisy, again)
        )
        y = law.undone(noisy, x)
        if law.flat is not None:
            y = torch.where(law.flat.to(x.device), x, y)
        total += (law.restored(again, y, strength) - x).square().mean(0)
    return total / made


def standard_error(x: Tensor, squares: Tensor, law: Law, calibration: Calibration) -> Tensor:
    """Give the standard error (H, W) of a value of x (C, H, W) whose restorations spread by `squares`."""
    noise = noise_variance(x, law)
    smooth = smoothed(smoothed(squares))
    variance = calibration.factor**2 * smooth + calibration.floor**2 * noise
    return torch.where(noise > 0, variance, torch.zeros_like(variance)).sqrt()


def noise_variance(x: Tensor, law: Law) -> Tensor:
    """Give the variance (H, W) of the noise on x (C, H, W), the mean over the colours; flat pixels have none."""
    variance = law.level.variance(x).mean(0)
    return variance if law.flat is None else variance * ~law.flat.to(x.device)


def _shifted(x: Tensor, down: int, right: int) -> Tensor:
    """Move (C, H, W) by as many pixels, and mirror what comes in; a picture grows by them."""
    down, right = min(down, x.shape[-2] - 1), min(right, x.shape[-1] - 1)
    return F.pad(x[None], (right, 0, down, 0), mode="reflect")[0]


def smoothed(x: Tensor) -> Tensor:
    """Average (H, W) over the pixels around each."""
    return F.avg_pool2d(x[None, None], SMOOTH, 1, SMOOTH // 2, count_include_pad=False)[0, 0]
