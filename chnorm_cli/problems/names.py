"""The words that problems and fits share, free of torch so that the command line can list them."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

Say = Callable[[str], None]  # told what is happening, for people who wait


class FirstGuess(StrEnum):
    """The cheap classical answer A⁺y whose residual the network learns."""

    AUTO = "auto"
    NONE = "none"
    CLASSICAL = "classical"  # smooth filling, bicubic interpolation with back-projection
    NONLOCAL = "nonlocal"  # similar patches, alone or inside plug-and-play iterations


class Kernel(StrEnum):
    """How a low-resolution picture was made; all three are antialiased, as in Pillow."""

    BICUBIC = "bicubic"
    LANCZOS = "lanczos"
    BOX = "box"
