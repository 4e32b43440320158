"""A second look at values thrown to black and white: the pixels around say what should be there.

Noise, highlights and shadows reach black and white as well, and thrown values hide among them. What is
predicted from the pixels around, and how well such predictions are, tells them apart.
"""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from chnorm_cli.classical.first_guess import first_guess
from chnorm_cli.classical.local_prediction import predicted
from chnorm_cli.noise.bad_pixels import BadPixels
from chnorm_cli.noise.impulses import FEWEST
from chnorm_cli.problems.operators import Mask

TOGETHER = 0.9  # of the bad pixels are so in all colours: they are thrown as pixels
LEAST = 0.001  # of the pixels thrown to a level, from which on more of them are looked for
RARER = 0.1  # times as many are thrown to the other level at least: noise may hide all of them
WIDER = 1.5  # times the variance on what was learnt from is that on what was not
FLOOR = 1.5 / 255  # of the range: no prediction is better
CLEAR = 6.0  # standard errors, from which on a single value stays bad


def looked_at_again(
    bad: BadPixels, y: Tensor, given: Tensor, missing: Tensor | None = None
) -> BadPixels | None:
    """Give bad pixels of y (C, H, W) as what is around them says, none where there are none left.

    `given` (C, H, W) is y with its banding, in which levels are exact. Values that came out thrown by
    mistake are good again, and thrown ones that hid among black and white are found. What is thrown
    in single colours, and dead rows and columns, stay as they are.
    """
    pixels = bad.pixels
    if bad.rows or bad.columns:
        return bad
    y, given = y.detach().float().cpu(), given.detach().float().cpu()
    missing = torch.zeros_like(pixels) if missing is None else missing.cpu()
    white, black = _thrown_to(given, pixels)
    ends = (white | black) & ~missing
    together = bad.values.all(0) | (pixels & ends)
    if float(together.sum()) < TOGETHER * float(pixels.sum()):
        return bad
    known = ~(pixels | missing)
    filled = first_guess(Mask(known.to(y.dtype)), y * known)
    good = known & ~_lonely(ends & known)  # which may be bad, too
    prediction = predicted(torch.where(known, y, filled), good, ends | pixels)
    span = float(given.max() - given.min())

    def standard_errors(where: Tensor) -> Tensor:
        """Give how far pixels are from what is predicted (N, C), in independent standard errors."""
        rows, columns = where.nonzero().T
        off = (y - prediction.values)[:, rows, columns].mT
        covariance = WIDER * prediction.covariance_at(rows, columns)
        covariance.diagonal(dim1=-2, dim2=-1).add_((FLOOR * span) ** 2)
        factor, _ = torch.linalg.cholesky_ex(covariance)
        independent: Tensor = torch.linalg.solve_triangular(factor, off[..., None], upper=False)
        return independent[..., 0]

    after = pixels.clone()
    single = pixels & ~ends
    after[single] = standard_errors(single).square().sum(1) > CLEAR**2
    most = max(float((pixels & level).float().mean()) for level in (white, black))
    for level, sign in ((ends & white, 1.0), (ends & black, -1.0)):
        rate = max(float((pixels & level).float().mean()), RARER * most)
        # What is predicted beyond the end is cut off there.
        good = _beyond(sign * standard_errors(level)).prod(1)
        thrown = good < rate
        after[level] = thrown if rate >= LEAST else thrown & pixels[level]
    if not bool(after.any()):
        return None
    return replace(bad, values=torch.where(after & pixels & ~ends, bad.values, after))


def _thrown_to(y: Tensor, bad: Tensor) -> tuple[Tensor, Tensor]:
    """Say which pixels (H, W) of y (C, H, W) are at the levels in all colours that most `bad` ones are
    at, above and below the others; or white and black, where they are at none.
    """
    white, black = torch.ones_like(bad), torch.ones_like(bad)
    for colour in y:
        middle = colour[~bad].median()
        thrown = colour[bad]
        white &= colour == _most_often(thrown[thrown > middle], colour.max())
        black &= colour == _most_often(thrown[thrown <= middle], colour.min())
    return white, black


def _most_often(values: Tensor, otherwise: Tensor) -> Tensor:
    """Give the value that comes most often, or `otherwise` where none does again and again."""
    if not len(values):
        return otherwise
    different, counts = torch.unique(values, return_counts=True)
    return different[counts.argmax()] if int(counts.max()) >= FEWEST else otherwise


def _lonely(at: Tensor) -> Tensor:
    """Give the pixels `at` (H, W), bool, that have at most one other beside them."""
    beside = F.avg_pool2d(at[None, None].float(), 3, 1, 1, divisor_override=1)[0, 0]
    return at & (beside < 2.5)


def _beyond(off: Tensor) -> Tensor:
    """Give the chance of being at least so many standard errors above: errors have heavy tails, and
    are taken for Student's t with four degrees of freedom.
    """
    square = off.square() / 4.0 + 1.0
    inside = 0.375 * off / square.sqrt() * (1.0 - off.square() / (12.0 * square))
    return (0.5 - inside).clamp(1e-12, 1.0)
