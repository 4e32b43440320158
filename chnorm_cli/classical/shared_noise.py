"""The covariance of whole patches with each other, where neighbouring pixels share their noise.

Patches of a group that lie near each other hold nearly the same noise then, and combining them takes
less of it away than independent ones would: the noise of a group is a Gram matrix of its own,

    N_ij = Σ_u cov(e(p_i + u), e(p_j + u)) = n ρ(p_i − p_j),

with the covariance ρ of the noise by lag, summed over the colours that are combined jointly.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from chnorm_cli.classical.passes import Combine, Pass
from chnorm_cli.noise.gaussian import Noise


def shared_noise(
    noise: Noise, rows: Tensor, columns: Tensor, settings: Pass, variance: Tensor | None
) -> Tensor:
    """Give N (sets, groups, k, k) of groups whose patches begin at `rows` and `columns` (groups, k).

    `variance` (groups, C) is how much more the noise of a group has than σ². Raises `ValueError`
    for noise that is independent.
    """
    if noise.kernel is None:
        raise ValueError("independent noise has no covariance between patches")
    reach = noise.kernel.shape[-1] - 1
    kernel = noise.kernel.to(rows.device)
    # The covariance of each colour with itself, (C, 2·reach + 1, …), 0 beyond.
    lags = torch.stack([F.conv2d(of[None], of[None], padding=reach)[0, 0] for of in kernel]) * (
        noise.sigma**2 * settings.patch**2
    )
    lags = F.pad(lags, (1, 1, 1, 1)).flatten(1)
    side = 2 * reach + 3
    down, right = (
        (at[..., None] - at[..., None, :]).clamp(-reach - 1, reach + 1) + reach + 1
        for at in (rows, columns)
    )
    at = down * side + right  # (groups, k, k)
    if settings.combine is Combine.PATCHES_BY_COLOUR:
        each = lags[:, at]
        return each if variance is None else variance.mT[..., None, None] * each
    if variance is None:
        return lags.sum(0)[at][None]
    mean = variance.mean(-1)[:, None, None]  # the colours of a group are combined jointly
    return (lags.sum(0)[at] * mean)[None]
