"""JPEG as a measurement: in which cell each DCT coefficient lies, and what compresses in the same way.

A JPEG file keeps whole numbers k of steps q. The picture that was compressed had coefficients c with

    (k − ½) q ≤ c ≤ (k + ½) q

for each frequency of each block of 8×8 samples: a convex set with a simple projection (Zakhor 1992).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from chnorm_cli.problems.compression import (
    SIDE,
    WHITE,
    Compression,
    blocks_of,
    dct,
    stored,
    undone_dct,
    upright,
)

EDGE = 0.01  # of a step around the border of a cell: there a coefficient lies at the edge
CLIPPINGS = 12  # rounds in which what black and white cut off is found
MISFIT = 3.0  # levels of a sample that numbers do not explain: rounding is less


@dataclass(frozen=True)
class Jpeg:
    """What is known of the picture that a JPEG was made of.

    `numbers` (rows, columns, 8, 8) are the whole numbers of steps of each plane; `told` (rows,
    columns), bool, says of which blocks they are known (not of those that a crop has cut).
    """

    compression: Compression
    numbers: tuple[Tensor, ...]
    told: tuple[Tensor, ...] | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Compress x (C, H, W) in the same way, and decode it."""
        return self.compression.forward(x)

    def decoded(self, size: tuple[int, int]) -> Tensor:
        """Give the picture (C, H, W) in the middle of all cells, neither clipped nor rounded."""
        return self.compression.decoded(self.numbers, size)

    def project(
        self, x: Tensor, share: float = 1.0, slack: Sequence[float] | None = None
    ) -> Tensor:
        """Give the nearest picture to x (C, H, W) that lies in the cells, shrunk to `share`.

        `slack`, levels (0–255) for each plane, widens all cells of it at both ends: what was
        compressed was not the picture, but had noise of its own.

        Nearest in luma and chroma, in which it is a projection: idempotent and non-expansive
        (where blocks reach beyond the picture nearly so).
        """
        compression = self.compression
        turned = stored(x, compression.turned)
        change = []
        for index, (z, plane) in enumerate(
            zip(compression.samples(x), compression.planes, strict=True)
        ):
            table = plane.table.to(z)
            steps = dct(z) / table
            middle = self.numbers[index].to(z)
            half = 0.5 * share + (0.0 if slack is None else slack[index]) / table
            inside = steps.clamp(middle - half, middle + half)
            moved = inside - steps
            if self.told is not None:
                moved = moved * self.told[index].to(z)[..., None, None]
            moved = undone_dct(moved * table)
            top, left = compression.margin(plane)
            down, right = plane.pixels
            rows, columns = turned.shape[-2], turned.shape[-1]
            moved = moved[top:, left:].repeat_interleave(down, 0).repeat_interleave(right, 1)
            change.append(moved[:rows, :columns])
        back = torch.linalg.inv(compression.colours.matrix(len(x))).to(x)
        moved = torch.einsum("ij,jhw->ihw", back, torch.stack(change)) / WHITE
        return x + upright(moved, compression.turned)

    def outside_share(self, x: Tensor) -> float:
        """Give the share of the coefficients of x (C, H, W) that lie outside of their cell."""
        return float((self._distances(x) > EDGE).float().mean())

    def edge_share(self, x: Tensor) -> float:
        """Give the share of the coefficients of x (C, H, W) that lie at the edge of their cell."""
        return float((self._distances(x).abs() <= EDGE).float().mean())

    def as_dict(self, x: Tensor) -> dict[str, Any]:
        """Give plain values for the JSON report, with how the answer x (C, H, W) lies in the cells."""
        return {
            "sentence": self.compression.sentence(),
            "quality": self.compression.quality,
            "subsampling": self.compression.subsampling or None,
            "edge_share": round(self.edge_share(x), 6),
            "outside_share": round(self.outside_share(x), 6),
        }

    def _distances(self, x: Tensor) -> Tensor:
        """Give how far coefficients (n,) lie beyond their cells, in steps; inside it is negative."""
        found = []
        for index, steps in enumerate(self.compression.coefficients(x)):
            distance = (steps - self.numbers[index].to(steps)).abs() - 0.5
            if self.told is not None:
                distance = distance[self.told[index].to(steps.device)]
            found.append(distance.flatten())
        return torch.cat(found)

    def window(self, rows: slice, columns: slice) -> Jpeg:
        """Give the same of a window of the stored picture, which `Compression.whole_blocks` gave."""
        compression, window = self.compression, (rows, columns)
        down, right = compression.corner
        numbers, told = [], []
        for index, plane in enumerate(compression.planes):
            steps = [SIDE * n for n in plane.pixels]
            blocks = tuple(
                # A border may have a block above it that holds nothing of the picture.
                slice(
                    (part.start + corner) // step if part.start else 0,
                    -(-(part.stop + corner) // step),
                )
                for part, corner, step in zip(window, (down, right), steps, strict=True)
            )
            numbers.append(self.numbers[index][blocks].float())
            if self.told is not None:
                told.append(self.told[index][blocks])
        corner = (down if rows.start == 0 else 0, right if columns.start == 0 else 0)
        part = replace(compression, corner=corner, turned=1)
        return Jpeg(part, tuple(numbers), None if self.told is None else tuple(told))

    def beside(self, holes: Tensor) -> Jpeg:
        """Give the same, telling nothing of blocks with `holes` (H, W), bool: there all is new."""
        compression = self.compression
        hidden = stored(holes.float(), compression.turned)[None, None]
        told = []
        for index, plane in enumerate(compression.planes):
            samples = F.max_pool2d(hidden, plane.pixels, ceil_mode=True)[0, 0]
            whole = blocks_of(compression.padded(samples, index)).amax((-2, -1)) == 0
            before = None if self.told is None else self.told[index].to(whole.device)
            told.append(whole if before is None else whole & before)
        return replace(self, told=tuple(told))

    @staticmethod
    def read(compression: Compression, samples: Sequence[Tensor]) -> Jpeg:
        """Find the numbers of steps from decoded planes (h, w), 0–255, of the stored picture.

        The planes are of the picture's size, or of whole blocks. Decoders round and clip samples. Rounding moves a coefficient by less than a step, but for
        the finest steps; where black or white cut samples off, they lay as far beyond as makes the
        numbers fit. Nothing is told of blocks that no numbers fit.
        """
        numbers, told = [], []
        for plane, (decoded, own) in enumerate(zip(samples, compression.planes, strict=True)):
            # Chroma is decoded around 128 as well.
            z = decoded.float() - 128.0
            if any(n % SIDE for n in z.shape) or compression.corner != (0, 0):
                z = compression.padded(z, plane)
            table = own.table.to(z)
            steps = (dct(z) / table).round()
            dark, light = z <= -128.0, z >= 127.0
            for _ in range(CLIPPINGS if bool((dark | light).any()) else 0):
                again = undone_dct(steps * table)
                beyond = torch.where(light, again.clamp_min(127.0), z)
                beyond = torch.where(dark, again.clamp_max(-128.0), beyond)
                steps = (dct(beyond) / table).round()
            numbers.append(steps)
            misfit = (undone_dct(steps * table).clamp(-128.0, 127.0) - z).abs()
            told.append(blocks_of(misfit).amax((-2, -1)) <= MISFIT)
        return Jpeg(compression, tuple(numbers), tuple(told))

    def to(self, device: torch.device | str) -> Jpeg:
        """Give the same on a device."""
        told = None if self.told is None else tuple(t.to(device) for t in self.told)
        return replace(self, numbers=tuple(n.to(device) for n in self.numbers), told=told)
