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
FALLS = 2.2  # times the variance of the light that a tone curve makes of that of the dark; texture comes to 2
STEEP = 10.0  # a tone curve is that much steeper in the dark than in the light
KNOTS = 17  # of such a curve
FEWEST = 6  # classes of brightness that can show one
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


@dataclass(frozen=True)
class Curved:
    """A variance of no kind: log v is a cubic in log(1 + STEEP t), t from 0 to 1 between `ends`."""

    terms: tuple[float, ...]
    ends: tuple[float, float]
    misfit: float

    def at(self, x: Curve) -> Curve:
        """Give the variance at brightness x, beyond the ends as there."""
        values: Curve = np.exp(_bent(x, self.ends) @ np.array(self.terms))
        return values


Fit = Candidate | Curved


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
    bends = x.shape[1] >= FEWEST
    shown = _choose(x.ravel(), v.ravel(), kind, bends)
    if channels > 1 and (shown is None or shown[0] is Kind.FREE):
        # Colours may be amplified differently, and grow alike.
        alike = (v / np.median(v, 1, keepdims=True)).ravel()
        shown = _choose(x.ravel(), alike, kind, bends) or shown
    if shown is None:
        return None
    kind, whole = shown
    each = [whole] * channels
    shares = [np.median(v[c] / np.maximum(whole.at(x[c]), 1e-12)) for c in range(channels)]
    if channels > 1 and max(shares) > (1.0 + SAME) * min(shares):
        each = [_fit(x[c], v[c], kind) for c in range(channels)]
    return _level_of(each, x).scaled(unit, 0.0)


def _level_of(each: list[Fit], x: Curve) -> Level:
    """Give the level of the colours whose fits these are; x (C, K) is where they were measured."""
    if any(isinstance(fit, Curved) for fit in each):
        least, most = x.min(1), x.max(1)
        knots = np.linspace(
            least, np.maximum(most, least + 1e-3 * (1.0 + abs(least))), KNOTS, axis=1
        )
        sigma = np.stack([fit.at(k) for fit, k in zip(each, knots, strict=True)]) ** 0.5
        return Level.of_curve(torch.from_numpy(knots).float(), torch.from_numpy(sigma).float())
    columns = [[f.b**0.5, f.a, f.c**0.5, f.black] for f in each if isinstance(f, Candidate)]
    read, gain, speckle, black = torch.tensor(columns, dtype=torch.float32).T
    return Level(read, gain, speckle, black)


def _choose(x: Curve, v: Curve, kind: Kind, bends: bool) -> tuple[Kind, Fit] | None:
    if kind is Kind.GAUSSIAN:
        return None
    if kind is not Kind.AUTO:
        return kind, _fit(x, v, kind)
    constant = _fit_formula(x, v, Kind.GAUSSIAN)
    counts, speckle = (_fit_formula(x, v, k) for k in (Kind.POISSON_GAUSSIAN, Kind.SPECKLE))
    # Photons are counted in far more pictures than speckle is seen in; but with a black level of
    # its own a line comes near a parabola.
    best = (Kind.POISSON_GAUSSIAN, counts)
    favour = 0.2 if counts.black == 0 else 0.0
    if counts.misfit > (FITTER if favour else 1.2) * speckle.misfit + favour:
        best = (Kind.SPECKLE, speckle)
    ends = best[1].at(np.quantile(x, [0.05, 0.95]))
    regular = best[1].misfit < (STRAIGHT / SCATTER) ** 2
    grows = ends[1] > GROWTH * max(ends[0], 1e-12)
    if regular and grows and constant.misfit > BETTER * best[1].misfit + 0.5:
        return best
    if not bends:
        return None
    free = _fit_curve(x, v)
    values = free.at(np.quantile(x, np.linspace(0.05, 0.95, 19)))
    regular = free.misfit < (STRAIGHT / SCATTER) ** 2
    falls = values[0] > max(FALLS * values.min(), 0.8 * values.max())
    if regular and falls and constant.misfit > BETTER * free.misfit + 0.5:
        return Kind.FREE, free
    return None


def _fit(x: Curve, v: Curve, kind: Kind) -> Fit:
    return _fit_curve(x, v) if kind is Kind.FREE else _fit_formula(x, v, kind)


def _fit_formula(x: Curve, v: Curve, kind: Kind) -> Candidate:
    """Fit one kind; counts may begin at a black level."""
    blacks = [0.0]
    if kind in (Kind.POISSON_GAUSSIAN, Kind.POISSON):
        least = float(x.min())
        blacks += list(np.linspace(0.0, least, 9)[1:]) if least > 0 else [least]
    return min((_fit_from(x, v, kind, black) for black in blacks), key=_cost)


def _fit_curve(x: Curve, v: Curve) -> Curved:
    """Fit a smooth curve of no kind, which tone curves make of any law."""
    ends = float(x.min()), float(x.max())
    bent, logs = _bent(x, ends), np.log(v)
    weights = np.ones_like(v)
    for _ in range(ROUNDS):
        scale = np.sqrt(weights)
        terms, *_ = np.linalg.lstsq(bent * scale[:, None], logs * scale, rcond=None)
        off = (logs - bent @ terms) / SCATTER
        weights = _trust(off)
    return Curved(tuple(map(float, terms)), ends, _misfit(off))


def _bent(x: Curve, ends: tuple[float, float]) -> Curve:
    """Give the terms (…, 4) of the curve at x."""
    t = np.clip((x - ends[0]) / max(ends[1] - ends[0], 1e-12), 0.0, 1.0)
    u = np.log1p(STEEP * t)
    return np.stack([np.ones_like(u), u, u**2, u**3], -1)


def _trust(off: Curve) -> Curve:
    """Give the weights of points by how far they are off: texture lies above the curve."""
    return np.where(off > 0, 1.0 / (1.0 + off**2), 1.0 / (1.0 + 0.1 * off**2))


def _misfit(off: Curve) -> float:
    """Give the mean robust square; Geman–McClure above, so that a textured class is one fault, not ten."""
    faults = np.where(off > 0, 4.0 * off**2 / (4.0 + off**2), np.minimum(off**2, 25.0))
    return float(faults.mean())


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
        weights = _trust(off)
    b, a, c = map(float, found)
    return Candidate(b, a, c, black, _misfit(off))
