"""The non-local filter: similar patches denoise each other.

Each reference patch is grouped with the patches around it that are most like it, the groups are
denoised by one of the closed forms in `patch_groups`, and every pixel averages what its patches
say of it. What was measured (benchmarks/README.md): in the first pass colours are combined
jointly (+1.9 dB there, because 3n values determine Θ better than n; gray patches are larger) and in the second one by one,
in opponent colours (+0.4 dB); patches are matched on all colours (+0.1 dB); and a third pass
combines the values of small patches instead (+0.3 dB).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from chnorm_cli.classical.passes import FIRST, SECOND, THIRD, Combine, Pass
from chnorm_cli.classical.patch_groups import (
    Estimate,
    combine_by_pilot,
    combine_by_risk,
    combine_sharing,
    combine_values,
)
from chnorm_cli.classical.shared_noise import shared_noise
from chnorm_cli.classical.threads import side_by_side
from chnorm_cli.noise.gaussian import Noise

# The same for noise that neighbours share: of that, a pilot has kept some (benchmarks/README.md).
SHARED_NOISE_SHARE = 2.0
# Noisy groups, their pilots, and how much more variance (groups, C) their noise has than σ².
ClosedForm = Callable[[Tensor, Tensor | None, Tensor | None], Estimate]
# Of the principal components of patches, those that noisy patches and a pilot's are matched on.
NOISY_COMPONENTS, PILOT_COMPONENTS = 64, 24
COMPONENT_PATCHES = 8192  # patches of the picture that determine them, about
BLOCK = 8  # references are handled in BLOCK × BLOCK groups that share one search window
RUN = 8  # blocks side by side that a CPU filters at once: more take more memory and are no faster
Place = tuple[slice, slice, slice]  # of a picture (C, H, W)
Part = tuple[Place, tuple[Tensor, list[Tensor]]]  # and the rows and blocks of references there


def opponent_basis(channels: int) -> Tensor:
    """Give the (C, C) orthonormal change to brightness and colour differences (identity unless RGB)."""
    if channels != 3:
        return torch.eye(channels)
    basis = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [1.0, -2.0, 1.0]])
    unit: Tensor = basis / basis.norm(dim=1, keepdim=True)
    return unit


def nonlocal_filter(
    y: Tensor,
    noise: Noise,
    passes: tuple[Pass, ...] = (FIRST, SECOND, THIRD),
    pilot: Tensor | None = None,
    wanted: Tensor | None = None,
) -> Tensor:
    """Denoise (C, H, W), whose noise is `noise`.

    Each pass is the pilot of the next; `pilot` (C, H, W), a better picture than y, that of the first.
    Far from all that is `wanted` (H, W), bool, y may stay as it is, which saves time; in what is
    wanted one pass gives the same.
    """
    if noise.sigma <= 0:
        return y.clone()
    basis = opponent_basis(y.shape[0]).to(y)
    z = torch.einsum("ij,jhw->ihw", basis, y)
    if pilot is y:
        pilot = z  # then nothing is done twice below
    elif pilot is not None:
        pilot = torch.einsum("ij,jhw->ihw", basis, pilot)
    noise = noise.in_colours(basis)
    for settings in passes:
        pilot = filter_once(z, noise, settings, pilot, wanted)
    assert pilot is not None
    return torch.einsum("ji,jhw->ihw", basis, pilot)


def filter_once(
    z: Tensor,
    noise: Noise,
    settings: Pass,
    pilot: Tensor | None = None,
    wanted: Tensor | None = None,
) -> Tensor:
    """Run one pass on (C, H, W); patches are matched on the pilot where there is one."""
    height, width = z.shape[-2:]
    settings = settings.suited_to(len(z))
    patch = min(settings.patch, height, width)
    # No wider than a patch, the grid puts every pixel into one.
    settings = replace(settings, patch=patch, stride=min(settings.stride, patch))
    rows = _grid(height, patch, settings.stride)
    columns = _grid(width, patch, settings.stride)
    closed_form = _closed_form(settings, noise, len(z))
    filters = _matching_filters(z if pilot is None else pilot, pilot is not None, patch)
    total = torch.zeros_like(z)
    weight = torch.zeros_like(z[:1])
    wanted = None if wanted is None else wanted.cpu()
    blocks = torch.split(columns, BLOCK)
    longest = RUN if z.device.type == "cpu" else len(blocks)

    def parts() -> Iterator[Part]:
        for band_rows in torch.split(rows, BLOCK):
            top = max(0, int(band_rows[0]) - settings.radius)
            bottom = min(height - patch, int(band_rows[-1]) + settings.radius) + patch
            band = slice(top, bottom)
            for run in _runs(blocks, wanted, band, width - patch + 1, settings, longest):
                left, right = _extent(run, width - patch + 1, settings)
                here = (slice(None), band, slice(left, right))
                yield here, (band_rows - top, [block - left for block in run])

    def filtered(part: Part) -> tuple[Place, Tensor, Tensor]:
        here, references = part
        noisy = z[here]
        pilots = None if pilot is None else noisy if pilot is z else pilot[here]
        return here, *_filter_part(noisy, pilots, references, filters, settings, noise, closed_form)

    for here, values, weights in side_by_side(filtered, parts(), z.device):
        total[here] += values
        weight[here] += weights
    return torch.where(weight > 0, total / weight, z)


def _runs(
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
            left, right = _extent([block], positions, settings)
            if not bool(wanted[band, left:right].any()):
                runs.append([])
                continue
        if len(runs[-1]) == longest:
            runs.append([])
        runs[-1].append(block)
    return [run for run in runs if run]


def _extent(blocks: Sequence[Tensor], positions: int, settings: Pass) -> tuple[int, int]:
    """Give the columns, up to the second excluded, that groups of references at `blocks` are from."""
    first, last = (int(_left(block[0], positions, settings)) for block in (blocks[0], blocks[-1]))
    return first, last + _reach(positions, settings) + settings.patch - 1


def _reach(positions: int, settings: Pass) -> int:
    """Give how many columns the references of one block look for similar patches in."""
    return min((BLOCK - 1) * settings.stride + 1 + 2 * settings.radius, positions)


def _left(first: Tensor, positions: int, settings: Pass) -> Tensor:
    """Give the first of those columns, for blocks whose first reference is at `first`."""
    return (first - settings.radius).clamp(0, positions - _reach(positions, settings))


def _filter_part(
    z: Tensor,
    pilot: Tensor | None,
    references: tuple[Tensor, list[Tensor]],
    filters: Tensor,
    settings: Pass,
    noise: Noise,
    closed_form: ClosedForm,
) -> tuple[Tensor, Tensor]:
    """Filter references at rows and blocks of columns: weighted sums (C, h, W), weights (1, h, W)."""
    height, width = z.shape[-2:]
    patch = settings.patch
    guide = z if pilot is None else pilot
    groups = _similar(F.conv2d(guide[None], filters)[0], references, settings)
    count, k = groups.shape
    at = groups.flatten()

    def members(picture: Tensor) -> Tensor:  # (sets, groups, k, values)
        chosen = _patches(picture, settings).index_select(1, at)
        return chosen.view(len(chosen), count, k, -1)

    noisy = members(z)
    models = None if pilot is None else noisy if pilot is z else members(pilot)
    variance = None
    if noise.varies:
        means = _means(noisy if models is None else models, len(z), settings)
        variance = noise.relative_variance(means)
    if noise.kernel is not None and settings.combine is not Combine.VALUES:
        wide = width - patch + 1
        shared = shared_noise(noise, groups // wide, groups % wide, settings, variance)
        patches, kept = combine_sharing(noisy, models, shared)
    else:
        patches, kept = closed_form(noisy, models, variance)
    # A patch that keeps less noise counts for more.
    trust = 1.0 / kept.mean(0).clamp_min(1.0 / k)  # (groups, k)
    weighted = (patches * trust[..., None]).view(len(noisy), count * k, -1, patch**2)
    wide = width - patch + 1
    corners = at // wide * width + at % wide
    inside = torch.arange(patch)[:, None] * width + torch.arange(patch)
    pixels = (corners[:, None] + inside.flatten().to(at)).flatten()
    sums = z.new_zeros(len(z), height * width).scatter_add_(
        1, pixels.expand(len(z), -1), weighted.transpose(1, 2).reshape(len(z), -1)
    )
    trusts = z.new_zeros((height - patch + 1) * wide).index_add_(0, at, trust.flatten())
    # A pixel's weight is the sum of those of the patches over it.
    spread = F.pad(trusts.view(1, -1, wide), (patch - 1,) * 4)
    return sums.view_as(z), F.avg_pool2d(spread, patch, 1, divisor_override=1)


def _means(groups: Tensor, channels: int, settings: Pass) -> Tensor:
    """Give the mean colour (groups, C) of groups (sets, groups, k, values)."""
    values = groups.view(*groups.shape[:3], -1, settings.patch**2)
    means: Tensor = values.mean((2, 4)).transpose(0, 1).reshape(-1, channels)
    return means


def _closed_form(settings: Pass, noise: Noise, channels: int) -> ClosedForm:
    """Give what denoises groups (…, k, values) of this pass."""
    if settings.combine is Combine.VALUES:
        share = settings.noise_share if noise.kernel is None else SHARED_NOISE_SHARE
        covariance = share * noise.covariance(channels, settings.patch)

        def by_values(noisy: Tensor, pilot: Tensor | None, variance: Tensor | None) -> Estimate:
            if pilot is None:
                raise ValueError("a pass that combines values needs a pilot")
            if variance is None:
                return combine_values(noisy, pilot, covariance.to(noisy))
            each = variance.sqrt().repeat_interleave(settings.patch**2, -1)[None]  # (1, groups, n)
            scaled = covariance.to(noisy) * each[..., None] * each[..., None, :]
            return combine_values(noisy, pilot, scaled)

        return by_values

    def by_patches(noisy: Tensor, pilot: Tensor | None, variance: Tensor | None) -> Estimate:
        level: float | Tensor = noise.sigma**2
        if variance is not None:  # (sets, groups, 1, 1)
            level = (
                level
                * (variance.mT if len(noisy) > 1 else variance.mean(-1)[None])[..., None, None]
            )
        if pilot is None:
            return combine_by_risk(noisy, level)
        return combine_by_pilot(noisy, pilot, level)

    return by_patches


def _matching_filters(guide: Tensor, pilot: bool, patch: int) -> Tensor:
    """Give the principal components (m, C, patch, patch) that patches of `guide` are matched on.

    Distances in them are nearly those of the patches, for a fraction of the time, and what they
    leave out is mostly noise: the matches of a pilot become better (benchmarks/README.md).
    """
    height, width = guide.shape[-2:]
    sparse = max(1, math.isqrt(height * width // COMPONENT_PATCHES))
    patches = F.unfold(guide[None], patch, stride=sparse)[0].double()
    centred = patches - patches.mean(1, keepdim=True)
    components = torch.linalg.eigh(centred @ centred.mT).eigenvectors.flip(1)
    most = PILOT_COMPONENTS if pilot else NOISY_COMPONENTS
    filters: Tensor = components[:, :most].mT.reshape(-1, len(guide), patch, patch)
    return filters.to(guide)


def _similar(
    features: Tensor,
    references: tuple[Tensor, list[Tensor]],
    settings: Pass,
) -> Tensor:
    """Find the `neighbours` positions whose features (m, h, w) are most like each reference's.

    Give flat indices (references, k).
    """
    wide = features.shape[-1]
    rows, blocks = references
    reach = _reach(wide, settings)
    held = torch.stack([torch.cat([b, b[-1:].expand(BLOCK - len(b))]) for b in blocks])
    real = torch.stack([torch.arange(BLOCK) < len(b) for b in blocks])  # the last block is padded
    left = _left(held[:, 0], wide, settings)  # (B,)
    device = features.device
    cells = features.permute(1, 2, 0).contiguous()
    window = left[:, None] + torch.arange(reach)  # (B, reach)
    candidates = cells[:, window.to(device)].transpose(0, 1).flatten(1, 2)  # (B, tall·reach, m)
    wanted = cells[rows.to(device)][:, held.to(device)].transpose(0, 1).flatten(1, 2)  # (B, R, m)
    # ‖p − q‖² without ‖p‖², which is the same for all candidates of one reference.
    distance = torch.baddbmm(
        candidates.square().sum(-1)[:, None], wanted, candidates.mT, alpha=-2.0
    )
    itself = rows[None, :, None] * reach + held[:, None, :] - left[:, None, None]
    distance.scatter_(2, itself.flatten(1)[..., None].to(device), -torch.inf)
    k = min(settings.neighbours, distance.shape[-1])
    found = distance.topk(k, largest=False, sorted=False).indices
    flat = found // reach * wide + found % reach + left.to(device)[:, None, None]
    kept = real[:, None, :].expand(-1, len(rows), -1).flatten().to(device)
    return flat.flatten(0, 1)[kept]


def _patches(z: Tensor, settings: Pass) -> Tensor:
    """Give all patches of z (C, H, W), as (1, positions, C·n), or (C, positions, n) by colour."""
    patches = z.unfold(1, settings.patch, 1).unfold(2, settings.patch, 1)
    if settings.combine is Combine.PATCHES_BY_COLOUR:
        return patches.reshape(len(z), -1, settings.patch**2)
    return patches.permute(1, 2, 0, 3, 4).reshape(1, -1, len(z) * settings.patch**2)


def _grid(length: int, patch: int, stride: int) -> Tensor:
    """Give positions every `stride` pixels, the last possible one included."""
    last = length - patch
    return torch.cat([torch.arange(0, last, stride), torch.tensor([last])])
