"""Restore one corrupted picture with an untrained network with channel normalization.

    from chnorm_cli import denoise, inpaint, superres
    clean = denoise(noisy)                # numpy in, numpy out, σ found by itself

torch is imported when one of these is first asked for, so that importing the package is cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chnorm_cli.api import denoise, inpaint, superres

__version__ = "0.1.0"
__all__ = ["__version__", "denoise", "inpaint", "superres"]


def __getattr__(name: str) -> Any:
    if name in ("denoise", "inpaint", "superres"):
        from chnorm_cli.waiting import wait_asleep

        wait_asleep()
        from chnorm_cli import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
