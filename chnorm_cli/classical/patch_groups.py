"""How a group of similar patches is denoised: closed forms of linear estimation.

A group Y holds k patches of n values. Patches can be combined with each other, Θ Y, or the values
of each patch, (Y − μ) W + μ:

    Θ = I − n σ² (Y Yᵀ)⁻¹               without a pilot: minimises Stein's unbiased risk
    Θ = X̄ X̄ᵀ (X̄ X̄ᵀ + n σ² I)⁻¹         with a pilot X̄: minimises the expected risk at X̄
    W = (C + τ Σ)⁻¹ C                   with the mean μ and the covariance C of the pilot's patches

The first two are non-local ridge regression (Herbreteau & Kervrann, "Towards a unified view of
unsupervised non-local methods for image denoising: the NL-Ridge approach", ICIP 2022); the last
is the Wiener filter of non-local Bayes (Lebrun, Buades & Morel, SIAM J. Imaging Sci. 2013). Σ is
the covariance of the noise, and σ² its variance where it is independent. Where neighbours share it,
the Gram matrix N of the patches' noise stands in place of n σ² I (`shared_noise.py`).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

SOLVED = 25  # rows of a matrix, at most, that LAPACK inverts as fast as products of its halves


class Estimate(NamedTuple):
    """Denoised groups (…, k, n), and the share of the noise's variance that each patch (…, k) keeps."""

    patches: Tensor
    kept: Tensor


def combine_by_risk(noisy: Tensor, variance: float | Tensor) -> Estimate:
    """Combine the patches of groups (…, k, n) with each other, by Stein's unbiased risk.

    `variance` is σ², one number or one a group (…, 1, 1).
    """
    k, n = noisy.shape[-2:]
    noise = n * variance
    # Fewer values than patches leave the noisy Gram matrix singular; a trace of ridge keeps Θ finite.
    ridge = (1e-3 if n < 2 * k else 1e-6) * noise
    inverse = _inverse(noisy @ noisy.mT, ridge)
    theta = torch.eye(k, device=noisy.device, dtype=noisy.dtype) - noise * inverse
    return Estimate(theta @ noisy, theta.square().sum(-1))


def combine_by_pilot(
    noisy: Tensor, pilot: Tensor, variance: float | Tensor, joint: int | None = None
) -> Estimate:
    """Combine the patches of groups (…, k, n) with each other, as is best for the pilot's.

    X̄ X̄ᵀ (X̄ X̄ᵀ + n σ² I)⁻¹ = X̄ (X̄ᵀ X̄ + n σ² I)⁻¹ X̄ᵀ: the second form is by values. Of these, which
    are principal components, the first `joint` are regarded together and the others each alone, as
    if X̄ᵀ X̄ were diagonal there: it is nearly, and less of it is due to chance (measured).
    """
    n = pilot.shape[-1]
    noise = n * variance
    lead, rest = _parted(pilot, joint)
    noisy_lead, noisy_rest = _parted(noisy, joint)
    patches, kept = _jointly(noisy_lead, lead, noise)
    if rest is None or noisy_rest is None:
        return Estimate(patches, kept)
    power = rest.square()
    size = power.sum(-2, keepdim=True)
    shrunk = 1.0 / (size + noise)
    patches = torch.cat([patches, rest * ((rest * noisy_rest).sum(-2, keepdim=True) * shrunk)], -1)
    return Estimate(patches, kept + (power @ (size * shrunk.square()).mT)[..., 0])


def _jointly(noisy: Tensor, pilot: Tensor, noise: float | Tensor) -> Estimate:
    """Give Θ Y for Θ = X̄ A⁻¹ X̄ᵀ where A = X̄ᵀ X̄ + `noise` I.

    A has few large values, as principal components have, and rounding stays with them. The form by
    patches, X̄ X̄ᵀ, spreads it over all.
    """
    k, m = pilot.shape[-2:]
    if k < m:
        whitened = pilot @ _inverse_factor(pilot.mT @ pilot, noise).mT
        theta = whitened @ whitened.mT
        return Estimate(theta @ noisy, theta.square().sum(-1))
    # Never Θ itself; and products of two matrices at once are faster than one by one.
    products = pilot.mT @ torch.cat([pilot, noisy], -1)
    inverse = _inverse(products[..., :m], noise)
    solved = pilot @ torch.cat([inverse, inverse @ products[..., m:]], -1)
    weights = solved[..., :m]  # P = X̄ A⁻¹, and diag(Θ²) = diag(P (A − `noise` I) Pᵀ)
    return Estimate(solved[..., m:], (weights * (pilot - noise * weights)).sum(-1))


