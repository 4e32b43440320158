"""Channel normalization: every channel of every picture is centred and scaled over its own pixels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from chnorm_cli.generators.names import Normalization

EPS = 1e-5  # the paper's code; breaks exact scale invariance once a channel's variance nears it


class ChannelNorm(nn.Module):
    """z ← γ (z − mean z) / sqrt(var z + ε) + β, per channel over the H·W pixels of one picture.

    The variance is the biased one, as in `BatchNorm2d`, whose training mode this equals at batch
    size one; for any batch size it equals `InstanceNorm2d(affine=True)`. There are no running
    statistics: training and evaluation compute the same function (Dai & Heckel, arXiv 1907.09539).
    Input and output are (N, C, H, W).
    """

    def __init__(self, channels: int, *, affine: bool = True, eps: float = EPS) -> None:
        super().__init__()
        self.channels = channels
        self.eps = eps
        self.gamma = nn.Parameter(torch.ones(channels)) if affine else None
        self.beta = nn.Parameter(torch.zeros(channels)) if affine else None

    def forward(self, z: Tensor) -> Tensor:
        """Normalize (N, C, H, W)."""
        if z.shape[0] == 1 and z.shape[-2:].numel() > 1:
            # One picture: the fused batch kernel keeps channels_last and its backward is one pass.
            return F.batch_norm(z, None, None, self.gamma, self.beta, training=True, eps=self.eps)
        # torch's own entry, not F's: that one refuses 1×1 pictures, whose answer is simply β.
        return torch.group_norm(z, self.channels, self.gamma, self.beta, self.eps)

    def extra_repr(self) -> str:
        """Say what print(module) should."""
        return f"{self.channels}, affine={self.gamma is not None}"


class Centering(nn.Module):
    """z ← z − mean z + β, per channel: channel normalization without the division."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, z: Tensor) -> Tensor:
        """Centre (N, C, H, W)."""
        return z - z.mean((-2, -1), keepdim=True) + self.beta.view(-1, 1, 1)


class Scaling(nn.Module):
    """z ← γ z / sqrt(var z + ε), per channel: channel normalization without the subtraction."""

    def __init__(self, channels: int, *, eps: float = EPS) -> None:
        super().__init__()
        self.eps = eps
        self.gamma = nn.Parameter(torch.ones(channels))

    def forward(self, z: Tensor) -> Tensor:
        """Scale (N, C, H, W)."""
        variance = z.var((-2, -1), correction=0, keepdim=True)
        return z * torch.rsqrt(variance + self.eps) * self.gamma.view(-1, 1, 1)


def normalization(kind: Normalization, channels: int) -> nn.Module:
    """Give the module for one of the normalizations that `--normalization` names."""
    match kind:
        case Normalization.CHANNEL:
            return ChannelNorm(channels)
        case Normalization.CHANNEL_PLAIN:
            return ChannelNorm(channels, affine=False)
        case Normalization.CENTER:
            return Centering(channels)
        case Normalization.SCALE:
            return Scaling(channels)
        case Normalization.NONE:
            return nn.Identity()
