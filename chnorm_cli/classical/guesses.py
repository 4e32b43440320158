"""The first guesses A⁺y that a network starts from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from chnorm_cli.classical.first_guess import first_guess
from chnorm_cli.classical.nonlocal_filter import nonlocal_filter
from chnorm_cli.classical.passes import Combine, Pass
from chnorm_cli.noise.gaussian import Noise
from chnorm_cli.problems.names import FirstGuess
from chnorm_cli.problems.operators import Mask, Operator

# Sparser than the denoising passes: half their time, and 0.1 dB less over a whole chain.
FILLING = Pass(Combine.PATCHES_BY_COLOUR, neighbours=24, radius=10, stride=6)
# Enlarged pictures gain from combining values after it (measured at ×4: +0.1 to +0.3 dB).
ENLARGING = (
    replace(FILLING, radius=12),
    Pass(Combine.VALUES, neighbours=48, patch=4, radius=12, stride=3),
)
MOMENTUM = 0.8  # of the picture's last change, by which the next iteration begins ahead


def plug_and_play(
    x: Tensor,
    y: Tensor,
    operator: Operator,
    strengths: Sequence[float],
    passes: tuple[Pass, ...] = (FILLING,),
    *,
    go_on: Callable[[], bool] = lambda: True,
) -> Tensor:
    """Alternate: similar patches of x (C, H, W) correct each other, then x explains y again.

    The non-local filter with the picture as its own pilot stands where a proximal operator would
    (Venkatakrishnan et al., "Plug-and-play priors", 2013); `strengths` are its σ, 0–255 scale.
    Iterations of one strength have momentum. `go_on` says whether there is time for one more.
    """
    before, last = x, None
    for strength in strengths:
        if not go_on():
            break
        if strength != last:
            before, last = x, strength
        before, x = x, _corrected(x, before, y, operator, strength, passes)
    return x


def helpful_strengths(
    x: Tensor,
    y: Tensor,
    operator: Operator,
    error: Callable[[Tensor], float],
    *,
    go_on: Callable[[], bool] = lambda: True,
    strength: float = 14.0,
    weakest: float = 1.5,
    enough: float,
    most: int,
) -> tuple[list[float], Tensor]:
    """Find plug-and-play strengths that lower `error`, on pixels that were held out, one by one.

    Give them, `most` or fewer, with what they made of x. `go_on` says whether there is time for one
    more. A strength (0–255 scale) that lowers the error by no more than the share `enough` is
    reduced, down to `weakest`: pictures of walls and roofs gain 3 dB from many strong iterations,
    leaves and fur less, and from weak ones.
    """
    best = error(x)
    before = x
    accepted: list[float] = []
    for _ in range(most):
        if not go_on():
            break
        candidate = _corrected(x, before, y, operator, strength, (FILLING,))
        reached = error(candidate)
        helps = reached < (1.0 - enough) * best
        if reached < best:
            before, x, best = x, candidate, reached
            accepted.append(strength)
        if not helps:
            before = x
            strength /= 1.4
            if strength < weakest:
                break
    return accepted, x


def _corrected(
    x: Tensor,
    before: Tensor,
    y: Tensor,
    operator: Operator,
    strength: float,
    passes: tuple[Pass, ...],
) -> Tensor:
    """Do one iteration of plug-and-play from x, which was `before` one iteration earlier."""
    wanted = operator.known == 0 if isinstance(operator, Mask) else None
    ahead = x + MOMENTUM * (x - before)
    smooth = nonlocal_filter(ahead, Noise(strength / 255.0), passes, pilot=ahead, wanted=wanted)
    return operator.project(smooth, y)


def fill_guess(guess: FirstGuess, strengths: Sequence[float]) -> Callable[[Tensor, Tensor], Tensor]:
    """Give a filling of the pixels where `known` (H, W) is false, of y (C, H, W).

    `strengths` (0–255 scale) are those of the plug-and-play iterations, one each; they fall while
    the picture settles.
    """

    def smooth(y: Tensor, known: Tensor) -> Tensor:
        return first_guess(Mask(known.to(y.dtype)), y * known)

    def nonlocal_filling(y: Tensor, known: Tensor) -> Tensor:
        operator = Mask(known.to(y.dtype))
        return plug_and_play(smooth(y, known), y, operator, strengths)

    match guess:
        case FirstGuess.NONE:
            return lambda y, known: torch.where(
                known, y, (y * known).sum((-2, -1), keepdim=True) / known.sum()
            )
        case FirstGuess.CLASSICAL | FirstGuess.AUTO:
            return smooth
        case FirstGuess.NONLOCAL:
            return nonlocal_filling
