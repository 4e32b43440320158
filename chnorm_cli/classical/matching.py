"""Which patches are like which: references on a grid, and the patches around them nearest to them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from chnorm_cli.classical.passes import Pass

BLOCK = 8  # references are handled in BLOCK × BLOCK groups that share one search window
PART = 8  # candidates whose best is looked at before they are looked at themselves


def grid(length: int, patch: int, stride: int) -> Tensor:
    """Give positions every `stride` pixels, the last possible one included."""
    last = length - patch
    return torch.cat([torch.arange(0, last, stride), torch.tensor([last])])


def runs(
    blocks: Sequence[Tensor],
    wanted: Tensor | None,
    band: slice,
    positions: int,
    settings: Pass,
    longest: int,
) -> list[list[Tensor]]:
    """Give the blocks whose groups can hold a `wanted` pixel of the band, `longest` at once."""
    runs: list[list[Tensor]] = [[]]
    for block in blocks:
        if wanted is not None:
            left, right = extent([block], positions, settings)
            if not bool(wanted[band, left:right].any()):
                runs.append([])
                continue
        if len(runs[-1]) == longest:
            runs.append([])
        runs[-1].append(block)
    return [run for run in runs if run]


def extent(blocks: Sequence[Tensor], positions: int, settings: Pass) -> tuple[int, int]:
    """Give the columns, up to the second excluded, that groups of references at `blocks` are from."""
    first, last = (int(_left(block[0], positions, settings)) for block in (blocks[0], blocks[-1]))
    return first, last + _reach(positions, settings) + settings.patch - 1


def _reach(positions: int, settings: Pass) -> int:
    """Give how many columns the references of one block look for similar patches in."""
    return min((BLOCK - 1) * settings.stride + 1 + 2 * settings.radius, positions)


def _left(first: Tensor, positions: int, settings: Pass) -> Tensor:
    """Give the first of those columns, for blocks whose first reference is at `first`."""
    return (first - settings.radius).clamp(0, positions - _reach(positions, settings))


def similar(
    features: Tensor,
    references: tuple[Tensor, list[Tensor]],
    settings: Pass,
) -> Tensor:
    """Find the `neighbours` positions whose features (h, w, m) are most like each reference's.

    Give flat indices (references, k).
    """
    tall, wide = features.shape[:2]
    rows, blocks = references
    # Distances without ‖p‖², which is the same for all candidates q of one reference p, as one
    # product: (−2p, 1) · (q, ‖q‖²).
    cells = torch.cat([features, features.square().sum(-1, keepdim=True)], -1)
    reach = _reach(wide, settings)
    held = torch.stack([torch.cat([b, b[-1:].expand(BLOCK - len(b))]) for b in blocks])
    real = torch.stack([torch.arange(BLOCK) < len(b) for b in blocks])  # the last block is padded
    lefts = _left(held[:, 0], wide, settings)  # (B,)
    found = []
    for some in torch.split(rows, BLOCK):
        top = max(0, int(some[0]) - settings.radius)
        band = cells[top : min(tall, int(some[-1]) + settings.radius + 1)]
        candidates = torch.stack([band[:, left : left + reach] for left in lefts.tolist()])
        wanted = cells[some][:, held].transpose(0, 1).flatten(1, 2)  # (B, R, m + 1)
        wanted[..., :-1] *= -2.0
        wanted[..., -1] = 1.0
        distance = wanted @ candidates.flatten(1, 2).mT  # (B, R, tall·reach)
        itself = (some - top)[None, :, None] * reach + (held - lefts[:, None])[:, None, :]
        distance.scatter_(2, itself.flatten(1)[..., None].to(distance.device), -torch.inf)
        k = min(settings.neighbours, distance.shape[-1])
        nearest = least(distance, k)
        left = lefts.to(distance.device)[:, None, None]
        flat = (nearest // reach + top) * wide + nearest % reach + left
        kept = real[:, None, :].expand(-1, len(some), -1).flatten().to(distance.device)
        found.append(flat.flatten(0, 1)[kept])
    # Blocks at an edge may have fewer positions to choose from than others.
    k = min(f.shape[1] for f in found)
    return torch.cat([f[:, :k] for f in found])


def least(distance: Tensor, k: int) -> Tensor:
    """Give the places of the k least of (…, n), in any order.

    They are among the k parts of least minimum: half the time of one `topk`.
    """
    parts = distance.shape[-1] // PART
    if parts <= k:
        return distance.topk(k, largest=False, sorted=False).indices
    whole = distance[..., : parts * PART].reshape(*distance.shape[:-1], PART, parts)
    best = whole.amin(-2).topk(k, largest=False, sorted=False).indices
    chosen = whole.gather(-1, best[..., None, :].expand(*best.shape[:-1], PART, k)).flatten(-2)
    rest = distance[..., parts * PART :]
    least = torch.cat([chosen, rest], -1).topk(k, largest=False, sorted=False).indices
    inside = least // k * parts + best.gather(-1, least % k)
    return torch.where(least < PART * k, inside, least - PART * k + parts * PART)
