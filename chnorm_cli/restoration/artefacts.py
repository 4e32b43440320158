"""Taking the artefacts of its compression out of a picture: y = x after JPEG."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from chnorm_cli.classical.artefacts import (
    MOVED,
    CompressionErrors,
    compression_errors,
    without_artefacts,
)
from chnorm_cli.noise.gaussian import Noise
from chnorm_cli.noise.law import Law
from chnorm_cli.noise.level import Level
from chnorm_cli.noise.names import Kind
from chnorm_cli.noise.quantized import chance_of_noise
from chnorm_cli.problems.jpeg import Jpeg
from chnorm_cli.problems.names import Say
from chnorm_cli.restoration.bootstrap import smoothed
from chnorm_cli.restoration.tiles.artefact_tiles import Uncompress, in_cells, largest_step
from chnorm_cli.restoration.tiles.tiled import Joining, progress

FOUND = "{}: its artefacts were taken out, and the file could have been made from the result"
NOISY = "{}, made of a noisy picture ({}): noise and artefacts were taken out"
IN_DOUBT = (
    "{}, with what may be noise ({}) or texture: a part of it was taken out with the artefacts"
)
BESIDE_FAULTS = (
    "{}: compressing has spread these faults over blocks and hidden some, and its artefacts are left"
    " (--bad-pixels off --banding off takes them out instead)"
)
LEAST = 0.4 / 255  # error of luma; below, 8 bits hide the artefacts
KEPT = 0.15  # of the noise: a compression that errs less leaves it as it was
# Of files of at least such a quality, which people take for originals, as a root mean square: 45 dB
# to themselves, and half a level in the mean. --strength beyond 1 lifts that.
MOST_CHANGE = ((95, 0.65 / 255), (90, 1.4 / 255))
NOISIER = 1.25  # times the error: what is stronger is noise that went through the compression
# The same for noise that neighbours share: of a shot, it hides as much as the compression errs. What
# is weaker than NOISIER must leave no doubt (sixteen shots, and 26 photographs without noise).
AS_NOISY = 1.0
# What is in doubt is seldom texture where it is so many times as strong as the error (in seven
# photographs at most 2.14, in six shots 2.25 to 4.7): between the two the chance rises to SHARE.
DOUBTED, BELIEVED, SHARE = 2.0, 2.4, 2 / 3
# Where the blocks lie, in pixels, in the trials that tell how wrong an answer is; and how much more
# than the trials it errs: it is smoother than the truth (six crops, qualities 20 and 60).
TRIALS = ((4, 4), (2, 6), (6, 2))
TRIAL_FACTOR = 1.6


@dataclass(frozen=True)
class Wrong:
    """What is wrong with a JPEG: the errors of its compression, and what a law of noise is worth.

    `chance` is how likely there is noise in it as the law says, rather than texture: with 0 the law
    is not followed, with 1 it alone is, and in between the answer is the mean of both, weighed so.
    """

    jpeg: Jpeg
    errors: CompressionErrors
    chance: float = 0.0
    tile: int | None = None  # side of the tiles in which a large picture is cleaned

    @property
    def visible(self) -> bool:
        """Whether the artefacts matter, in whatever noise."""
        return self.errors.noisy or self.errors.luma >= LEAST

    def cleaned(
        self,
        y: Tensor,
        strength: float = 1.0,
        *,
        say: Say = lambda _: None,
        go_on: Callable[[], bool] = lambda: True,
    ) -> Tensor:
        """Give y (C, H, W) without artefacts, or with a part of them at a lower `strength` than 1."""
        errors = self.errors.stronger(max(1.0, strength))
        if self.tile is None:
            x = without_artefacts(y, self.jpeg, errors, say=say, go_on=go_on)
        else:
            x = self._in_tiles(y, errors, self.tile, say, go_on)
        return self.limited(y, x, strength)

    def limited(self, y: Tensor, x: Tensor, strength: float) -> Tensor:
        """Give of the change from y (C, H, W) to x as much as is asked for, and as is right."""
        return torch.lerp(y, x, min(1.0, strength, largest_step(x - y, self.most_change(strength))))

    def most_change(self, strength: float) -> float:
        """Give the largest root mean square of a change that is right."""
        if self.errors.noisy or strength > 1:
            return math.inf
        quality = self.jpeg.compression.quality
        return next((most for least, most in MOST_CHANGE if quality >= least), math.inf)

    @property
    def law(self) -> Law | None:
        """The law of the noise that went through the compression: it was white in the colours."""
        if not self.errors.noisy:
            return None
        noise = noise_of(self.errors)
        return Law(noise, Level.constant(noise.sigma, len(self.errors.noise)))

    @property
    def note(self) -> str:
        """What a person should know of a picture that is cleaned."""
        found, law = self.jpeg.compression.sentence(), self.law
        return FOUND.format(found) if law is None else NOISY.format(found, law.sentence())

    def _in_tiles(
        self,
        y: Tensor,
        errors: CompressionErrors,
        side: int,
        say: Say,
        go_on: Callable[[], bool],
    ) -> Tensor:
        work = Uncompress(self.jpeg, errors, (y.shape[-2], y.shape[-1]), go_on=go_on)
        joining, began = Joining(work, y, side), time.perf_counter()
        for done in joining:
            say(progress(done, joining.count, time.perf_counter() - began))
        x = joining.total
        assert x is not None
        return x if errors.noisy else in_cells(x, self.jpeg)

    def error_of_cleaned(
        self, in_time: Callable[[], bool], strength: float = 1.0
    ) -> CompressedAgain:
        """Give what tells the errors of a picture without artefacts."""
        return CompressedAgain(self.jpeg, self.errors.stronger(max(1.0, strength)), in_time)

    def error_of_decoded(self, y: Tensor) -> Tensor:
        """Give the standard error (H, W) of a value of the decoded y (C, H, W), its noise included."""
        again = self.jpeg.compression.moved(MOVED, MOVED).forward(y)
        squares = smoothed(smoothed((again - y).square().mean(0)))
        return (squares + noise_of(self.errors).sigma ** 2).sqrt()

    def weighed(
        self, y: Tensor, restored: Callable[[Tensor], Tensor], strength: float
    ) -> Callable[[Tensor], Tensor]:
        """Give the mean of what `restored` gives by the law and y (C, H, W) without artefacts."""
        texture: list[Tensor] = []

        def answer(z: Tensor) -> Tensor:
            if not texture:
                texture.append(self.cleaned(y, strength))
            return torch.lerp(texture[0], restored(z), self.chance)

        return answer


def what_is_wrong(y: Tensor, jpeg: Jpeg | None, law: Law, tile: int | None = None) -> Wrong | None:
    """Say what is wrong with y (C, H, W), in which `law` was found; None where nothing is that matters.

    It is put right in tiles of `tile`² pixels, or (None) in the whole at once.
    """
    if jpeg is None or min(y.shape[1:]) < 2:
        return None
    errors = compression_errors(y, jpeg)
    wrong = Wrong(jpeg.to(y.device), errors, tile=tile)
    found = law.doubt is None and law.noise.sigma > 0
    stronger = found and law.sigma > NOISIER * errors.luma
    if errors.noisy:
        # The law knows noise that follows the brightness, and a network removes it best where the
        # file has kept it as it was. Where pixels share chroma it does not know what is left of it.
        whole = jpeg.compression.subsampling in ("", "4:4:4")
        kept = errors.luma < KEPT * errors.noise[0] or law.kind is not Kind.GAUSSIAN
        left_to_law = stronger and whole and kept
        return replace(wrong, chance=1.0) if left_to_law else wrong
    as_noisy = found and law.noise.kernel is not None and law.sigma > AS_NOISY * errors.luma
    if stronger or as_noisy:
        # Where neighbours share it, texture passes for noise most easily.
        weakest = 0.0 if law.noise.kernel is None else 255.0 * min(law.sigma, *law.levels())
        chance = chance_of_noise(jpeg.numbers[0], jpeg.compression.planes[0].table, weakest)
        if chance < 1.0:
            chance = _surer(chance, law.sigma / errors.luma) if stronger else 0.0
        wrong = replace(wrong, chance=chance)
    return wrong if wrong.chance > 0 or wrong.visible else None


def remark_beside_faults(y: Tensor, jpeg: Jpeg | None) -> str:
    """Say what compressing did to bad pixels or banding in y (C, H, W); "" where it did little."""
    if jpeg is None or not Wrong(jpeg, compression_errors(y, jpeg)).visible:
        return ""
    return BESIDE_FAULTS.format(jpeg.compression.sentence())


def _surer(chance: float, times: float) -> float:
    """Give the chance of noise, if there is any, that is so many times as strong as the error."""
    sure = min(1.0, max(0.0, (times - DOUBTED) / (BELIEVED - DOUBTED)))
    return chance + sure * (SHARE - chance) if chance > 0 else 0.0


def noise_of(errors: CompressionErrors) -> Noise:
    """Give the noise as it was in the picture's colours, where it was white."""
    mixed = errors.colours.matrix(len(errors.noise))[0].norm()
    return Noise(float(errors.noise[0]) / float(mixed))


