"""Non-local ridge regression: similar patches denoise each other by a closed-form combination.

Herbreteau & Kervrann, "Towards a unified view of unsupervised non-local methods for image
denoising: the NL-Ridge approach" (ICIP 2022). For a group Y of k similar patches with n values
each, X̂ = Θ Y with

    Θ = I − n σ² (Y Yᵀ)⁻¹                     without a pilot: minimises Stein's unbiased risk
    Θ = X̄ X̄ᵀ (X̄ X̄ᵀ + n σ² I)⁻¹               with a pilot X̄: minimises the expected risk at X̄

Two deviations, both measured (benchmarks/README.md): colours are combined jointly in the first
pass (+1.9 dB there, because 3n values determine Θ better than n) and one by one in the second,
in opponent colours (+0.4 dB); and patches are matched on all colours (+0.1 dB).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Pass:
    """One pass over the picture: group size, patch side, search radius and grid of references."""

    neighbours: int
    joint: bool  # one Θ for all colours, or one each
    patch: int = 7
    radius: int = 16
    stride: int = 4


FIRST = Pass(neighbours=32, joint=True)
SECOND = Pass(neighbours=55, joint=False)
BLOCK = 8  # references are handled in BLOCK × BLOCK groups that share one search window


def opponent_basis(channels: int) -> Tensor:
    """Give the (C, C) orthonormal change to brightness and colour differences (identity unless RGB)."""
    if channels != 3:
        return torch.eye(channels)
    basis = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [1.0, -2.0, 1.0]])
    unit: Tensor = basis / basis.norm(dim=1, keepdim=True)
    return unit


def nonlocal_ridge(
    y: Tensor,
    sigma: float,
    passes: tuple[Pass, ...] = (FIRST, SECOND),
    pilot: Tensor | None = None,
) -> Tensor:
    """Denoise (C, H, W) with noise of standard deviation `sigma` in the units of y.

    Each pass is the pilot of the next; `pilot` (C, H, W), a better picture than y, that of the first.
    """
    if sigma <= 0:
        return y.clone()
    basis = opponent_basis(y.shape[0]).to(y)
    z = torch.einsum("ij,jhw->ihw", basis, y)
    if pilot is not None:
        pilot = torch.einsum("ij,jhw->ihw", basis, pilot)
    for settings in passes:
        pilot = filter_once(z, sigma, settings, pilot)
    assert pilot is not None
    return torch.einsum("ji,jhw->ihw", basis, pilot)


def filter_once(z: Tensor, sigma: float, settings: Pass, pilot: Tensor | None = None) -> Tensor:
    """Run one pass on (C, H, W); patches are matched on the pilot where there is one."""
    height, width = z.shape[-2:]
    patch = min(settings.patch, height, width)
    rows = _grid(height, patch, settings.stride)
    columns = _grid(width, patch, settings.stride)
    total = torch.zeros_like(z)
    weight = torch.zeros_like(z[:1])
    for start in range(0, len(rows), BLOCK):
        band_rows = rows[start : start + BLOCK]
        top = max(0, int(band_rows[0]) - settings.radius)
        bottom = min(height - patch, int(band_rows[-1]) + settings.radius) + patch
        band = slice(top, bottom)
        values, weights = _filter_band(
            z[:, band],
            None if pilot is None else pilot[:, band],
            (band_rows - top, columns),
            sigma,
            settings,
            patch,
        )
        total[:, band] += values
        weight[:, band] += weights
    return total / weight


def _filter_band(
    z: Tensor,
    pilot: Tensor | None,
    references: tuple[Tensor, Tensor],
    sigma: float,
    settings: Pass,
    patch: int,
) -> tuple[Tensor, Tensor]:
    """Filter the references in one band; give weighted sums (C, h, W) and weights (1, h, W)."""
    channels, height, width = z.shape
    n = patch * patch
    patches = _patches(z, patch)  # (positions, C·n)
    guide = patches if pilot is None else _patches(pilot, patch)
    groups = _similar(guide, (height - patch + 1, width - patch + 1), references, settings)
    count, k = groups.shape

    def grouped(source: Tensor) -> Tensor:
        members = source[groups.flatten()].view(count, k, channels, n)
        if settings.joint:
            return members.reshape(count, 1, k, channels * n)
        return members.transpose(1, 2)  # (G, C, k, n)

    noisy = grouped(patches)
    if pilot is None:
        estimate, energy = _by_risk(noisy, sigma)
    else:
        estimate, energy = _by_pilot(noisy, grouped(guide), sigma)
    # A patch made from many others carries less noise, 1/‖θ_j‖², and counts for more.
    trust = 1.0 / energy.mean(1).clamp_min(1.0 / k)  # (G, k)
    if not settings.joint:
        estimate = estimate.transpose(1, 2)
    weighted = estimate.reshape(count * k, channels * n) * trust.view(-1, 1)
    sums = torch.zeros_like(patches).index_add_(0, groups.flatten(), weighted)
    trusts = patches.new_zeros(len(patches), 1).index_add_(0, groups.flatten(), trust.view(-1, 1))
    return (
        F.fold(sums.mT[None], (height, width), patch)[0],
        F.fold(trusts.mT.expand(n, -1)[None], (height, width), patch)[0],
    )


def _by_risk(noisy: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
    """Give Θ Y for groups (…, k, n), with Θ from Stein's unbiased risk, and ‖θ_j‖² (…, k)."""
    k, n = noisy.shape[-2:]
    noise = n * sigma**2
    # Fewer values than patches leave the noisy Gram matrix singular; a trace of ridge keeps Θ finite.
    ridge = (1e-3 if n < 2 * k else 1e-6) * noise
    inverse = _inverse(noisy @ noisy.mT, ridge)
    theta = torch.eye(k, device=noisy.device, dtype=noisy.dtype) - noise * inverse
    return theta @ noisy, theta.square().sum(-1)


