"""What a JPEG encoder does to a picture: colours mixed, chroma averaged, blocks transformed, steps counted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

import torch
import torch.nn.functional as F
from torch import Tensor

SIDE = 8  # samples of a block
WHITE = 255.0
REACH = 16  # pixels after which the grid of blocks comes again, also where chroma is halved
# The luma steps of quality 50 (ITU-T T.81, table K.1), from which libjpeg scales.
LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)


# The same for chroma (table K.2).
CHROMA = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)


def standard_table(quality: int, *, chroma: bool) -> Tensor:
    """Give the steps (8, 8) of a quality from 1 to 100 on the scale of libjpeg."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    usual = torch.tensor(CHROMA if chroma else LUMA)
    return ((usual * scale + 50) // 100).clamp(1, 255).float()


class Colours(Enum):
    """How the planes of a file are made of the picture's colours (JFIF: ITU-R BT.601, full range)."""

    LUMA_AND_CHROMA = (
        (0.299, 0.587, 0.114),
        (-0.168735892, -0.331264108, 0.5),
        (0.5, -0.418687589, -0.081312411),
    )
    AS_THEY_ARE = ()  # gray, or RGB that no encoder mixed

    def matrix(self, channels: int) -> Tensor:
        """Give the (C, C) matrix from the picture's colours to the planes, float64."""
        if self is Colours.AS_THEY_ARE:
            return torch.eye(channels, dtype=torch.float64)
        return torch.tensor(self.value, dtype=torch.float64)


@dataclass(frozen=True)
class Plane:
    """How one plane is kept: quantisation steps (8, 8), 0–255 scale, vertical frequency first.

    `pixels` (down, right) of the picture are averaged for one sample.
    """

    table: Tensor
    pixels: tuple[int, int] = (1, 1)


@dataclass(frozen=True)
class Compression:
    """What a JPEG encoder does to a picture (C, H, W) with nominal range [0, 1].

    `corner` says how many pixels of the first block lie above and left of the picture, as after
    cropping. `turned` says how the stored picture must be turned to be upright, as an EXIF
    orientation does (1 to 8).
    """

    planes: tuple[Plane, ...]
    colours: Colours = Colours.LUMA_AND_CHROMA
    corner: tuple[int, int] = (0, 0)
    turned: int = 1

    def samples(self, x: Tensor) -> list[Tensor]:
        """Give the planes (h, w) of x (C, H, W), 0–255 scale, 0 in the middle, whole blocks."""
        mixed = WHITE * self._mixed(stored(x, self.turned))
        return [
            self.padded(_averaged(z, plane), index)
            for index, (z, plane) in enumerate(zip(mixed, self.planes, strict=True))
        ]

    def coefficients(self, x: Tensor) -> list[Tensor]:
        """Give the DCT coefficients (rows, columns, 8, 8) of each plane in units of its steps."""
        return [
            dct(samples) / plane.table.to(samples)
            for samples, plane in zip(self.samples(x), self.planes, strict=True)
        ]

    def forward(self, x: Tensor) -> Tensor:
        """Compress x (C, H, W) and decode it, without clipping and rounding pixels."""
        numbers = [c.round() for c in self.coefficients(x)]
        return self.decoded(numbers, (x.shape[-2], x.shape[-1]))

    def decoded(self, numbers: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Give the picture (C, H, W) of coefficients (rows, columns, 8, 8) in units of steps."""
        height, width = size if self.turned < 5 else size[::-1]
        planes = []
        for steps, plane in zip(numbers, self.planes, strict=True):
            z = undone_dct(steps * plane.table.to(steps))
            top, left = self.margin(plane)
            rows, columns = (
                math.ceil(n / p) for n, p in zip((height, width), plane.pixels, strict=True)
            )
            planes.append(
                _enlarged(z[top : top + rows, left : left + columns], plane)[:height, :width]
            )
        return upright(self._unmixed(torch.stack(planes)) / WHITE, self.turned)

    def moved(self, down: int, right: int) -> Compression:
        """Give the same with the grid of blocks moved by so many pixels."""
        corner = ((self.corner[0] + down) % REACH, (self.corner[1] + right) % REACH)
        return replace(self, corner=corner)

    def whole_blocks(
        self, window: tuple[slice, slice], size: tuple[int, int]
    ) -> tuple[slice, slice]:
        """Give what of a window of a stored picture (H, W) consists of whole blocks, in all planes.

        Blocks at the border of the picture count as whole.
        """

        def inner(part: slice, axis: int) -> slice:
            step = SIDE * max(plane.pixels[axis] for plane in self.planes)
            first, corner = part.start, self.corner[axis]
            if first:
                first += -(first + corner) % step
            last = part.stop
            if last < size[axis]:
                last -= (last + corner) % step
            return slice(first, max(first, last))

        return inner(window[0], 0), inner(window[1], 1)

    @property
    def quality(self) -> int:
        """The quality, 1 to 100, whose luma steps are most like these on the scale of libjpeg."""
        steps = self.planes[0].table.double().cpu().clamp_min(1.0).log()

        def unlike(quality: int) -> float:
            usual = standard_table(quality, chroma=False).double().log()
            return float((usual - steps).square().sum())

        return min(range(1, 101), key=unlike)

    @property
    def subsampling(self) -> str:
        """How many pixels share a sample of chroma, in the words of encoders; "" for gray."""
        if len(self.planes) == 1:
            return ""
        down, right = (max(p.pixels[axis] for p in self.planes) for axis in (0, 1))
        named = {
            (1, 1): "4:4:4",
            (1, 2): "4:2:2",
            (2, 2): "4:2:0",
            (2, 1): "4:4:0",
            (1, 4): "4:1:1",
        }
        return named.get((down, right), f"chroma {right}×{down}")

    def sentence(self) -> str:
        """Say what it is."""
        chroma = f", {self.subsampling}" if self.subsampling else ""
        return f"a JPEG of about quality {self.quality}{chroma}"

    def _mixed(self, x: Tensor) -> Tensor:
        z = torch.einsum("ij,jhw->ihw", self.colours.matrix(len(x)).to(x), x)
        return z - self._middle(z)

    def _unmixed(self, z: Tensor) -> Tensor:
        back = torch.linalg.inv(self.colours.matrix(len(z)))
        return torch.einsum("ij,jhw->ihw", back.to(z), z + WHITE * self._middle(z))

    def _middle(self, z: Tensor) -> Tensor:
        """Give what is taken from each plane (C, 1, 1): chroma lies around 0 already."""
        middle = torch.full((len(z), 1, 1), 128.0 / WHITE, dtype=z.dtype, device=z.device)
        if self.colours is Colours.LUMA_AND_CHROMA:
            middle[1:] = 0.0
        return middle

    def margin(self, plane: Plane) -> tuple[int, int]:
        """Give the samples above and left of the picture that its first block has."""
        return self.corner[0] // plane.pixels[0], self.corner[1] // plane.pixels[1]

    def padded(self, z: Tensor, plane: int) -> Tensor:
        """Repeat the border samples (h, w) of a plane to whole blocks, as encoders do."""
        top, left = self.margin(self.planes[plane])
        bottom, right = (
            -(n + margin) % SIDE for n, margin in zip(z.shape, (top, left), strict=True)
        )
        return F.pad(z[None, None], (left, right, top, bottom), mode="replicate")[0, 0]


def _basis(like: Tensor) -> Tensor:
    """Give the orthonormal DCT-II (8, 8): frequency, sample."""
    n = torch.arange(SIDE, dtype=torch.float64)
    basis = torch.cos(math.pi * (n + 0.5) * n[:, None] / SIDE) * math.sqrt(2.0 / SIDE)
    basis[0] /= math.sqrt(2.0)
    return basis.to(like)


def dct(z: Tensor) -> Tensor:
    """Transform the blocks of (h, w): (rows, columns, 8, 8)."""
    basis = _basis(z)
    return basis @ blocks_of(z) @ basis.mT


def blocks_of(z: Tensor) -> Tensor:
    """Cut (h, w) into blocks (rows, columns, 8, 8)."""
    rows, columns = z.shape[0] // SIDE, z.shape[1] // SIDE
    return z.reshape(rows, SIDE, columns, SIDE).transpose(1, 2)


def undone_dct(coefficients: Tensor) -> Tensor:
    """Undo `_dct`."""
    basis = _basis(coefficients)
    blocks = (basis.mT @ coefficients @ basis).transpose(1, 2)
    return blocks.reshape(blocks.shape[0] * SIDE, -1)


def _averaged(z: Tensor, plane: Plane) -> Tensor:
    """Average the pixels (H, W) of each sample; at the border those that are there."""
    if plane.pixels == (1, 1):
        return z
    return F.avg_pool2d(z[None, None], plane.pixels, ceil_mode=True, count_include_pad=False)[0, 0]


def _enlarged(z: Tensor, plane: Plane) -> Tensor:
    """Give each sample of (h, w) its pixels, between two of them interpolated as decoders do."""
    down, right = plane.pixels
    smooth = [n == 2 for n in plane.pixels]
    size = (z.shape[0] * down, z.shape[1] * right)
    for axis in (0, 1):
        if plane.pixels[axis] > 1 and not smooth[axis]:
            z = z.repeat_interleave(plane.pixels[axis], axis)
    if any(smooth):
        z = F.interpolate(z[None, None], size, mode="bilinear", align_corners=False)[0, 0]
    return z


def upright(x: Tensor, orientation: int) -> Tensor:
    """Turn the stored picture (…, H, W) as an EXIF orientation says."""
    if orientation >= 5:
        x = x.mT
    if orientation in (3, 4, 7, 8):
        x = x.flip(-2)
    if orientation in (2, 3, 6, 7):
        x = x.flip(-1)
    return x


def stored(x: Tensor, orientation: int) -> Tensor:
    """Undo `_upright`."""
    if orientation in (2, 3, 6, 7):
        x = x.flip(-1)
    if orientation in (3, 4, 7, 8):
        x = x.flip(-2)
    return x.mT if orientation >= 5 else x
