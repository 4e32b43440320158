"""Find the law of the noise in one picture, from the picture alone."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from chnorm_cli.noise.correlation import correlated_noise
from chnorm_cli.noise.cut_off import find_cut_off
from chnorm_cli.noise.differences import second_difference
from chnorm_cli.noise.gaussian import CLEAN_SIGMA, Noise, estimate_sigma
from chnorm_cli.noise.law import DARK, LIGHT, Law, is_nominal
from chnorm_cli.noise.level import Level
from chnorm_cli.noise.level_fit import fit_level
from chnorm_cli.noise.names import Doubt, Kind
from chnorm_cli.noise.palette import has_palette
from chnorm_cli.noise.points import Points, measure, smoothest
from chnorm_cli.noise.repetition import PLAIN, SCREEN, repeats
from chnorm_cli.noise.sampling import mosaic
from chnorm_cli.noise.silence import Silence, find_silence, flat_areas
from chnorm_cli.noise.stabilized import StabilizedNoise
from chnorm_cli.noise.stabilizer import Stabilizer

# Kurtosis of second differences in the smoothest places. Noise: 2.7 (cut off at black and white) to
# 3.7 (counts). Grass, gravel, bricks, fur, print: 4.8 to 20. Dither: 1.6 to 2.3. (38 pictures.)
LEAST_KURTOSIS, MOST_KURTOSIS = 2.45, 4.3
# Unevenness of the smoothest blocks. Noise: 0.92 to 1.13. Hatching and screens 0.77 to 0.85. Lines
# on a tint 1.35 to 1.5, but noise through JPEG or on fur up to 1.34, with a kurtosis below 3.7.
REPEATS, UNEVEN, LINES_KURTOSIS = 0.87, 1.25, 3.8
MANY_BLOCKS = 200  # fewer say too little of how even they are
NOISY = ((2.5, 3.6), (0.9, 1.2))  # kurtosis and unevenness of what is noise although it is cut off
PARTLY, QUARTER = 3.3, 0.25  # kurtosis of what is noise at a quarter of the brightnesses
AVERAGED = 4  # pixels along a side, in averages of which the range of a picture is looked for
WIDER = 3  # pixels between those that are compared where neighbours share their noise
TOGETHER = 0.6  # correlation of colours from which on they are taken to share their noise
NOISELESS = 0.02  # of the variance of the noise: a mixture of colours with less is kept as it is
SURE = 3.0  # times CLEAN_SIGMA, from which on noise may follow a curve of no kind
# Of more pixels than these, WINDOWS² windows of WINDOW² are looked at: they say the same (measured).
MOST_PIXELS, WINDOW, WINDOWS = 1 << 23, 256, 8
FEW_LEVELS = 2  # values of a picture that is all dots


def find_law(
    y: Tensor,
    *,
    sigma: float | None = None,
    level: Level | None = None,
    kind: Kind = Kind.AUTO,
    missing: Tensor | None = None,
    alone: bool = False,
) -> Law:
    """Find the law of the noise in y (C, H, W).

    `sigma` (units of y) and `level` are believed where they are given; `kind` forces how the level
    follows the brightness. What is `missing` (H, W), bool, was filled and says nothing of the noise;
    with `alone` neither neighbours nor colours are asked whether they share it. A picture of more
    than 8 megapixels is judged by 4 of them, spread over it. Raises `ValueError` for a kind that the
    picture cannot say.
    """
    y = y.detach().float().cpu()
    size = (y.shape[1], y.shape[2])
    if size[0] * size[1] > MOST_PIXELS:
        part = mosaic(lambda window: y[:, *window], size, WINDOW, WINDOWS)
        gone = None
        if missing is not None:
            holes = missing.cpu()
            gone = mosaic(lambda window: holes[None][:, *window], size, WINDOW, WINDOWS)[0]
        law = find_law(part, sigma=sigma, level=level, kind=kind, missing=gone, alone=alone)
        silent = flat_areas(y)
        return replace(law, flat=silent if bool(silent.any()) else None)
    silence = find_silence(y)
    low, high = data_range(y, silence)
    flat = silence.flat if bool(silence.flat.any()) else None
    drawn = silence
    if missing is not None:
        silence = replace(silence, flat=silence.flat | missing.cpu())
    if level is not None:
        return _stabilized(y, level, low, high, flat, alone=alone)
    if sigma is not None:
        return _constant(y, sigma, low, high, flat, silence, alone=alone)
    points = measure(y, silence)
    doubt = _doubt(y, points, drawn) if kind is Kind.AUTO else None
    if doubt in (Doubt.DITHER, Doubt.STROKES):
        # A smooth picture has steps between its levels; who sees nothing in it calls it clean.
        weak = doubt is Doubt.DITHER and points is not None and not points.cut_off
        span = 1.0 if is_nominal(low, high) else high - low
        weak = weak and estimate_sigma(y, silence) < CLEAN_SIGMA * span
        return _nothing(y, low, high, Doubt.CLEAN if weak else doubt)
    if points is not None and not points.cut_off and doubt is None:
        found = fit_level(points, kind)
        if found is not None and (kind is not Kind.AUTO or _sure(found, low, high)):
            law = _stabilized(y, found, low, high, flat, alone=alone)
            if kind is not Kind.AUTO or found.free is None:
                return _if_any(law, kind)
            # Texture bends a curve of no kind; noise that neighbours share is surer.
            constant = _constant(y, None, low, high, flat, silence, alone=alone)
            if constant.noise.kernel is None:
                return _if_any(law, kind)
    law = _constant(y, None, low, high, flat, silence, alone=alone)
    if law.noise.kernel is not None:
        # Next neighbours share nearly all of such noise, and hide how it follows the brightness.
        points = measure(y, silence, WIDER)
        found = None if points is None else fit_level(points, kind)
        # Texture bends what is left between pixels farther apart: no curve is read from that.
        if found is not None and (found.free is None or kind is Kind.FREE):
            again = _stabilized(y, found, low, high, flat)
            law = again if again.noise.kernel is not None else law
    if doubt is Doubt.TEXTURE and law.noise.kernel is None and _visible(law):
        return _nothing(y, low, high, doubt)
    return _if_any(law, kind)


def _sure(level: Level, low: float, high: float) -> bool:
    """Say whether noise of a level is too strong for texture: that of another kind follows any curve."""
    if level.free is None:
        return True
    span = 1.0 if is_nominal(low, high) else high - low
    return float(level.free[1].min()) >= SURE * CLEAN_SIGMA * span


def data_range(y: Tensor, silence: Silence) -> tuple[float, float]:
    """Give the darkest and the brightest true value, robustly: noise and single pixels do not count."""
    speaks = ~silence.flat
    if min(y.shape[1:]) >= 4 * AVERAGED:  # in averages there is less noise
        y = F.avg_pool2d(y, AVERAGED)
        speaks = F.avg_pool2d(silence.flat[None, None].float(), AVERAGED)[0, 0] == 0
    values = (y[:, speaks] if bool(speaks.any()) else y).flatten()
    values = values[:: max(1, len(values) // 4_000_000)]
    low, high = torch.quantile(values, torch.tensor([DARK / 4, 1.0 - (1.0 - LIGHT) / 4])).tolist()
    if high <= low:
        low, high = float(y.min()), float(y.max())
    return low, high if high > low else low + 1.0


def _doubt(y: Tensor, points: Points | None, silence: Silence) -> Doubt | None:
    """Say what speaks against noise, if anything does."""
    if all(_few_levels(colour) for colour in y):
        return Doubt.CLEAN if bool(silence.flat.all()) else Doubt.DITHER
    if has_palette(y) or repeats(y, silence, PLAIN if _like_noise(points) else SCREEN):
        return Doubt.DITHER
    strokes = bool(silence.flat.any()) and min(y.shape[1:]) >= 64
    if points is None:
        return Doubt.STROKES if strokes else None
    kurtosis, unevenness = float(points.kurtosis.median()), float(points.unevenness.median())
    if points.cut_off and strokes and not _like_noise(points):
        return Doubt.STROKES
    many = points.blocks >= MANY_BLOCKS
    if kurtosis < LEAST_KURTOSIS or (many and unevenness < REPEATS):
        return Doubt.DITHER
    lines = kurtosis > LINES_KURTOSIS and unevenness > UNEVEN
    texture = (kurtosis > MOST_KURTOSIS or lines) and not _partly_noise(points)
    return Doubt.TEXTURE if texture else None


def _partly_noise(points: Points) -> bool:
    """Say whether a quarter of the brightnesses has the kurtosis and the evenness of visible noise.

    Texture has it at none (grass, gravel, bricks, fur, half as large or not: 3.7 to 6.4 in the lowest
    quarter); a small noisy picture has it where it is smooth.
    """
    kurtosis, unevenness = points.kurtosis.flatten(), points.unevenness.flatten()
    sigma = points.variance.clamp_min(0.0).sqrt().flatten()
    least, most = NOISY[1]
    alike = (kurtosis > LEAST_KURTOSIS) & (kurtosis < PARTLY) & (sigma > 2.0 * CLEAN_SIGMA)
    alike &= (unevenness > least - 0.15) & (unevenness < most + 0.15)
    return float(alike.float().mean()) >= QUARTER


def _few_levels(colour: Tensor) -> bool:
    """Say whether (H, W) is all dots; most pictures show in a few pixels that they are not."""
    few = colour.flatten()[:: max(1, colour.numel() // 4096)]
    return len(torch.unique(few)) <= FEW_LEVELS and len(torch.unique(colour)) <= FEW_LEVELS


def _like_noise(points: Points | None) -> bool:
    """Say whether the smoothest places have the kurtosis and the evenness of noise."""
    if points is None:
        return False
    values = float(points.kurtosis.median()), float(points.unevenness.median())
    return all(low < v < high for v, (low, high) in zip(values, NOISY, strict=True))


def _nothing(y: Tensor, low: float, high: float, doubt: Doubt) -> Law:
    return Law(Noise(0.0), Level.constant(0.0, len(y)), low, high, doubt=doubt)


def _if_any(law: Law, kind: Kind) -> Law:
    """Say that a picture is clean where there is less noise than 8 bits could show."""
    if kind is Kind.AUTO and not _visible(law):
        return replace(law, doubt=Doubt.CLEAN)
    return law


def _visible(law: Law) -> bool:
    """Say whether 8 bits could show the noise; mixtures of colours have another range than they."""
    return (law.noise.sigma if law.mixing is None else law.sigma) >= CLEAN_SIGMA


def _constant(
    y: Tensor,
    sigma: float | None,
    low: float,
    high: float,
    flat: Tensor | None,
    silence: Silence,
    *,
    alone: bool = False,
) -> Law:
    """Give the law of Gaussian noise that is the same at every brightness."""
    inside, channels = is_nominal(low, high), len(y)
    span = 1.0 if inside else high - low
    shared = None if alone else correlated_noise(y / span)
    if sigma is None:
        sigma = estimate_sigma(y, silence) if shared is None else shared[0] * span
    kernel = None if shared is None else shared[1]
    level = Level.constant(sigma, channels)
    if inside or sigma <= 0:
        cut_off = None if kernel is not None else find_cut_off(y, level.read, silence)
        law = Law(Noise(sigma, kernel), level, low, high, flat=flat, cut_off=cut_off)
    else:  # judged in the range of the data
        stabilizer = Stabilizer(level, low, high)
        law = Law(Noise(stabilizer.sigma, kernel), level, low, high, stabilizer, flat=flat)
    return law if alone or kernel is not None else _apart(law, y, silence)


def _stabilized(
    y: Tensor, level: Level, low: float, high: float, flat: Tensor | None, *, alone: bool = False
) -> Law:
    """Give the law of noise that follows the brightness, and perhaps is shared by neighbours."""
    stabilizer = Stabilizer(level, low, high)
    shared = None if alone else correlated_noise(stabilizer.forward(y))
    if shared is None:
        noise = StabilizedNoise(stabilizer.sigma, None, stabilizer)
        return Law(noise, level, low, high, stabilizer, flat=flat)
    # Second differences see only what neighbours do not share: the noise is this much stronger.
    stronger = shared[0] / stabilizer.sigma
    noise = StabilizedNoise(shared[0], shared[1], stabilizer)
    return Law(noise, level.stronger(stronger), low, high, stabilizer, flat=flat)


def _apart(law: Law, y: Tensor, silence: Silence) -> Law:
    """Take apart noise that all colours share, as the grain of a film does in a colour scan."""
    if len(y) == 1 or law.noise.sigma < 2.0 * CLEAN_SIGMA:
        return law
    z = law.whitened(y)
    chosen = smoothest(z, silence)
    if chosen is None:
        return law
    residual = second_difference(z)[:, chosen]
    covariance = residual @ residual.mT / residual.shape[1]
    scale = covariance.diagonal().clamp_min(1e-12).sqrt()
    correlation = covariance / scale / scale[:, None]
    if float(correlation[~torch.eye(len(y), dtype=torch.bool)].min()) < TOGETHER:
        return law
    values, vectors = torch.linalg.eigh(covariance.double())
    noisy = values > NOISELESS * values.max()
    mixing = vectors[:, noisy].mT / values[noisy].sqrt()[:, None]
    sigma = 1.0 / float(mixing.abs().sum(1).max())  # z lies in [0, 1], or as far around 0
    return replace(law, mixing=(sigma * mixing).float(), noise=Noise(sigma))
