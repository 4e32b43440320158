"""What every restoration begins with: bad pixels, banding, the law of the noise, and whether it is removed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from chnorm_cli.classical.first_guess import first_guess
from chnorm_cli.classical.local_prediction import local_filling
from chnorm_cli.fitting.settings import Effort, FirstGuess, FitSettings
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.noise.bad_pixels import BadPixels, bad_beside_banding, find_bad_pixels
from chnorm_cli.noise.banding import Banding, find_banding
from chnorm_cli.noise.law import Law
from chnorm_cli.noise.level import Level
from chnorm_cli.noise.names import Doubt, Faults, Kind
from chnorm_cli.problems.operators import Mask
from chnorm_cli.restoration.bootstrap import Bootstrap, Restorer, noise_variance
from chnorm_cli.restoration.common import unit_sigma
from chnorm_cli.restoration.draws import Seen
from chnorm_cli.restoration.law_beside_holes import law_beside_holes
from chnorm_cli.restoration.second_look import looked_at_again

MOST_STRENGTH = 1.5
LEAST_NOISE = (
    3.0 / 255
)  # σ from which on a picture is cleaned before holes are filled or it is enlarged
SPOILT = 0.001  # of the pixels are bad: more than a sensor has of them
STRAIGHT = "{} were found and taken out first (--banding off leaves them)"
FILLED = "{} were found and filled (--bad-pixels off leaves such pixels as they are)"


@dataclass(frozen=True)
class Said:
    """What a person says of the noise; it means the same in every task.

    `sigma` is on the 0–255 scale and `level` in units of the picture; with neither the law is found
    from the picture, of the kind `noise`. `strength` is how much of the noise is removed.
    """

    sigma: float | None = None
    level: Level | None = None
    noise: str = Kind.AUTO
    strength: float = 1.0
    bad_pixels: str = Faults.AUTO
    banding: str = Faults.AUTO

    def __post_init__(self) -> None:
        """Raise `ValueError` for what means nothing or contradicts itself."""
        if self.noise not in list(Kind):
            raise ValueError(f"noise must be one of {', '.join(Kind)}, not {self.noise!r}")
        for name, value in (("bad_pixels", self.bad_pixels), ("banding", self.banding)):
            if value not in list(Faults):
                raise ValueError(f"{name} must be one of {', '.join(Faults)}, not {value!r}")
        if self.sigma is not None and self.level is not None:
            raise ValueError("give sigma or the numbers of a camera, not both")
        if self.sigma is not None and self.noise not in (Kind.AUTO, Kind.GAUSSIAN):
            raise ValueError(f"sigma is a level of gaussian noise, not of {self.noise}")
        if not 0.0 <= self.strength <= MOST_STRENGTH:
            raise ValueError(f"strength must be between 0 and {MOST_STRENGTH}, not {self.strength}")
        unit_sigma(self.sigma)

    @property
    def level_given(self) -> bool:
        """Whether a person says how strong the noise is."""
        return self.sigma is not None or self.level is not None


@dataclass(frozen=True)
class Beginning:
    """What is known of a picture y (C, H, W) before any fit.

    `missing` (H, W), bool, are the pixels that a task has no values for (None: it has all), `bad`
    those whose values say nothing. `banding` has been taken out of y, and `given` is the picture with
    it. A task that is not about noise wants to be `sure` of it; `told` is a law that was found already,
    and `decided` whether it is removed, if that was, too.
    """

    y: Tensor
    said: Said
    missing: Tensor | None = None
    bad: BadPixels | None = None
    sure: bool = False
    told: Law | None = None
    decided: bool | None = None
    banding: Banding | None = None
    given: Tensor | None = None
    remark: str = ""  # what a person should know besides

    def part(self, y: Tensor, missing: Tensor | None = None) -> Beginning:
        """Give what is known of a part y (C, h, w) of the picture: its law, and whether it is removed."""
        law = replace(self.law, flat=None)
        return Beginning(
            y,
            self.said,
            missing,
            sure=self.sure,
            told=law,
            decided=self.removed is not None,
        )

    @cached_property
    def holes(self) -> Tensor | None:
        """The values (C, H, W), bool, that the answer gives anew; None where there are none."""
        bad = None if self.bad is None else self.bad.values.to(self.y.device)
        if self.missing is None:
            return bad
        missing = self.missing.expand_as(self.y)
        return missing if bad is None else missing | bad

    @cached_property
    def known(self) -> Tensor:
        """The pixels (H, W), bool, that are known in all colours."""
        if self.holes is None:
            return torch.ones(self.y.shape[1:], dtype=torch.bool, device=self.y.device)
        return ~self.holes.any(0)

    @cached_property
    def smooth(self) -> Tensor:
        """The picture (C, H, W) with its holes filled smoothly."""
        if self.holes is None:
            return self.y
        x = first_guess(Mask(self.known.to(self.y.dtype)), self.y * self.known)
        return torch.where(self.holes, x, self.y)

    @cached_property
    def whole(self) -> Tensor:
        """The picture (C, H, W) with its bad pixels filled from those around them.

        What is missing is filled smoothly: it may be wide.
        """
        if self.bad is None or self.holes is None:
            return self.smooth
        x = local_filling(self.y * self.known, self.known, self.smooth)
        return torch.where(self.bad.values.to(self.y.device), x, self.smooth)

    @cached_property
    def law(self) -> Law:
        """The law of the noise, found or as it is told."""
        if self.told is not None:
            return self.told
        said = self.said
        return law_beside_holes(
            self.smooth,
            None if self.holes is None else ~self.known,
            sigma=unit_sigma(said.sigma),
            level=said.level,
            kind=Kind(said.noise),
            alone=self.sure,
        )

    @cached_property
    def left(self) -> tuple[Outcome, tuple[str, ...]] | None:
        """Why the noise is left in the picture, if it is, and what a person should know of that."""
        law, said = self.law, self.said
        if said.strength == 0 or (said.level_given and law.noise.sigma == 0):
            return Outcome.NOTHING_ASKED, ()
        if law.doubt is None:
            return None
        if self.banding is not None:
            return Outcome.STRAIGHT, self.notes
        outcome = Outcome.CLEAN if law.doubt is Doubt.CLEAN else Outcome.NOT_NOISE
        level = f" (σ {255 * law.sigma:.1f} of 255)" if law.doubt is Doubt.CLEAN else ""
        return outcome, (
            f"{law.doubt.sentence}{level}, and the picture is left as it is; give --sigma to denoise"
            " it all the same",
        )

    @cached_property
    def removed(self) -> Law | None:
        """The law of the noise that is removed; None where it is left.

        In few pixels, and beside holes, noise that neighbours share is not told from fine texture
        safely enough, and weak noise matters little.
        """
        law, said = self.law, self.said
        if self.decided is not None:
            return law if self.decided else None
        if self.left is not None:
            return None
        if said.level_given or said.noise != Kind.AUTO:
            return law
        # A picture that is clean but for its bad pixels keeps the others as they are.
        spoilt = self.bad is not None and self.bad.count > SPOILT * self.y[0].numel()
        if (self.sure or spoilt) and law.noise.sigma < LEAST_NOISE:
            return None
        plain = law.noise.kernel is None and law.mixing is None
        return law if plain or not self.sure else None

    def learns_holes(self, settings: FitSettings) -> bool:
        """Whether a network learns to fill the bad pixels, where nothing else is wrong.

        That takes a hundred times as long as to fill them from those around, which is as good with
        `fast`; with more steps it gains a quarter to one dB in them. Beside noise it gains nothing.
        """
        return settings.effort is not Effort.FAST or settings.first_guess is not FirstGuess.AUTO

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of the pixels."""
        bad = () if self.bad is None else (FILLED.format(self.bad.sentence()),)
        faults = bad if self.banding is None else (*bad, STRAIGHT.format(self.banding.sentence()))
        return (*faults, self.remark) if self.remark else faults

    @property
    def straight(self) -> Tensor:
        """The picture (C, H, W) without as much of its banding as is asked for."""
        share = min(1.0, self.said.strength)
        if self.given is None or share == 1.0:
            return self.y
        return torch.lerp(self.given, self.y, share)

    def errors(
        self,
        restorer: Restorer,
        settings: FitSettings,
        in_time: Callable[[], bool],
        share: float = 1.0,
    ) -> Bootstrap:
        """Give what tells the errors of the picture that `restorer` has denoised, to a `share`."""
        seen = Seen(self.straight, self.known, self.said.level_given)
        strength = self.said.strength if share == 1.0 else share * min(1.0, self.said.strength)
        return Bootstrap(
            self.law, restorer, seen, settings.effort, strength, settings.seed, in_time
        )

    def finished(self, x: Tensor, *, clean: bool, as_given: bool = False) -> Tensor:
        """Give the answer for the restored picture x (C, H, W).

        Values that were observed are as restored, or lie between these and the given ones by the
        strength; unless the answer is `clean`, they are those of y bit for bit, or `as_given`.
        """
        share = min(1.0, self.said.strength)
        given = self.y if self.given is None else self.given
        observed = given if as_given else self.straight
        if clean:
            observed = x if share == 1.0 else torch.lerp(given, x, share)
        return observed if self.holes is None else torch.where(self.holes, x, observed)


