"""Filling wide holes with similar patches, coarse to fine: what goes on outside, goes on inside.

After Wexler, Shechtman & Irani, "Space-time completion of video" (PAMI 2007), and Newson et al.,
"Non-local patch-based image inpainting" (IPOL 2017): every patch that touches a hole looks for the
most similar one that touches none, and each missing pixel becomes the mean of what those patches
show there; both again and again, from a small copy of the picture up to the picture itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from chnorm_cli.classical.first_guess import first_guess
from chnorm_cli.problems.names import Say
from chnorm_cli.problems.operators import Mask

RADIUS = 3  # of a patch: 7×7
ITERATIONS = (15, 10, 8, 6)  # from the coarsest level on, the last for all that follow
COARSEST = 5.0  # pixels; the hole radius at which no smaller copy is needed
LEAST_SOURCES = 100  # a smaller copy with fewer whole patches has nothing to copy from
TEXTURE = 4.0  # weight of a texture's mean gradient beside the colours, so that it is not smoothed
# So many pairs are compared on each level; after that, good matches spread to their neighbours.
MOST_PAIRS = 4_000_000_000
MOST_SOURCES = 100_000  # for those; the ones next to the holes
RANDOM_REACH = (16, 8, 4)  # pixels around its match where a patch also looks
WORST = 0.9  # the quantile of the distances at which a patch counts e^(−1/2)
TRUST = 1.3  # by this factor a patch counts less with every pixel that it is further inside a hole
COMPONENTS = 16  # of a patch that tell which are alike (the principal ones)
ROWS = 1 << 15  # patches read at a time
COMPARED = 512  # patches compared with all others at a time


def wide_holes(known: Tensor, radius: float) -> Tensor:
    """Give the part (H, W) of the holes of `known`, bool, that lies around a disc of `radius`.

    That is every missing pixel at most twice `radius` from the middle of such a disc: the disc
    itself, and what is left of the hole around it.
    """
    middle = _to_nearest(known) > radius
    if not bool(middle.any()):
        return torch.zeros_like(known)
    return ~known & (_to_nearest(middle) <= 2.0 * radius)


def patch_filling(
    y: Tensor,
    known: Tensor,
    random: torch.Generator,
    say: Say = lambda _: None,
    *,
    go_on: Callable[[], bool] = lambda: True,
) -> Tensor:
    """Fill y (C, H, W) where `known` (H, W), bool, is false, from patches elsewhere in it.

    Where no whole patch is known the filling is smooth. `go_on` says whether there is time for
    more than one iteration a level.
    """
    levels = _levels(torch.cat([y * known, TEXTURE * _texture(y, known)]), known)
    if not levels:
        return _smooth(y, known)
    z: Tensor | None = None
    matches: Tensor | None = None
    for number, level in enumerate(reversed(levels)):
        z, matches = level.started(z), level.placed(matches, random)
        compared = MOST_PAIRS // level.pairs
        for iteration in range(ITERATIONS[min(number, len(ITERATIONS) - 1)]):
            if iteration and not go_on():
                break
            say(f"similar patches, {z.shape[2]}×{z.shape[1]}")
            if iteration < compared or (number == 0 and iteration == 0):
                matches, distances = level.all_compared(z)
            else:
                matches, distances = level.spread(z, matches, random)
            z = level.filled(z, matches, distances)
        matches = level.on_grid(matches)
    assert z is not None
    return torch.where(known, y, z[: y.shape[0]])


@dataclass(frozen=True, eq=False)
class _Level:
    """One size of the picture. Pixels are numbered row by row, and a patch is its middle pixel."""

    z: Tensor  # (C + 2, H, W), the colours and the texture; anything where missing
    known: Tensor  # (H, W), bool
    holes: Tensor  # (M,), the missing pixels
    targets: Tensor  # (T,), the patches that touch a hole
    rows: Tensor  # (H·W,), where each pixel is among the targets, −1 if it is none
    sources: Tensor  # (S,), the patches that touch none
    usable: Tensor  # (H·W,), bool, true for those
    depth: Tensor  # (T,), pixels from the middle of a target to the nearest that is known

    @classmethod
    def of(cls, z: Tensor, known: Tensor) -> _Level:
        side = 2 * RADIUS + 1
        touching = F.max_pool2d((~known)[None, None].to(z.dtype), side, 1, RADIUS)[0, 0] > 0
        usable = ~touching
        usable[:RADIUS] = usable[-RADIUS:] = False
        usable[:, :RADIUS] = usable[:, -RADIUS:] = False
        targets = touching.flatten().nonzero()[:, 0]
        rows = torch.full((known.numel(),), -1, device=z.device)
        rows[targets] = torch.arange(len(targets), device=z.device)
        return cls(
            z,
            known,
            (~known).flatten().nonzero()[:, 0],
            targets,
            rows,
            usable.flatten().nonzero()[:, 0],
            usable.flatten(),
            _to_nearest(known).flatten()[targets],
        )

    @property
    def pairs(self) -> int:
        return len(self.targets) * min(len(self.sources), MOST_SOURCES)

    def started(self, coarser: Tensor | None) -> Tensor:
        """Fill the holes smoothly, or with what the coarser level has there."""
        if coarser is None:
            fill = _smooth(self.z, self.known)
        else:
            size = (2 * coarser.shape[1], 2 * coarser.shape[2])
            fill = F.interpolate(coarser[None], size=size, mode="bilinear")[0]
            fill = fill[:, : self.z.shape[1], : self.z.shape[2]]
        return torch.where(self.known, self.z, fill)

    def placed(self, coarser: Tensor | None, random: torch.Generator) -> Tensor:
        """Give each target its match on the coarser level (H/2, W/2), or a random one."""
        drawn = torch.randint(len(self.sources), (len(self.targets),), generator=random)
        anywhere = self.sources[drawn.to(self.z.device)]
        if coarser is None:
            return anywhere
        height, width = self.known.shape
        i, j = self.targets // width, self.targets % width
        match = coarser[i // 2, j // 2]
        across = (width + 1) // 2
        i, j = 2 * (match // across) + i % 2, 2 * (match % across) + j % 2
        there = (match >= 0) & (i < height) & (j < width)
        match = torch.where(there, i * width + j, 0)
        return torch.where(there & self.usable[match], match, anywhere)

    def on_grid(self, matches: Tensor) -> Tensor:
        """Write the matches over the picture, (H, W), −1 where there is no target."""
        grid = torch.full_like(self.rows, -1)
        grid[self.targets] = matches
        return grid.view(self.known.shape)

    @cached_property
    def short_sources(self) -> tuple[Tensor, Tensor, Tensor]:
        """Give the sources to compare with (S,), principal directions, and the sources along these.

        No source touches a hole, so that nothing of this changes while the holes are filled.
        """
        sources = self.sources
        if len(sources) > MOST_SOURCES:
            away = _to_nearest(self.rows.view(self.known.shape) >= 0).flatten()[sources]
            sources = sources[away.argsort(stable=True)[:MOST_SOURCES]]
        patches = _Patches(self.z)
        basis = patches.principal(sources)
        return sources, basis, torch.cat([patches[p] @ basis for p in torch.split(sources, ROWS)])

    def all_compared(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Find for each target the most similar of all sources."""
        sources, basis, short = self.short_sources
        half = short.square().sum(1) / 2.0
        patches = _Patches(z)
        nearest = [
            torch.addmm(half, patches[some] @ basis, short.T, alpha=-1.0).argmin(1)
            for some in torch.split(self.targets, COMPARED)
        ]
        matches = sources[torch.cat(nearest)]
        return matches, patches.distances(self.targets, matches)

    def spread(self, z: Tensor, matches: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Improve matches by those of the neighbours, and at random nearby (PatchMatch).

        Barnes et al., "PatchMatch: a randomized correspondence algorithm" (SIGGRAPH 2009); all
        targets at once instead of one after the other.
        """
        height, width = self.known.shape
        patches = _Patches(z)
        distances = patches.distances(self.targets, matches)
        i, j = self.targets // width, self.targets % width

        def consider(at_i: Tensor, at_j: Tensor, possible: Tensor) -> None:
            nonlocal matches, distances
            inside = (at_i >= 0) & (at_i < height) & (at_j >= 0) & (at_j < width)
            candidates = torch.where(inside, at_i * width + at_j, 0)
            asked = possible & inside & self.usable[candidates] & (candidates != matches)
            which = asked.nonzero()[:, 0]
            found = patches.distances(self.targets[which], candidates[which])
            which, found = which[found < distances[which]], found[found < distances[which]]
            matches, distances = matches.clone(), distances.clone()
            matches[which], distances[which] = candidates[which], found

        for down, right in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            row = self._row(i + down, j + right)
            match = matches[row.clamp_min(0)]
            consider(match // width - down, match % width - right, row >= 0)
        for reach in RANDOM_REACH:
            step = torch.randint(-reach, reach + 1, (2, len(matches)), generator=random)
            down, right = step.to(z.device)
            everyone = torch.ones_like(matches, dtype=torch.bool)
            consider(matches // width + down, matches % width + right, everyone)
        return matches, distances

    def filled(self, z: Tensor, matches: Tensor, distances: Tensor) -> Tensor:
        """Let all patches over a missing pixel say what is there, the more alike the louder."""
        place = min(len(distances), int(WORST * len(distances)) + 1)
        usual = distances.kthvalue(place).values.clamp_min(1e-8)
        weights = torch.exp(-distances / (2.0 * usual)).clamp_min(1e-6)
        weights = weights * TRUST ** -self.depth.clamp(max=40.0)
        width = self.known.shape[1]
        i, j = self.holes // width, self.holes % width
        flat = z.flatten(1)
        total = torch.zeros((len(z), len(self.holes)), dtype=z.dtype, device=z.device)
        weight = torch.zeros_like(total[0])
        for down in range(-RADIUS, RADIUS + 1):
            for right in range(-RADIUS, RADIUS + 1):
                row = self._row(i + down, j + right)  # of the patch whose middle is there
                w = torch.where(row >= 0, weights[row.clamp_min(0)], 0.0)
                total += w * flat[:, matches[row.clamp_min(0)] - down * width - right]
                weight += w
        out = flat.clone()
        out[:, self.holes] = total / weight
        return out.view_as(z)

    def _row(self, i: Tensor, j: Tensor) -> Tensor:
        """Find pixels among the targets; −1 for one that is none, or outside."""
        height, width = self.known.shape
        inside = (i >= 0) & (i < height) & (j >= 0) & (j < width)
        return torch.where(inside, self.rows[torch.where(inside, i * width + j, 0)], -1)


class _Patches:
    """The patches of z (C, H, W) around numbered pixels, read when they are asked for."""

    def __init__(self, z: Tensor) -> None:
        side, self.width = 2 * RADIUS + 1, z.shape[2]
        # Colours last: a row of a patch is then one piece of memory.
        padded = F.pad(z[None], (RADIUS,) * 4, mode="replicate")[0].movedim(0, -1).contiguous()
        self.windows = padded.unfold(0, side, 1).unfold(1, side, 1).permute(0, 1, 3, 4, 2)

    def __getitem__(self, pixels: Tensor) -> Tensor:
        return self.windows[pixels // self.width, pixels % self.width].flatten(1)

    def principal(self, pixels: Tensor) -> Tensor:
        """Give the directions (N, COMPONENTS) in which the patches there differ most."""
        some = [self[part].double() for part in torch.split(pixels, ROWS)]
        # Patches of one colour give eigenvalues of which all but one are zero, and in float32 the
        # search for those ends in an error for half of all grays.
        gram = torch.stack([patches.T @ patches for patches in some]).sum(0)
        directions: Tensor = torch.linalg.eigh(gram).eigenvectors
        return directions[:, -COMPONENTS:].to(self.windows)

    def distances(self, some: Tensor, others: Tensor) -> Tensor:
        """Give the squared distances (N,) of pairs of patches."""
        pairs = zip(torch.split(some, ROWS), torch.split(others, ROWS), strict=True)
        return torch.cat([(self[a] - self[b]).square().sum(1) for a, b in pairs])


def _levels(z: Tensor, known: Tensor) -> list[_Level]:
    """Give the picture and smaller copies, down to where its holes are small."""
    levels: list[_Level] = []
    while True:
        if min(known.shape) <= 2 * RADIUS:
            return levels
        level = _Level.of(z, known)
        if len(level.sources) < LEAST_SOURCES:
            return levels
        levels.append(level)
        if float(level.depth.max()) <= COARSEST:
            return levels
        z, known = _halved(z, known)


def _halved(z: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Average the known ones of each 2×2 pixels; those are known of which half are."""
    odd = (0, known.shape[1] % 2, 0, known.shape[0] % 2)
    weight = F.pad(known[None].to(z.dtype), odd)
    share = F.avg_pool2d(weight[None], 2)[0]
    mean = F.avg_pool2d((F.pad(z, odd) * weight)[None], 2)[0] / share.clamp_min(0.25)
    return mean, share[0] >= 0.5


def _texture(y: Tensor, known: Tensor) -> Tensor:
    """Give the mean absolute gradient of known pixels around each, (2, H, W)."""
    gray, weight = y.mean(0), known.to(y.dtype)
    there = F.pad(weight[:, 1:] * weight[:, :-1], (0, 1))
    below = F.pad(weight[1:] * weight[:-1], (0, 0, 0, 1))
    across = F.pad((gray[:, 1:] - gray[:, :-1]).abs(), (0, 1)) * there
    down = F.pad((gray[1:] - gray[:-1]).abs(), (0, 0, 0, 1)) * below
    sums = F.avg_pool2d(torch.stack([across, down, there, below])[None], 5, 1, 2)[0]
    return sums[:2] / sums[2:].clamp_min(1.0 / 25.0)


def _smooth(y: Tensor, known: Tensor) -> Tensor:
    return first_guess(Mask(known.to(y.dtype)), y * known)


def _to_nearest(there: Tensor) -> Tensor:
    """Give the distance (H, W) of each pixel to the nearest where `there` (H, W) is true."""
    from scipy.ndimage import distance_transform_edt

    distance = distance_transform_edt((~there).cpu().numpy())
    return torch.from_numpy(distance).to(there.device, torch.float32)