def _by_pilot(noisy: Tensor, pilot: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
    """Give Θ Y for groups (…, k, n), with Θ from a pilot, and ‖θ_j‖² (…, k).

    X̄ X̄ᵀ (X̄ X̄ᵀ + n σ² I)⁻¹ = X̄ (X̄ᵀ X̄ + n σ² I)⁻¹ X̄ᵀ: for groups much larger than a patch the
    second form inverts the smaller matrix. With little noise it is a small difference of large
    numbers, hence float64.
    """
    k, n = pilot.shape[-2:]
    noise = n * sigma**2
    if k < 1.5 * n:
        gram = pilot @ pilot.mT
        theta = torch.eye(k, device=gram.device, dtype=gram.dtype) - noise * _inverse(gram, noise)
        return theta @ noisy, theta.square().sum(-1)
    double = pilot.double()
    gram = double.mT @ double
    left = double @ _inverse(gram, noise)  # Θ = left X̄ᵀ
    estimate = left @ (double.mT @ noisy.double())
    return estimate.to(noisy), ((left @ gram) * left).sum(-1).to(noisy)


def _inverse(gram: Tensor, ridge: float) -> Tensor:
    """Give (Gram matrix + ridge I)⁻¹."""
    eye = torch.eye(gram.shape[-1], device=gram.device, dtype=gram.dtype)
    # With hardly any noise, like patches make a Gram matrix that is singular up to rounding.
    rounding = 4.0 * torch.finfo(gram.dtype).eps * gram.diagonal(dim1=-2, dim2=-1).sum(-1)
    factor, _ = torch.linalg.cholesky_ex(gram + (ridge + rounding[..., None, None]) * eye)
    inverse: Tensor = torch.cholesky_inverse(factor)
    return inverse


def _similar(
    guide: Tensor, positions: tuple[int, int], references: tuple[Tensor, Tensor], settings: Pass
) -> Tensor:
    """Find the `neighbours` positions most like each reference: (references, k) flat indices."""
    tall, wide = positions
    rows, columns = references
    reach = min((BLOCK - 1) * settings.stride + 1 + 2 * settings.radius, wide)
    blocks = [columns[i : i + BLOCK] for i in range(0, len(columns), BLOCK)]
    held = torch.stack([torch.cat([b, b[-1:].expand(BLOCK - len(b))]) for b in blocks])
    real = torch.stack([torch.arange(BLOCK) < len(b) for b in blocks])  # the last block is padded
    left = (held[:, 0] - settings.radius).clamp(0, wide - reach)  # (B,)
    device = guide.device
    cells = guide.view(tall, wide, -1)
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


def _patches(z: Tensor, patch: int) -> Tensor:
    return F.unfold(z[None], patch)[0].mT.contiguous()


def _grid(length: int, patch: int, stride: int) -> Tensor:
    """Give positions every `stride` pixels, the last possible one included."""
    last = length - patch
    return torch.cat([torch.arange(0, last, stride), torch.tensor([last])])
