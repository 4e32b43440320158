"""A picture that was a JPEG once: its grid of blocks and its steps, found in the pixels."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from chnorm_cli.problems.compression import (
    SIDE,
    Colours,
    Compression,
    Plane,
    dct,
    standard_table,
)
from chnorm_cli.problems.jpeg import Jpeg

LOOKED_AT = 384  # pixels along a side of the middle of a picture
QUALITIES = range(5, 96)  # of finer steps there is no telling, and nothing to mend
ROUNDED = 0.5  # of a coefficient, by the rounding of samples and pixels
SILENT = 1.5  # smaller coefficients are near a multiple of anything
WORST = -3.0  # log-likelihood of a coefficient that fits no multiple: clipped samples do that
LOWEST, HIGHEST = 1, 7  # frequencies u + v that tell
FEWEST = 150  # coefficients that speak
SURE = 0.35  # mean log-likelihood against any value; pictures that were no JPEGs lie below 0
CHROMA_SURE = (
    -2.0
)  # the same for chroma, once luma is sure: clipped colours spoil it; what is wrong lies below −2.4
INTERPOLATIONS = 12  # each halves what is left of the error of undoing an interpolation


def recognise(y: Tensor, quality: int | None = None) -> Jpeg | None:
    """Find the JPEG that y (C, H, W) in 8 bits was once, also where it has been cropped since.

    The steps are those of a quality on libjpeg's scale. None where there is none, or the picture has
    changed since by more than rounding; if a `quality` is told, it is believed.
    """
    channels, height, width = y.shape
    if channels not in (1, 3) or min(height, width) < 6 * SIDE:
        return None
    colours = Colours.AS_THEY_ARE if channels == 1 else Colours.LUMA_AND_CHROMA
    whole = Compression((Plane(torch.ones(SIDE, SIDE)),) * channels, colours)
    planes = [z[:height, :width] for z in whole.samples(y.detach().float().cpu())]
    top, left = ((n - min(n, LOOKED_AT)) // 2 // 16 * 16 for n in (height, width))
    seen = [z[top : top + LOOKED_AT, left : left + LOOKED_AT] for z in planes]
    corner = _grid(seen[0])
    found, sure = _quality(_blocks_at(seen[0], corner), quality, chroma=False)
    if sure < SURE and quality is None:
        return None
    luma = Plane(standard_table(found, chroma=False))
    if channels == 1:
        return _read([planes[0]], Compression((luma,), colours, corner), quality is not None)
    return _with_chroma(planes, seen, corner, luma, quality or found, told=quality is not None)


def _with_chroma(
    planes: list[Tensor],
    seen: list[Tensor],
    corner: tuple[int, int],
    luma: Plane,
    quality: int,
    *,
    told: bool,
) -> Jpeg:
    """Find how chroma is kept, and read all planes; nothing is known of chroma that fits nothing."""
    table = standard_table(quality, chroma=True)
    best, kept, where = CHROMA_SURE, None, corner
    candidates = [((1, 1), corner)]
    if all(n % 2 == 0 for n in corner):
        candidates += [
            ((2, 2), (corner[0] + down, corner[1] + right)) for down in (0, 8) for right in (0, 8)
        ]
    for pixels, place in candidates:
        chroma = [_apart(z) if pixels == (2, 2) else z for z in seen[1:]]
        at = (place[0] // pixels[0], place[1] // pixels[1])
        blocks = torch.cat([_blocks_at(z, at) for z in chroma])
        sure, speaking = _likelihood(blocks, table)
        if speaking >= FEWEST / 5 and sure > best:
            best, kept, where = sure, pixels, place
    plane = Plane(table, kept or (2, 2))
    compression = Compression((luma, plane, plane), Colours.LUMA_AND_CHROMA, where)
    if kept != (1, 1):
        planes = [planes[0], *(_apart(z) for z in planes[1:])]
    jpeg = _read(planes, compression, told)
    if kept is None and jpeg.told is not None:
        nothing = [torch.zeros_like(t) for t in jpeg.told[1:]]
        jpeg = replace(jpeg, told=(jpeg.told[0], *nothing))
    return jpeg


def _read(planes: list[Tensor], compression: Compression, believed: bool) -> Jpeg:
    """Read the numbers of steps from planes around 0; those of cut blocks are not told."""
    jpeg = Jpeg.read(compression, [z + 128.0 for z in planes])
    assert jpeg.told is not None
    told = []
    for fits, z, plane in zip(jpeg.told, planes, compression.planes, strict=True):
        known = torch.ones_like(fits) if believed else fits.clone()
        for axis in (0, 1):
            margin = compression.margin(plane)[axis] % SIDE
            ends = torch.movedim(known, axis, 0)
            if margin:
                ends[0] = False
            if (z.shape[axis] + compression.margin(plane)[axis]) % SIDE:
                ends[-1] = False
            if compression.margin(plane)[axis] >= SIDE:
                ends[0] = False  # a whole block of luma that its chroma reaches beyond
        told.append(known)
    return replace(jpeg, told=tuple(told))


def _grid(z: Tensor) -> tuple[int, int]:
    """Give the pixels (down, right) of the first block that lie beyond the picture (h, w).

    Across the border of two blocks neighbours differ more than inside, whatever the picture.
    """
    return _border(z), _border(z.mT)


def _border(z: Tensor) -> int:
    """Give the rows of the first block above (h, w)."""
    bend = (z[3:] - 3.0 * z[2:-1] + 3.0 * z[1:-2] - z[:-3]).abs().clamp_max(30.0).mean(1)
    # The bend i lies between the rows i + 1 and i + 2.
    sums = [float(bend[k::SIDE].mean()) for k in range(SIDE)]
    first = (max(range(SIDE), key=sums.__getitem__) + 2) % SIDE
    return -first % SIDE


def _blocks_at(z: Tensor, corner: tuple[int, int]) -> Tensor:
    """Give the coefficients (n, 8, 8) of the whole blocks in (h, w)."""
    top, left = (-n % SIDE for n in corner)
    rows, columns = ((n - at) // SIDE * SIDE for n, at in zip(z.shape, (top, left), strict=True))
    if min(rows, columns) <= 0:
        return z.new_zeros(0, SIDE, SIDE)
    return dct(z[top : top + rows, left : left + columns]).flatten(0, 1)


def _quality(blocks: Tensor, quality: int | None, *, chroma: bool) -> tuple[int, float]:
    """Give the quality whose steps blocks (n, 8, 8) fit best, and how sure that is."""
    tried = QUALITIES if quality is None else [quality]
    found, sure = tried[0], WORST
    total = -torch.inf
    for candidate in tried:
        mean, speaking = _likelihood(blocks, standard_table(candidate, chroma=chroma))
        if speaking >= FEWEST and mean * speaking > total:
            found, sure, total = candidate, mean, mean * speaking
    return found, sure


def _likelihood(blocks: Tensor, table: Tensor) -> tuple[float, int]:
    """Give the mean log-likelihood of multiples of a table against any value, and of how many."""
    u = torch.arange(SIDE)
    band = u + u[:, None]
    low = (band >= LOWEST) & (band <= HIGHEST)
    values, steps = blocks[:, low], table[low].to(blocks)
    loud = values.abs() > SILENT
    off = values - steps * (values / steps).round()
    gain = (
        steps.log() - off.square() / (2 * ROUNDED**2) - math.log(ROUNDED * math.sqrt(2 * math.pi))
    )
    gain = gain.clamp_min(WORST)[loud]
    return (float(gain.mean()) if len(gain) else WORST), len(gain)


def _apart(z: Tensor) -> Tensor:
    """Undo the interpolation of (h, w) to twice as many samples along each axis."""
    for _ in range(2):
        line = torch.cat([z, z[-1:]]) if len(z) % 2 else z
        mean = (line[::2] + line[1::2]) / 2
        found = mean.clone()
        for _ in range(INTERPOLATIONS):
            padded = F.pad(found.mT[None], (1, 1), mode="replicate")[0].mT
            found = found + mean - (6 * found + padded[:-2] + padded[2:]) / 8
        z = found.mT
    return z
