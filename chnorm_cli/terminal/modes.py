"""How progress is shown: chosen by the user, or by what stderr is connected to."""

from __future__ import annotations

import sys
from enum import StrEnum

from chnorm_cli.terminal.console import understands_escapes
from chnorm_cli.terminal.ownership import in_foreground


class ProgressMode(StrEnum):
    """The values of --progress."""

    AUTO = "auto"
    LIVE = "live"  # needs a terminal; lines where there is none
    PLAIN = "plain"
    JSON = "json"
    NONE = "none"


def choose_mode(asked: ProgressMode, *, quiet: bool) -> ProgressMode:
    """Return the mode to use: live on a terminal that understands it, else lines."""
    if quiet and asked is not ProgressMode.JSON:
        return ProgressMode.NONE
    if asked not in (ProgressMode.AUTO, ProgressMode.LIVE):
        return asked
    if not sys.stderr.isatty():
        return ProgressMode.PLAIN
    if asked is ProgressMode.LIVE:
        return ProgressMode.LIVE
    if not understands_escapes():
        return ProgressMode.PLAIN
    return ProgressMode.LIVE if in_foreground() else ProgressMode.NONE
