"""The level of noise, fitted to what was measured at many brightnesses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import nnls

from chnorm_cli.noise.level import Level
from chnorm_cli.noise.names import Kind
from chnorm_cli.noise.points import Points

ROUNDS = 8  # of reweighing
SCATTER = 0.1  # of the logarithm of a measured variance, about
STRAIGHT = 0.18  # of the same: what deviates more from every law is texture
GROWTH = 1.4  # times the variance from dark to bright, less cannot be told from texture
FITTER = 1.5  # times the misfit of speckle, up to which counts are believed
BETTER = 2.0  # times the misfit of a simpler law
SAME = 0.25  # of the variance, by which colours may differ and have one law

Curve = NDArray[np.float64]


@dataclass(frozen=True)
class Candidate:
    """Variance b + a (x − black) + c (x − black)² with its misfit, a mean of robust squares."""

    b: float
    a: float
    c: float
    black: float
    misfit: float

    def at(self, x: Curve) -> Curve:
        """Give the variance at brightness x."""
        light = np.maximum(x - self.black, 0.0)
        values: Curve = self.b + self.a * light + self.c * light**2
        return values


def fit_level(points: Points, kind: Kind = Kind.AUTO) -> Level | None:
    """Fit the level to measured points, of the `kind` that is asked for or that they show.

    None where they show the same noise at every brightness, or nothing regular. Texture only adds
    to a measured variance, so points above the curve count less than those below.
    """
    # In units of the noise, so that neither fluxes of 1e-6 nor counts of 1e6 meet a floor.
    unit = max(float(points.variance.double().median()) ** 0.5, 1e-30)
    x = points.brightness.double().numpy() / unit
    v = (points.variance.double() / unit**2).clamp_min(1e-12).numpy()
    channels = len(x)
    shown = _choose(x.ravel(), v.ravel(), kind)
    if shown is None and channels > 1:  # colours may be amplified differently, and grow alike
        shown = _choose(x.ravel(), (v / np.median(v, 1, keepdims=True)).ravel(), kind)
    if shown is None:
        return None
    kind, whole = shown
    each = [whole] * channels
    shares = [np.median(v[c] / np.maximum(whole.at(x[c]), 1e-12)) for c in range(channels)]
    if channels > 1 and max(shares) > (1.0 + SAME) * min(shares):
        each = [_fit(x[c], v[c], kind) for c in range(channels)]
    columns = [[f.b**0.5, f.a, f.c**0.5, f.black] for f in each]
    read, gain, speckle, black = torch.tensor(columns, dtype=torch.float32).T
    return Level(read, gain, speckle, black).scaled(unit, 0.0)


def _choose(x: Curve, v: Curve, kind: Kind) -> tuple[Kind, Candidate] | None:
    if kind is Kind.GAUSSIAN:
        return None
    if kind is not Kind.AUTO:
        return kind, _fit(x, v, kind)
    constant = _fit(x, v, Kind.GAUSSIAN)
    counts, speckle = (_fit(x, v, k) for k in (Kind.POISSON_GAUSSIAN, Kind.SPECKLE))
    # Photons are counted in far more pictures than speckle is seen in; but with a black level of
    # its own a line comes near a parabola.
    best = (Kind.POISSON_GAUSSIAN, counts)
    favour = 0.2 if counts.black == 0 else 0.0
    if counts.misfit > (FITTER if favour else 1.2) * speckle.misfit + favour:
        best = (Kind.SPECKLE, speckle)
    ends = best[1].at(np.quantile(x, [0.05, 0.95]))
    regular = best[1].misfit < (STRAIGHT / SCATTER) ** 2
    grows = ends[1] > GROWTH * max(ends[0], 1e-12)
    if not (regular and grows and constant.misfit > BETTER * best[1].misfit + 0.5):
        return None
    return best


def _fit(x: Curve, v: Curve, kind: Kind) -> Candidate:
    """Fit one kind; counts may begin at a black level."""
    blacks = [0.0]
    if kind in (Kind.POISSON_GAUSSIAN, Kind.POISSON):
        least = float(x.min())
        blacks += list(np.linspace(0.0, least, 9)[1:]) if least > 0 else [least]
    return min((_fit_from(x, v, kind, black) for black in blacks), key=_cost)


def _cost(candidate: Candidate) -> float:
    # A black level is one number more: it must be worth something.
    return candidate.misfit * (1.0 if candidate.black == 0 else 1.1) + 0.02 * (candidate.black != 0)


def _fit_from(x: Curve, v: Curve, kind: Kind, black: float) -> Candidate:
    light = np.maximum(x - black, 0.0)
    terms = {
        Kind.GAUSSIAN: [1, 0, 0],
        Kind.POISSON: [0, 1, 0],
        Kind.POISSON_GAUSSIAN: [1, 1, 0],
        Kind.SPECKLE: [1, 0, 1],
        Kind.MIXED: [1, 1, 1],
    }[kind]
    columns = np.stack([np.ones_like(x), light, light**2], 1) * terms
    model = np.full_like(v, np.median(v))
    weights = np.ones_like(v)
    found = np.zeros(3)
    for _ in range(ROUNDS):
        scale = np.sqrt(weights) / np.maximum(model, 1e-12)
        found, _ = nnls(columns * scale[:, None], v * scale)
        model = np.maximum(columns @ found, 1e-3 * np.median(v) + 1e-12)
        off = np.log(v / np.maximum(model, 1e-15)) / SCATTER
        weights = np.where(off > 0, 1.0 / (1.0 + off**2), 1.0 / (1.0 + 0.1 * off**2))
    # Geman–McClure above the curve, so that one textured class is one fault and not ten.
    faults = np.where(off > 0, 4.0 * off**2 / (4.0 + off**2), np.minimum(off**2, 25.0))
    b, a, c = map(float, found)
    return Candidate(b, a, c, black, float(faults.mean()))