def begin(
    y: Tensor,
    said: Said,
    missing: Tensor | None = None,
    *,
    sure: bool = False,
    told: Law | None = None,
) -> Beginning:
    """Look at y (C, H, W), which has no values where `missing` (H, W), bool."""
    bad, look = None, said.bad_pixels == Faults.AUTO and said.strength > 0
    seen = y if missing is None else _without(y, missing)
    if look:
        bad = find_bad_pixels(seen, missing)
        bad = bad and looked_at_again(bad, seen, seen, missing)
    if said.banding == Faults.OFF or said.strength == 0:
        return Beginning(y, said, missing, bad, sure, told)
    holes = None if missing is None else missing.expand_as(y).cpu()
    if bad is not None:
        holes = bad.values if holes is None else holes | bad.values
    banding = find_banding(seen, holes)
    if banding is None:
        return Beginning(y, said, missing, bad, sure, told)
    straight = banding.removed_from(y)
    if look:
        bad = bad_beside_banding(bad, seen, banding.removed_from(seen), missing)
        bad = bad and looked_at_again(bad, banding.removed_from(seen), seen, missing)
    return Beginning(straight, said, missing, bad, sure, told, banding=banding, given=y)


def _without(y: Tensor, missing: Tensor) -> Tensor:
    """Give y (C, H, W) with smooth values where they are missing."""
    known = (~missing).to(y.dtype)
    return first_guess(Mask(known), y * known)


def noise_left(y: Tensor, law: Law) -> Tensor:
    """Give the standard error (H, W) of y (C, H, W) as it is: its noise, NaN where that is in doubt."""
    if law.doubt not in (None, Doubt.CLEAN):
        return torch.full_like(y[0], torch.nan)
    return noise_variance(y, law).sqrt()
