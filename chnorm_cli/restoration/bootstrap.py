"""How wrong a denoised picture is: denoise it again with fresh noise, where the truth is known.

    e² = (factor · s)² + floor² · h² + detail · d²,     s² = mean_b ‖x̂*_b − x̂‖² / C

The x̂*_b are the draws of `draws.py`, d² is what they say of detail that was removed with the noise, and
h² = σ · HIDDEN what noise of level σ hides everywhere alike, which no draw can say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from chnorm_cli.fitting.settings import Effort
from chnorm_cli.noise.law import Law, is_nominal
from chnorm_cli.problems.names import Say
from chnorm_cli.restoration.draws import Draws, Seen, drawn

DRAWS = {Effort.FAST: 8, Effort.NORMAL: 5, Effort.BEST: 5}
SMOOTH = 5  # pixels, the side of the box over which squares are averaged, twice


@dataclass(frozen=True)
class Calibration:
    """From what the draws say to the standard error: e² = (factor s)² + (floor h)² + detail · d².

    The restored picture is smoother than the truth, and its own restorations err less than it
    does. Found by benchmarks/studies/uncertainty.py on half of its pictures (benchmarks/results/uncertainty).
    """

    factor: float
    floor: float
    detail: float


CALIBRATION = {
    Effort.FAST: Calibration(1.1, 0.18, 0.75),
    Effort.NORMAL: Calibration(1.1, 0.18, 0.75),
    Effort.BEST: Calibration(1.1, 0.18, 0.75),
}
# Of the picture's range. What stronger noise hides is larger, but not as much as the noise: measured,
# a floor in units of √σ suits σ = 5 to 50, one of σ or of no σ does not.
HIDDEN = 10 / 255


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
    seen: Seen
    effort: Effort
    strength: float
    seed: int
    in_time: Callable[[], bool]

    def map(self, x: Tensor, say: Say) -> Tensor:
        """Give the standard error (H, W) of a value of x (C, H, W)."""
        with torch.no_grad():
            return standard_error(x, self.drawn(x, say), self.law, CALIBRATION[self.effort])

    def drawn(self, x: Tensor, say: Say = lambda _: None) -> Draws:
        """Give what fresh noise on x (C, H, W) says, uncalibrated."""
        return drawn(
            x,
            self.seen,
            self.law,
            self.restorer.restore,
            draws=DRAWS[self.effort],
            strength=self.strength,
            seed=self.seed,
            say=say,
            in_time=self.in_time,
        )

    def rms(self, x: Tensor) -> float | None:
        """Give the root mean square error that the trials told which weighed the estimates.

        They are draws as those of the map; what they say of detail is not known.
        """
        risk = self.restorer.risk
        if risk is None or self.strength != 1.0:
            return None
        noise, calibration = noise_variance(x, self.law), CALIBRATION[self.effort]
        squares = calibration.factor**2 * risk * noise
        squares = squares + calibration.floor**2 * hidden(noise, self.law)
        return float(squares.mean().sqrt())


def standard_error(x: Tensor, draws: Draws, law: Law, calibration: Calibration) -> Tensor:
    """Give the standard error (H, W) of a value of x (C, H, W), of which the draws say so much."""
    noise = noise_variance(x, law)
    spread = smoothed(smoothed(draws.squares))
    floor = calibration.floor**2 * hidden(draws.level**2 * noise, law)
    variance = calibration.factor**2 * spread + floor + calibration.detail * draws.lost
    return torch.where(noise > 0, variance, torch.zeros_like(variance)).sqrt()


def hidden(noise: Tensor, law: Law) -> Tensor:
    """Give the squares (H, W) of what noise of such a variance (H, W) hides of any picture."""
    span = 1.0 if is_nominal(law.low, law.high) else law.high - law.low
    return HIDDEN * span * noise.sqrt()


def noise_variance(x: Tensor, law: Law) -> Tensor:
    """Give the variance (H, W) of the noise on x (C, H, W), the mean over the colours; flat pixels have none."""
    variance = law.level.variance(x).mean(0)
    return variance if law.flat is None else variance * ~law.flat.to(x.device)


def smoothed(x: Tensor) -> Tensor:
    """Average (H, W) over the pixels around each."""
    return F.avg_pool2d(x[None, None], SMOOTH, 1, SMOOTH // 2, count_include_pad=False)[0, 0]
