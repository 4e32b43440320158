"""The arms of `chnorm lab ablation`: the product's decoder with one thing about it changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import nn

from chnorm_cli.fitting.settings import Normalization, NormalizationPlace
from chnorm_cli.generators.decoder import Decoder
from chnorm_cli.lab import rivals
from chnorm_cli.lab.networks import Init, draw_weights

CHANNEL = "channel"


@dataclass(frozen=True)
class Arm:
    """One way to normalize the product's decoder, and the rate at which Adam learns it."""

    name: str
    norm: Normalization = Normalization.CHANNEL
    place: NormalizationPlace = NormalizationPlace.AFTER
    behind: Callable[[int], nn.Module] | None = None  # stands behind the ReLU, and after `norm`
    precondition: bool = False  # ConvNorm in place of the convolutions
    redirect: rivals.Redirect | None = None
    init: Init = Init.TORCH
    rate: float = 0.01


def arms() -> list[Arm]:
    """Give all arms; those with a name in parentheses are the sweeps over learning rates."""
    channel = Arm(CHANNEL)
    bare = Arm("none", norm=Normalization.NONE)
    he = replace(bare, name="none, He", init=Init.HE)
    return [
        channel,
        *(replace(channel, name=f"channel (rate {rate:g})", rate=rate) for rate in (0.003, 0.03)),
        Arm("channel, no γ β", norm=Normalization.CHANNEL_PLAIN),
        Arm("channel, before ReLU", place=NormalizationPlace.BEFORE),
        Arm("centred only", norm=Normalization.CENTER),
        Arm("scaled only", norm=Normalization.SCALE),
        bare,
        he,
        *(
            replace(he, name=f"none, He (rate {rate:g})", rate=rate)
            for rate in (0.001, 0.003, 0.03)
        ),
        replace(bare, name="group norm", behind=rivals.group_norm),
        replace(bare, name="layer norm", behind=rivals.layer_norm),
        replace(bare, name="ConvNorm alone", precondition=True),
        replace(channel, name="ConvNorm + channel", precondition=True),
        replace(channel, name="channel + CRA (reconstructed)", behind=rivals.Reassessment),
        replace(
            channel, name="channel + H⁰ gradients (reconstructed)", redirect=rivals.directed_h0(0.5)
        ),
        replace(
            channel, name="channel + H¹ gradients (reconstructed)", redirect=rivals.directed_h1(1.0)
        ),
    ]


def build(arm: Arm, widths: tuple[int, ...], size: tuple[int, int], seed: int) -> Decoder:
    """Give the product's decoder with its normalization replaced, its weights drawn from `seed`."""
    decoder = Decoder(1, size, widths=widths, kernel=3, norm=arm.norm, place=arm.place)
    if arm.behind is not None:
        decoder.activations = nn.ModuleList(
            nn.Sequential(*activation, arm.behind(width))  # type: ignore[misc]
            for activation, width in zip(decoder.activations, widths, strict=True)
        )
    if arm.precondition:
        decoder.convolutions = nn.ModuleList(
            rivals.ConvNormConv2d(width, width, 3) for width in widths
        )
    draw_weights(decoder, arm.init, torch.Generator().manual_seed(seed), gain=2.0)
    if arm.redirect is not None:
        rivals.redirect_gradients(decoder, arm.redirect)
    return decoder
