"""How wrong the filling of holes is: fill further ones, where the truth is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from chnorm_cli.problems.names import Say
from chnorm_cli.recorruption.examples import holes_like, window_around_holes
from chnorm_cli.restoration.alike import Alike, Trial, depth_in, variance_around
from chnorm_cli.restoration.bootstrap import noise_variance
from chnorm_cli.restoration.errors import Errors
from chnorm_cli.restoration.filling import Filling

TRIALS = 3
SPARSE = 0.3  # of the pixels: fewer are missing in holes that are kept whole in trials
SHARE = 0.1  # of the observed pixels, in further holes, where more are missing
TRIED = 1 << 16  # pixels of the picture, in each trial
TRUSTED = 300  # held-out pixels, with which they count as much as the trials do
ALIKE = 1.2  # times the depth of the held-out pixels: holes that these tell nothing of
LEAST_HELD = 50  # pixels that tell the error of the whole without a trial


@dataclass(frozen=True)
class HoleErrors:
    """The errors of a filled picture, in its holes and, where it was noisy, beside them."""

    filling: Filling
    seed: int
    in_time: Callable[[], bool]
    clean: bool = True  # what was observed is given without its noise

    def map(self, x: Tensor, say: Say) -> Tensor:
        """Give the standard error (H, W) of a value of x (C, H, W); NaN deep in wide holes."""
        with torch.no_grad():
            alike = Alike(self._trials(say))
            squares = alike.squares(variance_around(x), depth_in(self.filling.observed))
            squares = squares * self._unseen(alike)
            squares = torch.where(self.filling.repeated, torch.nan, squares)
            return (squares + self._noise(x, say)).sqrt()

    def rms(self, x: Tensor) -> float | None:
        """Give the root mean square error that the held-out pixels tell, where these are as deep as all."""
        filling = self.filling
        if filling.reached is None or self._dirty or bool(filling.repeated.any()):
            return None
        deep = depth_in(filling.observed)[~filling.observed].float().mean()
        tried = depth_in(filling.shown[filling.checked])[filling.held].float().mean()
        if int(filling.held.sum()) < LEAST_HELD or bool(deep > ALIKE * tried):
            return None
        missing = (~filling.observed).float().mean()
        squares = (filling.reached - filling.ys[0]).square().mean(0)
        return float((missing * squares[filling.held].mean()).sqrt())

    def _trials(self, say: Say) -> list[Trial]:
        random = torch.Generator().manual_seed(self.seed)
        trials: list[Trial] = []
        for number in range(TRIALS):
            if trials and not self.in_time():
                break
            say(f"error map, trial {number + 1} of {TRIALS}")
            here = window_around_holes(self.filling.known, TRIED, random)
            y, known = self.filling.y[:, *here], self.filling.known[here]
            few = float((~self.filling.observed).float().mean()) < SPARSE
            held = holes_like(known, 1.0 if few else SHARE, random)
            shown = known & ~held
            trials.append(trial(self.filling.fill_again(y * shown, shown), y, shown, held))
        return trials

    def _unseen(self, alike: Alike) -> float:
        """Say how much larger squared errors are where nothing was learnt from the truth."""
        filling = self.filling
        if filling.reached is None:
            return 1.0
        unseen = trial(filling.reached, filling.ys[0], filling.shown[filling.checked], filling.held)
        told = alike.squares(unseen.variance, unseen.depth)
        both = unseen.where & told.isfinite()
        count = int(both.sum())
        if not count:
            return 1.0
        ratio = float(unseen.squares[both].sum() / told[both].sum().clamp_min(1e-12))
        return (count * ratio + TRUSTED) / (count + TRUSTED)

    @property
    def _dirty(self) -> bool:
        """Whether what was observed errs by itself."""
        return self.filling.law is not None or self.filling.wrong is not None

    def _noise(self, x: Tensor, say: Say) -> Tensor:
        """Give the squared error (H, W) of what was observed: none, or what cleaning left.

        Holes are filled from what is clean, and err as that does, whatever is given beside them.
        """
        filling = self.filling
        if not self._dirty:
            return torch.zeros_like(x[0])
        left = self._left(torch.where(filling.known, filling.y, x), say)
        if self.clean:
            return left
        if filling.wrong is not None:
            given = filling.wrong.error_of_decoded(filling.seen).square()
        else:
            assert filling.law is not None
            given = noise_variance(x, filling.law)
        return torch.where(filling.observed, given, left)

    def _left(self, x: Tensor, say: Say) -> Tensor:
        """Give the squared error (H, W) that cleaning has left in the clean x (C, H, W)."""
        filling = self.filling
        if filling.wrong is not None:
            errors: Errors = filling.wrong.error_of_cleaned(self.in_time)
        elif filling.denoising is not None:
            errors = filling.beginning.errors(filling.denoising, filling.settings, self.in_time)
        else:
            return torch.zeros_like(x[0])
        return errors.map(x, say).square()


def trial(x: Tensor, truth: Tensor, shown: Tensor, held: Tensor) -> Trial:
    """Compare a filling x (C, H, W) with the truth where pixels were `held` (H, W) back."""
    squares = (x - truth).square().mean(0)
    return Trial(squares, variance_around(x), depth_in(shown), held)