def compressed_again(
    x: Tensor, wrong: Wrong, corner: tuple[int, int], random: torch.Generator
) -> tuple[Tensor, Jpeg]:
    """Give x (C, H, W) noisy and compressed as `wrong` says, with the blocks moved by so many pixels."""
    moved = wrong.jpeg.compression.moved(*corner)
    seen = noise_of(wrong.errors).added_to(x, random)
    again = Jpeg(moved, tuple(c.round() for c in moved.coefficients(seen)))
    return again.decoded((x.shape[1], x.shape[2])), again


@dataclass(frozen=True)
class CompressedAgain:
    """The errors of a picture without artefacts: compress it again, with the blocks elsewhere.

    There the truth is known. It is the bootstrap of `bootstrap.py` with shifts for its symmetries.
    """

    jpeg: Jpeg
    errors: CompressionErrors
    in_time: Callable[[], bool]

    def map(self, x: Tensor, say: Say) -> Tensor:
        """Give the standard error (H, W) of a value of x (C, H, W)."""
        random = torch.Generator().manual_seed(0)
        total, made = torch.zeros_like(x[0]), 0
        for number, corner in enumerate(TRIALS, start=1):
            if made and not self.in_time():
                break
            say(f"error map, trial {number} of {len(TRIALS)}")
            y, again = compressed_again(x, Wrong(self.jpeg, self.errors), corner, random)
            total += (without_artefacts(y, again, self.errors) - x).square().mean(0)
            made += 1
        return TRIAL_FACTOR * smoothed(smoothed(total / made)).sqrt()

    def rms(self, _: Tensor) -> float | None:
        """Give nothing: it takes the trials to know."""
        return None
