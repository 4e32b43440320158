"""Arrays of channels that are no colours: they are restored one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chnorm_cli.api.planes import Array, stacked

TOGETHER = (1, 3)  # channels of gray and of colours


def are_many(image: Array, channel_axis: int | None) -> bool:
    """Say whether an array has channels that are no colours: any number of them but three."""
    planes, _, _ = stacked(np.ma.getdata(image), channel_axis)
    return bool(planes.shape[-1] not in TOGETHER)


def one_by_one(
    restore: Callable[[Array], Any],
    image: Array,
    channel_axis: int,
    *,
    uncertainty: bool = False,
    report: bool = False,
) -> Any:
    """Restore each channel as gray planes with a law of its own, and put the answers together.

    The error of a pixel is the root mean square over the channels; the solutions are a list.
    """
    channels = np.moveaxis(np.ma.getdata(image), channel_axis, 0)
    answers = [restore(channel) for channel in channels]
    if not (uncertainty or report):
        return np.stack(answers, axis=channel_axis)
    result = [np.stack([answer[0] for answer in answers], axis=channel_axis)]
    if uncertainty:
        result.append(np.sqrt(np.mean([np.square(answer[1]) for answer in answers], axis=0)))
    return (*result, [answer[-1] for answer in answers]) if report else tuple(result)
