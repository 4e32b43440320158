"""Levels of noise in the numbers of a file ⇄ levels in the nominal range of a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chnorm_cli.scaling.requests import NoiseAsked

if TYPE_CHECKING:
    from chnorm_cli.images import Picture

WHITE = {"8": 255.0, "16": 65535.0}  # of integers; floats have a range of their own


def numbers_of(picture: Picture) -> tuple[float, float]:
    """Give (offset, span): a number of the file is pixel · span + offset."""
    offset, span = picture.value_range
    if (offset, span) == (0.0, 1.0):
        return 0.0, WHITE.get(str(picture.depth), 1.0)
    return offset, span


def noise_arguments(picture: Picture, asked: NoiseAsked) -> dict[str, Any]:
    """Give the keywords of every task for what was said of the noise in this file."""
    offset, span = numbers_of(picture)
    sigma = asked.sigma
    if sigma is not None and asked.own_numbers:
        sigma *= 255.0 / span
    level = None
    if asked.gain is not None or asked.read_noise is not None:
        import torch

        from chnorm_cli.noise.level import Level

        black = ((asked.black or 0.0) - offset) / span
        one = torch.ones(picture.pixels.shape[2])
        read, gain = (asked.read_noise or 0.0) / span, (asked.gain or 0.0) / span
        level = Level(read * one, gain * one, 0.0 * one, black * one)
    return {
        "sigma": sigma,
        "level": level,
        "noise": asked.kind,
        "strength": asked.strength,
        "bad_pixels": asked.bad_pixels,
        "banding": asked.banding,
    }