def combine_sharing(noisy: Tensor, pilot: Tensor | None, shared: Tensor) -> Estimate:
    """Combine the patches of groups (…, k, n) with each other, where they share their noise.

    `shared` is N, (…, k, k), in place of n σ² I: Θ = I − N (Y Yᵀ)⁻¹ without a pilot, and
    Θ = I − N (X̄ X̄ᵀ + N)⁻¹ with one.
    """
    k, n = noisy.shape[-2:]
    noise = shared.diagonal(dim1=-2, dim2=-1).mean(-1)[..., None, None]
    if pilot is None:
        gram, ridge = noisy @ noisy.mT, (1e-3 if n < 2 * k else 1e-6) * noise
    else:
        gram, ridge = pilot @ pilot.mT + shared, 1e-5 * noise
    eye = torch.eye(k, device=noisy.device, dtype=noisy.dtype)
    theta = eye - torch.cholesky_solve(shared.expand_as(gram), _factor(gram, ridge)).mT
    kept = ((theta @ shared) * theta).sum(-1) / noise[..., 0]
    return Estimate(theta @ noisy, kept)


def combine_values(
    noisy: Tensor, pilot: Tensor, noise: Tensor, joint: int | None = None
) -> Estimate:
    """Combine the values of each patch in groups (…, k, n); `noise` is τ Σ, (n, n) or (…, n, n).

    As above the first `joint` of the values are regarded together and the others each alone.
    """
    k, n = pilot.shape[-2:]
    m = n if joint is None else min(joint, n)
    mean = pilot.mean(-2, keepdim=True)
    centred, off = pilot - mean, noisy - mean
    lead = centred[..., :m]
    covariance = lead.mT @ lead / k
    half = _inverse_factor(covariance, noise[..., :m, :m])
    weights = half.mT @ (half @ covariance)
    kept = weights.square().sum((-2, -1))
    patches = off[..., :m] @ weights
    if m < n:
        size = centred[..., m:].square().mean(-2, keepdim=True)
        share = size / (size + noise.diagonal(dim1=-2, dim2=-1)[..., None, m:])
        kept = kept + share.square().sum((-2, -1))
        patches = torch.cat([patches, off[..., m:] * share], -1)
    kept = kept / n + 1.0 / k  # the mean keeps 1/k
    return Estimate(mean + patches, kept[..., None].expand(*kept.shape, k))


def _parted(values: Tensor, joint: int | None) -> tuple[Tensor, Tensor | None]:
    """Part (…, n) into what is regarded together and what each alone, if anything."""
    if joint is None or joint >= values.shape[-1]:
        return values, None
    return values[..., :joint], values[..., joint:]


def _inverse(gram: Tensor, ridge: float | Tensor) -> Tensor:
    """Give (Gram matrix + ridge I)⁻¹."""
    half = _inverse_factor(gram, ridge)
    return half.mT @ half


def _inverse_factor(gram: Tensor, noise: float | Tensor) -> Tensor:
    """Give L⁻¹, where L Lᵀ is the Gram matrices (…, m, m) with the noise of `_ridged`."""
    return _halved(_ridged(gram, noise))


def _halved(matrix: Tensor) -> Tensor:
    """Give L⁻¹ of the Cholesky factor L of (…, m, m), by halves: products are faster than solvers."""
    m = matrix.shape[-1]
    if m <= SOLVED:
        factor, _ = torch.linalg.cholesky_ex(matrix)
        eye = torch.eye(m, device=matrix.device, dtype=matrix.dtype).expand_as(matrix)
        solved: Tensor = torch.linalg.solve_triangular(factor, eye, upper=False)
        return solved
    h = m // 2
    inverse = torch.zeros_like(matrix)
    first = inverse[..., :h, :h] = _halved(matrix[..., :h, :h])
    across = matrix[..., h:, :h] @ first.mT
    second = inverse[..., h:, h:] = _halved(matrix[..., h:, h:] - across @ across.mT)
    inverse[..., h:, :h] = -second @ (across @ first)
    return inverse


def _factor(gram: Tensor, noise: float | Tensor) -> Tensor:
    """Give the Cholesky factor of the Gram matrices (…, m, m) with the noise of `_ridged`."""
    factor: Tensor
    factor, _ = torch.linalg.cholesky_ex(_ridged(gram, noise))
    return factor


def _ridged(gram: Tensor, noise: float | Tensor) -> Tensor:
    """Give Gram matrices (…, m, m) + `noise`, (m, m) or a multiple of I.

    A multiple is a number, or one a matrix (…, 1, 1).
    """
    # With hardly any noise, like patches make a Gram matrix that is singular up to rounding.
    rounding = 4.0 * torch.finfo(gram.dtype).eps * gram.diagonal(dim1=-2, dim2=-1).sum(-1)
    ridge = rounding[..., None]
    if isinstance(noise, Tensor) and noise.shape[-1] > 1:
        noisy = gram + noise
    else:
        noisy = gram.clone()
        ridge = ridge + (noise[..., 0] if isinstance(noise, Tensor) else noise)
    noisy.diagonal(dim1=-2, dim2=-1).add_(ridge)
    return noisy
