"""The non-local filter: similar patches denoise each other.

Each reference patch is grouped with the patches around it that are most like it, the groups are
denoised by one of the closed forms in `patch_groups`, and every pixel averages what its patches
say of it. What was measured (docs/design-notes.md): in the first pass colours are combined
jointly (+1.9 dB there, because 3n values determine Θ better than n; gray patches are larger) and in the second one by one,
in opponent colours (+0.4 dB); patches are matched on all colours (+0.1 dB); and a third pass
combines the values of small patches instead (+0.3 dB). Groups are combined in the principal
components of the picture's patches: without those that are little but noise the first pass gains
0.6 dB and takes half as long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from chnorm_cli.classical.components import Components
from chnorm_cli.classical.matching import BLOCK, extent, grid, runs, similar
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

# The same for noise that neighbours share: of that, a pilot has kept some (docs/design-notes.md).
SHARED_NOISE_SHARE = 2.0
# Noisy groups, their pilots, and how much more variance (groups, C) their noise has than σ².
ClosedForm = Callable[[Tensor, Tensor | None, Tensor | None], Estimate]
# Of the principal components of patches, those that noisy patches and a pilot's are matched on.
NOISY_COMPONENTS, PILOT_COMPONENTS = 64, 24
# The first answer is made of the components with more energy than so many times the noise's, and of
# twice as many as a group has patches: with fewer, Θ is hardly determined.
KEPT, LEAST_KEPT = 1.08, 2
# Of those of a pilot with more energy than this share of the noise's, it counts what they have to do
# with each other; each of the others is judged alone.
JOINT, GRAY_JOINT = 0.02, 0.01
PATCHES_EACH = 3  # of a group: one component for so many counts jointly at least
BAND, RUN = 16, 8  # rows of references, and blocks side by side, that a CPU filters at once
CACHED = 1 << 18  # values of groups that a CPU combines at once: so many stay in its cache
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
    rows = grid(height, patch, settings.stride)
    columns = grid(width, patch, settings.stride)
    space = _space(z if pilot is None else pilot, noise, settings, pilot is not None)
    closed_form = _closed_form(settings, noise, space.components, gray=len(z) == 1)
    total = torch.zeros_like(z)
    weight = torch.zeros_like(z[:1])
    wanted = None if wanted is None else wanted.cpu()
    blocks = torch.split(columns, BLOCK)
    longest = RUN if z.device.type == "cpu" else len(blocks)

    def parts() -> Iterator[Part]:
        for band_rows in torch.split(rows, BAND):
            top = max(0, int(band_rows[0]) - settings.radius)
            bottom = min(height - patch, int(band_rows[-1]) + settings.radius) + patch
            band = slice(top, bottom)
            for run in runs(blocks, wanted, band, width - patch + 1, settings, longest):
                left, right = extent(run, width - patch + 1, settings)
                here = (slice(None), band, slice(left, right))
                yield here, (band_rows - top, [block - left for block in run])

    def filtered(part: Part) -> tuple[Place, Tensor, Tensor]:
        here, references = part
        noisy = z[here]
        pilots = None if pilot is None else noisy if pilot is z else pilot[here]
        return here, *_filter_part(noisy, pilots, references, space, settings, noise, closed_form)

    for here, values, weights in side_by_side(filtered, parts(), z.device):
        total[here] += values
        weight[here] += weights
    return torch.where(weight > 0, total / weight, z)


@dataclass(frozen=True)
class _Space:
    """What groups are combined in, and `matched` on; None: the first so many of the components."""

    components: Components
    matching: Components | None
    count: int


def _space(guide: Tensor, noise: Noise, settings: Pass, pilot: bool) -> _Space:
    """Find the principal components of the patches of `guide` (C, H, W) for one pass."""
    count = PILOT_COMPONENTS if pilot else NOISY_COMPONENTS
    if settings.combine is Combine.PATCHES_BY_COLOUR:
        matching = Components.of(guide, settings.patch).first(count)
        return _Space(Components.by_colour(guide, settings.patch), matching, count)
    components = Components.of(guide, settings.patch)
    if settings.combine is Combine.PATCHES and noise.kernel is None:
        # What is hardly more than noise is left out of the first answer.
        kept = components.above(KEPT * noise.sigma**2)
        components = components.first(max(LEAST_KEPT * settings.neighbours, kept))
    return _Space(components, None, count)


def _filter_part(
    z: Tensor,
    pilot: Tensor | None,
    references: tuple[Tensor, list[Tensor]],
    space: _Space,
    settings: Pass,
    noise: Noise,
    closed_form: ClosedForm,
) -> tuple[Tensor, Tensor]:
    """Filter references at rows and blocks of columns: weighted sums (C, h, W), weights (1, h, W)."""
    patch = settings.patch
    noisy_patches = space.components.of_patches(z)  # (sets, tall, wide, n)
    pilot_patches = noisy_patches
    if pilot is not None and pilot is not z:
        pilot_patches = space.components.of_patches(pilot)
    if space.matching is None:
        features = pilot_patches[0, ..., : space.count]
    else:
        features = space.matching.of_patches(z if pilot is None else pilot)[0]
    groups = similar(features, references, settings)
    sets, _, wide, n = noisy_patches.shape
    noisy_rows, pilot_rows = noisy_patches.flatten(1, 2), pilot_patches.flatten(1, 2)
    sums, trusts = torch.zeros_like(noisy_rows), noisy_rows.new_zeros(noisy_rows.shape[1])
    means = space.components.means()
    k = groups.shape[1]
    held = max(1, CACHED // (sets * k * n)) if z.device.type == "cpu" else len(groups)
    for some in torch.split(groups, held):
        at = some.flatten()
        noisy = noisy_rows.index_select(1, at).view(sets, -1, k, n)
        models = None
        if pilot is not None:
            models = noisy
            if pilot_rows is not noisy_rows:
                models = pilot_rows.index_select(1, at).view(sets, -1, k, n)
        variance = None
        if noise.varies:
            middle = (noisy if models is None else models).mean(2) @ means  # (sets, groups, 1 or C)
            colours = middle[0] if sets == 1 else middle[..., 0].mT
            variance = noise.relative_variance(colours)
        if noise.kernel is not None and settings.combine is not Combine.VALUES:
            shared = shared_noise(noise, some // wide, some % wide, settings, variance)
            patches, kept = combine_sharing(noisy, models, shared)
        else:
            patches, kept = closed_form(noisy, models, variance)
        # A patch that keeps less noise counts for more.
        trust = 1.0 / kept.mean(0).clamp_min(1.0 / k)  # (groups, k)
        patches = (patches * trust[..., None]).view(sets, -1, n)
        for total, one in zip(sums, patches, strict=True):
            total.index_add_(0, at, one)
        trusts.index_add_(0, at, trust.flatten())
    # A pixel's weight is the sum of those of the patches over it.
    spread = F.pad(trusts.view(1, -1, wide), (patch - 1,) * 4)
    weights = F.avg_pool2d(spread, patch, 1, divisor_override=1)
    return space.components.summed(sums.view_as(noisy_patches)), weights


def _closed_form(settings: Pass, noise: Noise, components: Components, *, gray: bool) -> ClosedForm:
    """Give what denoises groups (…, k, n), in components, of this pass."""
    joint = None
    if noise.kernel is None and settings.combine is not Combine.PATCHES:
        share = GRAY_JOINT if gray else JOINT
        joint = max(settings.neighbours // PATCHES_EACH, components.above(share * noise.sigma**2))
    if settings.combine is Combine.VALUES:
        share = settings.noise_share if noise.kernel is None else SHARED_NOISE_SHARE
        _, channels, patch, _ = components.filters.shape
        apart = share * components.of_covariance(noise.covariance(channels, patch))
        covariance = apart.sum((0, 1))

        def by_values(noisy: Tensor, pilot: Tensor | None, variance: Tensor | None) -> Estimate:
            if pilot is None:
                raise ValueError("a pass that combines values needs a pilot")
            if variance is None:
                return combine_values(noisy, pilot, covariance.to(noisy), joint)
            each = variance.sqrt()
            pairs = each[:, :, None] * each[:, None, :]
            scaled = torch.einsum("gcd,cdnm->gnm", pairs, apart.to(noisy))
            return combine_values(noisy, pilot, scaled, joint)

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
        return combine_by_pilot(noisy, pilot, level, joint)

    return by_patches
