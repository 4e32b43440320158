"""How wrong an enlarged picture is: reduce the small one further, enlarge it, and compare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from chnorm_cli.fitting.settings import FitSettings
from chnorm_cli.noise.law import Law
from chnorm_cli.problems.names import Kernel, Say
from chnorm_cli.problems.operators import Downsample
from chnorm_cli.restoration.alike import Alike, Trial, variance_around
from chnorm_cli.restoration.artefacts import Wrong
from chnorm_cli.restoration.beginning import Beginning
from chnorm_cli.restoration.bootstrap import Restorer
from chnorm_cli.restoration.errors import Errors

# From the error of enlarging a further reduction: pictures hold less detail that is finer. Geometric
# means of what five crops gave at ×4 (0.52 to 0.96), three at ×3 (0.63 to 0.79), two at ×2, `fast`.
FINER = {2: 0.97, 3: 0.7, 4: 0.72}
# A small picture without its artefacts is smoother than the truth, and so is its further reduction
# (bird and woman at ×2, qualities 40 and 80: 1.16 to 1.26).
SMOOTHER = 1.2
LEAST = 12  # pixels along a side of the further reduction, to say anything


class Enlarger(Protocol):
    """What a finished enlarging leaves behind: trained networks and its passes."""

    scale: int
    kernel: Kernel
    settings: FitSettings
    beginning: Beginning
    law: Law | None  # of the noise that was removed from the small picture
    wrong: Wrong | None  # what was wrong with the small picture as a JPEG

    @property
    def cleaner(self) -> Restorer | None:
        """What has denoised the small picture, if that was noisy."""
        ...

    @property
    def explained(self) -> Tensor:
        """The small picture (C, h, w), without its noise."""
        ...

    def enlarge_again(self, small: Tensor) -> Tensor:
        """Enlarge another picture (C, h, w) to (C, scale·h, scale·w)."""
        ...


@dataclass(frozen=True)
class EnlargingErrors:
    """The errors of an enlarged picture: of what the reduction has taken away, and of the noise."""

    enlarger: Enlarger
    in_time: Callable[[], bool]

    def map(self, x: Tensor, say: Say) -> Tensor:
        """Give the standard error (H, W) of a value of x (C, H, W); NaN for tiny pictures and ×8."""
        scale = self.enlarger.scale
        height, width = (length // scale for length in self.enlarger.explained.shape[1:])
        if min(height, width) < LEAST or scale not in FINER:
            return torch.full_like(x[0], torch.nan)
        with torch.no_grad():
            say("error map, from a further reduction")
            truth = self.enlarger.explained[:, : height * scale, : width * scale]
            reduction = Downsample((height, width), scale, self.enlarger.kernel).to(x.device)
            again = self.enlarger.enlarge_again(reduction.forward(truth))
            alike = Alike([_trial(again, truth)])
            squares = FINER[scale] ** 2 * alike.squares(variance_around(x), _everywhere(x))
            more = 1.0 if self.enlarger.wrong is None else SMOOTHER
            return more * (squares + self.noise_left(say)).sqrt()

    def rms(self, _: Tensor) -> float | None:
        """Give none: nothing is known without a trial."""
        return None

    def noise_left(self, say: Say) -> Tensor | float:
        """Give the squared errors (H, W) that cleaning has left, spread over the enlarged pixels."""
        enlarger = self.enlarger
        if enlarger.wrong is not None:
            left: Errors = enlarger.wrong.error_of_cleaned(self.in_time)
        elif enlarger.law is not None and enlarger.cleaner is not None:
            left = enlarger.beginning.errors(enlarger.cleaner, enlarger.settings, self.in_time)
        else:
            return 0.0
        squares = left.map(enlarger.explained, say).square()
        for axis in (0, 1):
            squares = squares.repeat_interleave(self.enlarger.scale, axis)
        return squares


def _trial(x: Tensor, truth: Tensor) -> Trial:
    squares = (x - truth).square().mean(0)
    everywhere = _everywhere(x)
    return Trial(squares, variance_around(x), everywhere, everywhere > 0)


def _everywhere(x: Tensor) -> Tensor:
    """Give the depth (H, W) of an enlarged picture's pixels, none of which was observed."""
    return torch.ones(x.shape[1:], dtype=torch.int64, device=x.device)
