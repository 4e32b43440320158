"""Banding: offsets of rows and of columns, y = x + o(row) + o(column), found and taken out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from chnorm_cli.noise.law import is_nominal
from chnorm_cli.noise.palette import has_palette
from chnorm_cli.noise.row_evidence import RowEvidence, row_evidence
from chnorm_cli.noise.row_offsets import row_offsets
from chnorm_cli.noise.silence import clipped_values, flat_areas

LEAST_SIDE = 48  # pixels: less says too little of what lasts
MOST_FLAT = 0.3  # of the picture: in drawings lines are what they are
# Of 120 clean pictures, dither apart, none comes near all of these; of offsets of σ 6 and more on
# noise of σ 8 in 128² pixels all do (correlation −0.42 to −0.55, repeating up to 0.3).
ALTERNATING = -0.25
REPEATING = 0.4
COMMON = 0.5
EVEN = (0.6, 1.4)
SPREAD = 0.35
LEAST = 1.0 / 255  # of the range; less is not seen
NEARLY = (-0.2, 0.4)  # correlation and common part, from which on it is worth looking closer
ALIKE = 0.85  # correlation of the steps of colours, from which on they share their offsets
GRAY_STEPS, TINT_STEPS = (
    2.5,
    1.5,
)  # of gray, and of what is left of the colours, in units of those of one
WIDTH, WIDTHS = 128, 16  # columns side by side, and groups of them, that say enough of rows
BESIDE = 5  # pixels along a side, in which what black or white hide is looked for


@dataclass(frozen=True)
class Banding:
    """The offsets of rows (C, H) and of columns (C, W), in units of the picture; None: there are none."""

    rows: Tensor | None = None
    columns: Tensor | None = None

    def offsets(self) -> Tensor:
        """Give what was added to each value, (C, H, W) or what broadcasts to it."""
        whole = torch.zeros(1, 1, 1)
        if self.rows is not None:
            whole = whole + self.rows[..., None]
        if self.columns is not None:
            whole = whole + self.columns[:, None]
        return whole

    @property
    def sigmas(self) -> tuple[float, float]:
        """The standard deviation of the offsets of rows and of columns; 0 where there are none."""
        rows, columns = (
            0.0 if o is None else float(o.square().mean().sqrt()) for o in (self.rows, self.columns)
        )
        return rows, columns

    def sentence(self) -> str:
        """Say how strong it is, for people, on the scale on which white is 255."""
        parts = [
            f"offsets of {word} (σ {255 * sigma:.1f} of 255)"
            for word, sigma in zip(("rows", "columns"), self.sigmas, strict=True)
            if sigma
        ]
        return " and ".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """Give plain values for the JSON report, on the scale on which white is 255."""
        rows, columns = self.sigmas
        return {
            "sentence": self.sentence(),
            "sigma_rows": float(f"{255 * rows:.6g}"),
            "sigma_columns": float(f"{255 * columns:.6g}"),
        }

    def removed_from(self, y: Tensor) -> Tensor:
        """Take the offsets out of y (C, H, W); what black and white cut off is taken from beside it.

        Flat areas were made after the offsets, and stay.
        """
        offsets = self.offsets().to(y).expand_as(y)
        x = y - offsets
        cut = clipped_values(y).to(y.device)
        for c in range(len(x)):  # one by one, so that a large picture takes less memory
            if bool(cut[c].any()):
                x[c] = _uncut(y[c : c + 1], x[c : c + 1], cut[c : c + 1])[0]
        flat = flat_areas(y.cpu()).to(y.device)
        return torch.where(flat, y, x)


def find_banding(y: Tensor, missing: Tensor | None = None) -> Banding | None:
    """Find the offsets in a picture (C, H, W) where `missing` (C, H, W), bool, is false; or None."""
    y = y.detach().float().cpu()
    if min(y.shape[1:]) < LEAST_SIDE:
        return None
    flat = flat_areas(y)
    if float(flat.float().mean()) > MOST_FLAT:
        return None
    span = max(1e-12, _range(y))
    gone = None if missing is None else missing.expand_as(y).cpu()
    silent = flat.expand_as(y)
    if max(y.shape[1:]) <= WIDTH * WIDTHS:  # of larger pictures, what is cut off is found in parts
        silent = silent | clipped_values(y)
    if gone is not None:
        silent = silent | gone
    rows = _found(y, silent, span)
    columns = _found(y.mT, silent.mT, span)
    if (rows is None and columns is None) or has_palette(y):
        return None
    return Banding(rows, columns)


def _range(y: Tensor) -> float:
    """Give the range of y; pictures in [0, 1] are judged in that."""
    low, high = float(y.min()), float(y.max())
    return 1.0 if is_nominal(low, high) else high - low


def _found(y: Tensor, silent: Tensor, span: float) -> Tensor | None:
    """Find the offsets (C, H) of the rows of (C, H, W), in a part of its columns if they are many."""
    large = max(y.shape[1:]) > WIDTH * WIDTHS
    y, speaks = _some_columns(y), ~_some_columns(silent)
    if large:
        speaks &= ~clipped_values(y)
    gray = row_evidence(y.mean(0), speaks.all(0))
    if gray is None or not _is_near(gray, span):
        return None
    each = [row_evidence(colour, says) for colour, says in zip(y, speaks, strict=True)]
    if not any(_is_banding(evidence, span) for evidence in (gray, *each)):
        return None
    if len(y) == 1 or _alike(y, speaks):
        one = row_offsets(y, speaks, max(gray.sigma, LEAST * span), span)
        return one.expand(len(y), -1).contiguous()
    levels = [e.sigma for e in each if e is not None and _is_near(e, span)]
    sigma = sum(level**2 for level in levels) ** 0.5 / len(each) ** 0.5
    return _in_each_colour(y, speaks.all(0, keepdim=True), max(sigma, LEAST * span), span)


def _some_columns(x: Tensor) -> Tensor:
    """Give WIDTHS groups of WIDTH columns of (…, W), spread over it, or all."""
    width = x.shape[-1]
    if width <= WIDTH * WIDTHS:
        return x.contiguous()
    starts = torch.linspace(0, width - WIDTH, WIDTHS).round().long()
    return x[..., (starts[:, None] + torch.arange(WIDTH)).flatten()]


def _in_each_colour(y: Tensor, speaks: Tensor, sigma: float, span: float) -> Tensor:
    """Find the offsets (C, H) of the rows of (C, H, W) that are independent in the colours.

    They are so in mixtures of colours, in most of which the picture itself hardly changes.
    """
    number = torch.arange(len(y))
    basis = torch.cos(torch.pi / len(y) * number[:, None] * (number + 0.5))
    basis = basis / basis.norm(dim=1, keepdim=True)
    z = torch.einsum("ij,jhw->ihw", basis, y)
    found = [
        row_offsets(z[i : i + 1], speaks, sigma, span, GRAY_STEPS if i == 0 else TINT_STEPS)
        for i in range(len(z))
    ]
    return torch.einsum("ij,ih->jh", basis, torch.stack(found))


def _is_banding(evidence: RowEvidence | None, span: float) -> bool:
    """Say whether steps between rows are those of offsets."""
    return (
        evidence is not None
        and evidence.sigma >= LEAST * span
        and evidence.alternating <= ALTERNATING
        and evidence.repeating <= REPEATING
        and evidence.common >= COMMON
        and evidence.even[0] >= EVEN[0]
        and evidence.even[1] <= EVEN[1]
        and evidence.spread >= SPREAD
    )


def _is_near(evidence: RowEvidence, span: float) -> bool:
    """Say whether steps may be those of offsets: in all colours together, or in one beside others."""
    alternating, common = NEARLY
    return (
        evidence.alternating <= alternating
        and evidence.common >= common
        and evidence.sigma >= LEAST / 2 * span
    )


def _alike(y: Tensor, speaks: Tensor) -> bool:
    """Say whether the rows of all colours (C, H, W) have the same offsets."""
    both = speaks[:, 1:] & speaks[:, :-1]
    steps = torch.where(both, y[:, 1:] - y[:, :-1], torch.nan).nanmedian(2).values.nan_to_num()
    limit = 4.0 * 1.4826 * steps.abs().median()
    return float(torch.corrcoef(steps.clamp(-limit, limit)).min()) >= ALIKE


def _uncut(y: Tensor, x: Tensor, cut: Tensor) -> Tensor:
    """Say what x = y − offset is where it was cut off at black or white, by what lies beside it.

    At white it lies between y − offset and white where the offset is above 0, else it is white.
    """
    middle = (y.amax((1, 2), keepdim=True) + y.amin((1, 2), keepdim=True)) / 2.0
    known = (~cut).to(y)
    # What is cut off although its row was moved the other way is beyond the end: it is at the end.
    beyond = cut & ((x - y).sign() == (y - middle).sign())
    known = torch.maximum(known, beyond.to(y))
    kept = torch.where(beyond, y, x)
    pad = BESIDE // 2
    share = F.avg_pool2d(known[None], BESIDE, 1, pad)[0]
    beside = F.avg_pool2d((known * kept)[None], BESIDE, 1, pad)[0] / share.clamp_min(1e-6)
    low, high = torch.minimum(x, y), torch.maximum(x, y)
    guess = torch.where(share > 0, torch.minimum(torch.maximum(beside, low), high), y)
    return torch.where(cut & ~beyond, guess, kept)
