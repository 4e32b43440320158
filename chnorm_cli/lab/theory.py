"""Closed forms for deep linear single-channel networks, in the Fourier domain where they decouple.

The network is G(w₁…w_d) = x ⊛ w₁ ⊛ … ⊛ w_d with full-length circular filters, x centred. Since
circular convolution keeps a zero mean, stacked channel normalizations (ε = 0, no γ, β) collapse to
one division: G = √n Xw/‖Xw‖ with X = circ(x ⊛ w₁ ⊛ … ⊛ w_{d−1}) and w = w_d. The theorems of Dai &
Heckel are reconstructed from their abstract and code; see the derivation in `lab depth`'s notes.

Spectra are `torch.fft.rfft` of real signals (…, n), in float64.
"""

from __future__ import annotations

import torch
from torch import Tensor


def centred(x: Tensor) -> Tensor:
    """Subtract the mean of (…, n)."""
    return x - x.mean(-1, keepdim=True)


def length(x: Tensor) -> Tensor:
    """Give ‖x‖₂ (…) of (…, n)."""
    norm: Tensor = torch.linalg.vector_norm(x, dim=-1)
    return norm


def spectrum(x: Tensor) -> Tensor:
    """Give x̂ (…, n//2 + 1) of x (…, n)."""
    transformed: Tensor = torch.fft.rfft(x)
    return transformed


def signal(spectrum_of_x: Tensor, n: int) -> Tensor:
    """Give x (…, n) back from its spectrum."""
    transformed: Tensor = torch.fft.irfft(spectrum_of_x, n=n)
    return transformed


def convolve(spectrum_of_x: Tensor, w: Tensor) -> Tensor:
    """Give X w, with X = circ(x)."""
    return signal(spectrum_of_x * spectrum(w), w.shape[-1])


def correlate(spectrum_of_x: Tensor, r: Tensor) -> Tensor:
    """Give Xᵀ r."""
    return signal(spectrum_of_x.conj() * spectrum(r), r.shape[-1])


def plain_gradient(spectrum_of_x: Tensor, w: Tensor, y: Tensor) -> Tensor:
    """Give ∇_w ½‖Xw − y‖² = Xᵀ(Xw − y)."""
    return correlate(spectrum_of_x, convolve(spectrum_of_x, w) - y)


def normalized_gradient(spectrum_of_x: Tensor, w: Tensor, y: Tensor) -> Tensor:
    """Give ∇_w ½‖Xw/‖Xw‖ − y‖² = −Xᵀ(I − uuᵀ)y / ‖Xw‖ with u = Xw/‖Xw‖."""
    z = convolve(spectrum_of_x, w)
    long = length(z)[..., None]
    u = z / long
    tangent = y - u * (u * y).sum(-1, keepdim=True)
    return -correlate(spectrum_of_x, tangent) / long


def official_gradient(spectrum_of_x: Tensor, w: Tensor, y: Tensor) -> Tensor:
    """Give what the authors' `getNGrad` computes, up to sign: −Xᵀy/‖Xw‖, its projection lost.

    It writes `np.dot(Xw, Xw.T)` for uuᵀ‖Xw‖²; of 1-D arrays that is the scalar ‖Xw‖², so the
    bracket becomes I − 11ᵀ, and Xᵀ1 = 0 because x is centred.
    """
    return -correlate(spectrum_of_x, y) / length(convolve(spectrum_of_x, w))[..., None]


def gradient_bound(spectrum_of_x: Tensor, w: Tensor, y: Tensor) -> Tensor:
    """Give ‖X‖_op ‖y‖ / ‖Xw‖ (…), which bounds the normalized gradient: ‖I − uuᵀ‖ = 1."""
    largest = spectrum_of_x.abs().amax(-1)
    return largest * length(y) / length(convolve(spectrum_of_x, w))


def rest_products(filters: Tensor) -> Tensor:
    """Give Π_{i≠j} ŵ_i for every j, by products from both ends: no division by small numbers.

    (…, d, F) → (…, d, F).
    """
    one = torch.ones_like(filters[..., :1, :])
    before = torch.cat([one, filters[..., :-1, :]], -2).cumprod(-2)
    after = torch.cat([one, filters.flip(-2)[..., :-1, :]], -2).cumprod(-2).flip(-2)
    return before * after


def parseval(n: int) -> Tensor:
    """Give the weights c (n//2 + 1) with ⟨a, b⟩ = Re Σ c conj(â) b̂ for real signals of length n."""
    weights = torch.full((n // 2 + 1,), 2.0 / n, dtype=torch.float64)
    weights[0] = 1.0 / n
    if n % 2 == 0:
        weights[-1] = 1.0 / n
    return weights


def frequency_gradients(
    x: Tensor, filters: Tensor, y: Tensor, weights: Tensor, *, normalized: bool
) -> tuple[Tensor, Tensor]:
    """Give the loss (…) and the spectra of its gradients for all filters (…, d, F).

    All arguments are spectra; `weights` are those of `parseval`. Without normalization every
    frequency is a scalar deep linear network of its own,
    ∂ŵ_j = conj(x̂ Π_{i≠j} ŵ_i)(x̂ Π ŵ_i − ŷ), the setting of Shamir (arXiv 1809.08587).
    """
    rest = rest_products(filters) * x[..., None, :]
    z = rest[..., 0, :] * filters[..., 0, :]

    def inner(a: Tensor, b: Tensor) -> Tensor:
        return ((a.conj() * b).real * weights).sum(-1, keepdim=True)

    if normalized:
        long = inner(z, z).sqrt()
        u = z / long
        residual = u - y
        pull = (u * inner(u, y) - y) / long  # −(I − uuᵀ)y / ‖Xw‖
    else:
        residual = pull = z - y
    loss = 0.5 * inner(residual, residual)[..., 0]
    return loss, rest.conj() * pull[..., None, :]
