"""What a denoising has learnt: it restores any picture with noise of its law, on any machine."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from chnorm_cli.classical.nonlocal_filter import nonlocal_filter
from chnorm_cli.classical.passes import STRONG, Pass, for_strong_noise
from chnorm_cli.fitting.learnt import Learnt
from chnorm_cli.fitting.mixture import mixed
from chnorm_cli.noise.gaussian import Noise
from chnorm_cli.recorruption.examples import Query, centered, noise_features

SECOND_SHARE = 0.2  # of the second network's answer in the mean


@dataclass(frozen=True, eq=False)
class Denoiser:
    """First guess by `passes`, the network's answer, and `polish` that corrects it; then their mean.

    `noise` is what is removed, and `sigma` the level in which features are measured. `weights` are
    those of all estimates (None: the mean without the first guess). A `plain` one has no first
    guess. `second` is a network that sees the noisy picture only.
    """

    noise: Noise
    sigma: float
    passes: tuple[Pass, ...]
    polish: tuple[Pass, ...]
    network: Learnt
    weights: Tensor | None = None
    plain: bool = False
    second: Learnt | None = None

    @torch.no_grad()
    def restore(self, noisy: Tensor) -> Tensor:
        """Restore a picture (C, H, W)."""
        first = self._first(noisy)
        if self.second is None:
            return first
        return torch.lerp(first, self.second.ask(Query(centered(noisy), noisy)), SECOND_SHARE)

    def _first(self, noisy: Tensor) -> Tensor:
        if self.plain:
            return self.network.ask(Query(centered(noisy), noisy))
        guess, *estimates = self.estimates(noisy, self.sigma)
        if self.weights is None:
            return torch.stack(estimates).mean(0)
        return mixed([guess, *estimates], self.weights)

    def estimates(self, noisy: Tensor, sigma: float) -> list[Tensor]:
        """Give the first guess of a noisy picture (C, H, W), and all that is made from it."""
        guess = guessed(noisy, self.noise, self.passes)
        answer = self.network.ask(Query(noise_features(noisy, guess, sigma), guess))
        estimates = begun(guess, answer, self.noise)
        for last in self.polish:
            estimates.append(corrected(noisy, estimates, self.noise, last))
        return [guess, *estimates]


def guessed(noisy: Tensor, noise: Noise, passes: tuple[Pass, ...]) -> Tensor:
    """Denoise (C, H, W) with similar patches alone."""
    if noise.sigma > STRONG:
        passes = tuple(for_strong_noise(p) for p in passes)
    return nonlocal_filter(noisy, noise, passes)


def begun(guess: Tensor, answer: Tensor, noise: Noise) -> list[Tensor]:
    """Give the estimates that the last passes begin with."""
    # Of shared noise the network keeps some that the first guess removed, and the other way round.
    return [answer] if noise.kernel is None else [guess, answer]


def corrected(y: Tensor, estimates: list[Tensor], noise: Noise, last: Pass) -> Tensor:
    """Let similar patches denoise y again, now that the network says how they look.

    A pass has the mean of all before it as its pilot. The network and the passes err differently,
    and a mean of them is better than any.
    """
    return nonlocal_filter(y, noise, (last,), torch.stack(estimates).mean(0))
