"""Examples for `recorrupt`: the observation, corrupted once more in the way it was corrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from chnorm_cli.classical.first_guess import first_guess
from chnorm_cli.noise.gaussian import Noise
from chnorm_cli.problems.names import Kernel, Say
from chnorm_cli.problems.operators import Downsample, resized
from chnorm_cli.recorruption.dead_leaves import dead_leaves


@dataclass(frozen=True)
class Query:
    """What the network is asked: features (F, H, W) and the first guess (C, H, W) to correct.

    Where not all is, `wanted` (H, W), bool, says which pixels' answer counts.
    """

    features: Tensor
    guess: Tensor
    wanted: Tensor | None = None


@dataclass(frozen=True)
class Example:
    """A query with its answer: target (C, H, W), and weight (1, H, W) where only some pixels count."""

    features: Tensor
    guess: Tensor
    target: Tensor
    weight: Tensor | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.guess.shape[-2], self.guess.shape[-1]

    def crop(self, top: int, left: int, size: int) -> Example:
        """Cut out the square of `size` pixels at (top, left)."""

        def cut(x: Tensor) -> Tensor:
            return x[..., top : top + size, left : left + size]

        return Example(
            cut(self.features),
            cut(self.guess),
            cut(self.target),
            None if self.weight is None else cut(self.weight),
        )

    @staticmethod
    def stack(parts: Sequence[Example], transform: Callable[[Tensor], Tensor]) -> Example:
        """Give one batched example (N, …) with `transform` applied to every picture in it."""
        weights = [e.weight for e in parts if e.weight is not None]
        return Example(
            transform(torch.stack([e.features for e in parts])),
            transform(torch.stack([e.guess for e in parts])),
            transform(torch.stack([e.target for e in parts])),
            transform(torch.stack(weights)) if weights else None,
        )


@dataclass(frozen=True)
class FreshNoise:
    """A picture (C, H, W) that is asked for from itself with noise, drawn anew for each crop.

    There is no first guess, which would have to be made anew as well, but no noise to learn by
    heart either: a network may learn from it as long as it likes.
    """

    target: Tensor
    noise: Noise
    random: torch.Generator

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.target.shape[-2], self.target.shape[-1]

    def crop(self, top: int, left: int, size: int) -> Example:
        """Cut out the square of `size` pixels at (top, left), with fresh noise."""
        target = self.target[..., top : top + size, left : left + size]
        noisy = self.noise.added_to(target, self.random)
        return Example(centered(noisy), noisy, target)


Guess = Callable[[Tensor], Tensor]  # (C, H, W) to a denoised (C, H, W)
FILLED_SHRINKS = (1.0, 0.75, 0.5)  # of a filled picture that examples are made of
DENOISED_SHRINKS = (0.75, 1.0, 0.6, 1.0)
LEAST_HOLES = 0.05  # of the pixels; fewer, and most crops show none (measured: 0.2 dB, once 2.3)
MOST_COPIES = 15  # of the mask, on top of each other, to come to that
DRAWING = 192  # pixels, the side of a drawn picture
ANSWER_SHRINKS = (1.0, 0.75, 0.6)  # of a restored picture that is asked for again
MOST_PIXELS = 1 << 20  # of an example; a network learns no more from a whole large picture


def centered(x: Tensor) -> Tensor:
    """Bring picture values in [0, 1] to the scale that a freshly initialised network likes."""
    return (x - 0.5) / 0.25


def noise_features(y: Tensor, guess: Tensor, sigma: float) -> Tensor:
    """Show the guess and what it took away, (2C, H, W), each of about unit size."""
    return torch.cat([centered(guess), (y - guess) / (2.0 * sigma)])


def renoised(
    guess: Tensor, noise: Noise, denoise: Guess, copies: int, random: torch.Generator, say: Say
) -> Iterator[Example]:
    """Give the first guess, and shrunk copies of it, fresh noise and ask for them back: g + e_k → g.

    The target is free of fresh noise, so the fit cannot learn the noise of y by heart, as it does
    with the recorrupted observation below after a few hundred steps (measured: +0.3 dB). Shrunk
    copies have sharper edges, and are made sooner (measured: +0.04 dB).
    """
    for copy in range(copies):
        say(f"first guess, copy {copy + 1} of {copies}")
        target = shrunk(guess, DENOISED_SHRINKS[copy % len(DENOISED_SHRINKS)])
        target = window(target, MOST_PIXELS, random)
        noisy = noise.added_to(target, random)
        again = denoise(noisy)
        yield Example(noise_features(noisy, again, noise.sigma), again, target)


def noisy_again(
    x: Tensor, noise: Noise, drawings: int, random: torch.Generator, say: Say
) -> list[FreshNoise]:
    """Ask for a restored picture x (C, H, W), and as often for drawn ones in its colours.

    x has lost some of its edges, and the drawings have all of theirs (docs/design-notes.md).
    """
    say("draw dead leaves")
    drawn = dead_leaves(x.flatten(1).cpu(), DRAWING, drawings, random)
    own = [shrunk(x, share) for share in ANSWER_SHRINKS]
    own *= max(1, len(drawn) // len(own))
    return [FreshNoise(picture, noise, random) for picture in (*own, *(d.to(x) for d in drawn))]


def recorrupted_noise(
    y: Tensor, noise: Noise, copies: int, random: torch.Generator, *, alpha: float = 0.5
) -> Iterator[Example]:
    """Recorrupted-to-Recorrupted (Pang et al., CVPR 2021): y + αe_k → y − e_k/α, without a guess.

    The two noises are independent, so the expected loss is the risk plus a constant.
    """
    for _ in range(copies):
        fresh = noise.added_to(torch.zeros_like(y), random)
        noisy = y + alpha * fresh
        yield Example(centered(noisy), noisy, y - fresh / alpha)


def shrunk(x: Tensor, share: float, least: int = 64) -> Tensor:
    """Give (C, H, W) at this share of its size, or as it is where that would be under `least` pixels."""
    size = (round(x.shape[-2] * share), round(x.shape[-1] * share))
    return resized(x, size) if share < 1 and min(size) >= least else x


def window(x: Tensor, most: int, random: torch.Generator) -> Tensor:
    """Cut a random window of about `most` pixels out of (C, H, W), unless there are fewer."""
    return x[:, *random_window(x.shape[-2:], most, random)]


def random_window(size: torch.Size, most: int, random: torch.Generator) -> tuple[slice, slice]:
    """Give the rows and columns of a window of about `most` pixels, or all, and then draw nothing."""
    share = (most / size.numel()) ** 0.5
    if share >= 1:
        return slice(None), slice(None)

    def part(whole: int) -> slice:
        length = max(1, round(share * whole))
        start = int(torch.randint(whole - length + 1, (), generator=random))
        return slice(start, start + length)

    return part(size[0]), part(size[1])


def window_around_holes(known: Tensor, most: int, random: torch.Generator) -> tuple[slice, slice]:
    """Give rows and columns of a window of about `most` pixels around a random hole, or all."""
    share = (most / known.numel()) ** 0.5
    if share >= 1 or bool(known.all()):
        return random_window(known.shape, most, random)
    missing = (~known).nonzero()
    middle = missing[int(torch.randint(len(missing), (), generator=random))].tolist()

    def part(whole: int, middle: int) -> slice:
        length = max(1, round(share * whole))
        start = min(max(0, middle - length // 2), whole - length)
        return slice(start, start + length)

    return part(known.shape[0], middle[0]), part(known.shape[1], middle[1])


def moved(known: Tensor, random: torch.Generator, least: float = LEAST_HOLES) -> Tensor:
    """Give the mask (H, W), cyclically moved and perhaps mirrored.

    Holes that cover less than the share `least` come several times over, as no crop of a picture
    with a few holes would show one.
    """
    still = _moved_once(known, random)
    for _ in range(MOST_COPIES):
        if float((~still).to(torch.float32).mean()) >= least:
            break
        still = still & _moved_once(known, random)
    return still


def _moved_once(known: Tensor, random: torch.Generator) -> Tensor:
    height, width = known.shape
    shift = (
        int(torch.randint(height, (), generator=random)),
        int(torch.randint(width, (), generator=random)),
    )
    rolled = known.roll(shift, (0, 1))
    return rolled.flip(-1) if torch.rand((), generator=random) < 0.5 else rolled


def holes_like(known: Tensor, share: float, random: torch.Generator) -> Tensor:
    """Give further holes of the same kind as those of `known` (H, W), bool, over observed pixels.

    The mask itself is moved and mirrored; where that covers more than `share` of the observed
    pixels, a random subset of them stays.
    """
    holes = ~moved(known, random, min(LEAST_HOLES, share / 2.0)) & known
    rate = float(holes.sum() / known.sum().clamp_min(1))
    if rate <= share:
        return holes
    kept = torch.rand(known.shape, generator=random).to(known.device) < share / rate
    return holes & kept


def dropped_again(
    y: Tensor,
    known: Tensor,
    fill: Callable[[Tensor, Tensor], Tensor],
    copies: int,
    random: torch.Generator,
    say: Say,
    *,
    share: float = 0.2,
) -> Iterator[Example]:
    """Drop observed pixels once more, in holes like the real ones, and ask for them back.

    `known` is (H, W) bool; `fill(y, known)` is the first guess. At most `share` of the observed
    pixels is dropped: more makes the examples harder than the question (measured: 20 % beats 50 %).
    """
    for copy in range(copies):
        say(f"first guess, copy {copy + 1} of {copies}")
        dropped = holes_like(known, share, random)
        here = random_window(known.shape, MOST_PIXELS, random)
        target, weight, still = y[:, *here], dropped[here], (known & ~dropped)[here]
        guess = fill(target, still)
        yield Example(mask_features(guess, still), guess, target, weight[None].to(y.dtype))


def masked_again(
    x: Tensor,
    known: Tensor,
    fill: Callable[[Tensor, Tensor], Tensor],
    copies: int,
    random: torch.Generator,
    say: Say,
    *,
    least: int = 64,
) -> Iterator[Example]:
    """Take a filled picture x (C, H, W) for true, put the holes elsewhere, and ask for x back.

    Every pixel can now be dropped and asked for, and as many are missing as in the observation;
    among few observed pixels that is worth more than x's own errors cost (measured at 80 %
    missing: +0.4 dB). Shrunk copies of x, down to `least` pixels, have sharper edges than x.
    """
    for copy in range(copies):
        say(f"filled picture, copy {copy + 1} of {copies}")
        target = shrunk(x, FILLED_SHRINKS[copy % len(FILLED_SHRINKS)], least)
        target = window(target, MOST_PIXELS, random)
        still = moved(known, random)[: target.shape[-2], : target.shape[-1]]
        if not bool(still.any()):
            continue
        guess = fill(target * still, still)
        yield Example(mask_features(guess, still), guess, target, (~still)[None].to(x.dtype))


def mask_features(guess: Tensor, known: Tensor) -> Tensor:
    """Show the filled picture and where it was observed, (C + 1, H, W)."""
    return torch.cat([centered(guess), known[None].to(guess.dtype) * 2.0 - 1.0])


def reduced_again(y: Tensor, scale: int, kernel: Kernel, shrinks: Sequence[float]) -> list[Example]:
    """Reduce the small picture once more and ask for it back (ZSSR, Shocher et al., CVPR 2018).

    Each of `shrinks` (1 and below) resizes the picture first: the same edges at other scales are
    further examples. Sizes are cut to multiples of `scale`.
    """
    examples = []
    for shrink in shrinks:
        size = [max(scale, round(length * shrink)) // scale * scale for length in y.shape[-2:]]
        target = resized(y, (size[0], size[1])) if shrink < 1 else y[..., : size[0], : size[1]]
        if 0 in size or target.shape[-2:] != torch.Size(size):
            continue  # too small to be reduced by this scale at all
        operator = Downsample((size[0] // scale, size[1] // scale), scale, kernel).to(y.device)
        guess = first_guess(operator, operator.forward(target))
        examples.append(Example(centered(guess), guess, target))
    return examples
