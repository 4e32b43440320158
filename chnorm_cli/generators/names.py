"""The words for architectures and normalizations, free of torch so that the command line can list them."""

from __future__ import annotations

from enum import StrEnum


class GeneratorName(StrEnum):
    """The architectures of G."""

    AUTO = "auto"
    DECODER = "decoder"  # tapered, 3×3 before the upsampling
    DEEP_DECODER = "deep-decoder"  # Heckel & Hand: 1×1, constant width
    HOURGLASS = "hourglass"  # the deep image prior's skip network
    UNET = "unet"  # image to image, for `recorrupt`


class Normalization(StrEnum):
    """Channel normalization and what it is compared with."""

    CHANNEL = "channel"
    CHANNEL_PLAIN = "channel-plain"  # without the learned γ, β
    CENTER = "center"  # subtract the mean only
    SCALE = "scale"  # divide by the deviation only
    NONE = "none"


class NormalizationPlace(StrEnum):
    """Channel normalization after the activation (the paper's code) or before it (deep image prior)."""

    AUTO = "auto"  # as the authors of each generator have it
    AFTER = "after"
    BEFORE = "before"
