"""What a fit says while it runs (`Step`) and when it is over (`Solution`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np


class DivergedError(ArithmeticError):
    """The loss or its gradient is not finite, and going back did not help: there is no picture."""


class Outcome(Enum):
    """Why a fit ended, as a sentence for people."""

    STEPS = "The planned steps were done."
    CELLS = "Similar patches corrected each other within what the compressed file allows."
    FROM_AROUND = (
        "Bad pixels were filled from those around them, and nothing was left for a network to do."
    )
    DIRECT = "Patches filled every hole, and nothing was left for a network to do."
    STEPS_ASKED = "The number of steps that was asked for was done."
    TIME = "The time that was allowed was used up."
    VARIANCE = "The output stopped settling: its windowed variance passed its minimum (ES-WMV)."
    SPLIT_CHECK = "The error against the independent half of the noise passed its minimum."
    HELD_OUT = "The error on held-out observed pixels passed its minimum."
    DISCREPANCY = "The picture was fitted down to the noise level."
    STRAIGHT = (
        "Offsets of lines were taken out, and no noise that chnorm removes was found beside them."
    )
    CLEAN = "No noise of a kind that chnorm removes was found, and the picture was left alone."
    NOT_NOISE = "What is in the picture does not look like noise, and it was left alone."
    NOTHING_ASKED = "Nothing was asked to be removed, and the picture was left alone."
    ONE_COLOUR = "The picture is of one colour, and the answer is that colour."
    LEARNT = "The first guess explains all that was observed, and nothing was left to learn."
    NOTHING_MISSING = "No pixel is missing, so the picture was left alone."
    INTERRUPTED = "The fit was interrupted; this is the best so far."
    DIVERGED = "The fit diverged: the loss or its gradient stopped being a finite number."

    @property
    def failed(self) -> bool:
        """Whether there is no picture worth writing."""
        return self is Outcome.DIVERGED


@dataclass(frozen=True, slots=True)
class Step:
    """One iteration, as the caller sees it."""

    index: int  # 1, 2, … over the whole run, all stages together
    loss: float  # mean squared error of the objective, picture values in [0, 1]
    grad_norm: float  # sqrt(Σ_l ‖∇W_l‖²) over the convolution weights, as the paper reports it
    layer_grad_norms: Mapping[str, float]  # ‖∇W_l‖₂ by layer, input side first
    seconds: float  # since the restoration began, first guess included
    stage: str = "fit"  # what is being fitted now: "fit", "split check", "refit on all", …
    share_done: float = 0.0  # estimate in [0, 1] of the work that is done, for the time left
    near: str = ""  # the stop rule that is near, e.g. "variance: 63 of 100 steps past its minimum"
    monitor: float | None = None  # the truth-free error that the stop rule watches, if there is one


@dataclass(frozen=True)
class ErrorMap:
    """How wrong a restored picture is expected to be (docs/uncertainty.md).

    `error` (H, W) is the standard error of a value in each pixel, the root mean square over the
    colours, in picture units; NaN where nothing is known. `seconds` are those it took.
    """

    error: np.ndarray[Any, np.dtype[np.float32]]
    seconds: float = 0.0

    @property
    def unknown(self) -> float:
        """The share of the pixels of which nothing is known."""
        return float(np.isnan(self.error).mean())

    @property
    def rms(self) -> float | None:
        """The expected root mean square error where something is known; None where nothing is."""
        known = self.error[~np.isnan(self.error)].astype(np.float64)
        return float(np.sqrt(np.square(known).mean())) if known.size else None


@dataclass(frozen=True)
class Solution:
    """The restored picture and how it came about."""

    pixels: np.ndarray[Any, np.dtype[np.float32]]  # (H, W, C), [0, 1] nominal, not clipped
    outcome: Outcome
    steps: int
    seconds: float
    loss: float
    grad_norm: float
    layer_grad_norms: Mapping[str, float]
    sigma: float | None  # noise level used, on the 0–255 scale; None where it plays no part
    sigma_estimated: bool
    noise: Mapping[str, Any] | None  # the law of the noise (docs); None where it plays no part
    device: str  # "cpu" or "cuda:0 (NVIDIA …)"
    generator: str  # one printable line: shape and number of parameters
    parameters: int
    jpeg: Mapping[str, Any] | None = None  # what its compression says, where it played a part
    plan: Mapping[str, Any] = field(
        default_factory=dict
    )  # what `auto` became: fit, guess, widths …
    notes: tuple[str, ...] = ()  # sentences a person should read, e.g. what was left alone and why
    bad_pixels: Mapping[str, Any] | None = None  # how many were found (docs); None if none were
    banding: Mapping[str, Any] | None = None  # offsets of rows and columns (docs)
    bad_mask: np.ndarray[Any, np.dtype[np.bool_]] | None = None  # where, (H, W)
    error_map: ErrorMap | None = None  # where it was asked for
    expected_rms: float | None = None  # root mean square error, picture units; None: not known
    channels: tuple[Solution, ...] = ()  # what became of each, where they were restored one by one
