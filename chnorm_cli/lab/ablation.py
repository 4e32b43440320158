"""`chnorm lab ablation`: normalizations on a real task, denoising one picture, with several seeds."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.prior import PriorFit, PriorRecipe
from chnorm_cli.fitting.settings import Stop
from chnorm_cli.generators.decoder import Decoder
from chnorm_cli.lab.arms import CHANNEL, Arm, arms, build
from chnorm_cli.lab.intervals import Interval, mean_interval
from chnorm_cli.lab.observations import gray_square
from chnorm_cli.lab.report import Claim, Report, Table
from chnorm_cli.noise.gaussian import Noise
from chnorm_cli.problems.operators import Identity
from chnorm_cli.problems.problem import Problem

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Settings:
    """Denoising at σ (0–255 scale); `full`: 256², width 64, 1500 steps, made for a GPU."""

    picture: Path | None = None
    full: bool = False
    seed: int = 0
    seeds: int = 3
    device: str = "cpu"
    sigma: float = 25.0

    @property
    def size(self) -> int:
        """Pixels along a side."""
        return 256 if self.full else 64

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of the decoder's blocks."""
        return (64,) * 6 if self.full else (24,) * 4

    @property
    def steps(self) -> int:
        """Gradient steps of one fit."""
        return 1500 if self.full else 100


@dataclass(frozen=True)
class Fits:
    """The PSNR (dB) against the truth, step by step, of one arm's fits, one a seed."""

    arm: Arm
    psnr: list[list[float]]

    @property
    def best(self) -> list[float]:
        """The highest PSNR of each fit: what a perfect stopping rule would get."""
        return [max(curve) for curve in self.psnr]

    @property
    def last(self) -> list[float]:
        """The PSNR at the end of each fit."""
        return [curve[-1] for curve in self.psnr]

    def steps_to(self, level: float) -> list[float]:
        """The first step at which each fit is at `level` dB; ∞ where it never is."""
        return [
            next((step + 1.0 for step, value in enumerate(curve) if value >= level), math.inf)
            for curve in self.psnr
        ]


@dataclass(frozen=True)
class Result:
    """The fits of all arms; equal seeds share noise, input and first weights, so they pair up."""

    settings: Settings
    fits: list[Fits]
    noisy: float  # PSNR of the observation

    def find(self, name: str) -> Fits:
        """Give the fits of one arm."""
        return next(fits for fits in self.fits if fits.arm.name == name)

    @property
    def level(self) -> float:
        """The level of the race: 1 dB below what the channel arm reaches."""
        return sorted(self.find(CHANNEL).best)[self.settings.seeds // 2] - 1.0

    def gain(self, name: str, over: str = CHANNEL) -> Interval:
        """Give by how many dB one arm's best is above another's, seed by seed."""
        pairs = zip(self.find(name).best, self.find(over).best, strict=True)
        return mean_interval([ours - theirs for ours, theirs in pairs])

    def best_rate(self, family: str) -> str:
        """Give the arm of a family (all rates) with the highest mean best PSNR."""
        names = [f.arm.name for f in self.fits if f.arm.name in (family,) or
                 f.arm.name.startswith(f"{family} (rate")]  # fmt: skip
        return max(names, key=lambda name: sum(self.find(name).best))

    def report(self) -> Report:
        """Rank nothing: give every arm with its intervals."""
        rows = []
        for fits in self.fits:
            steps = sorted(fits.steps_to(self.level))
            missed = sum(map(math.isinf, steps))
            middle = steps[(len(steps) - 1) // 2]
            rows.append(
                (
                    fits.arm.name,
                    str(mean_interval(fits.best)),
                    f"{sum(fits.last) / len(fits.last):.2f}",
                    "" if fits.arm.name == CHANNEL else self.gain(fits.arm.name).signed,
                    "never" if math.isinf(middle) else f"{middle:.0f}",
                    f"{missed} of {len(steps)}" if missed else "",
                )
            )
        columns = (
            "normalization", "best PSNR dB", "last", "best − channel's", f"steps to {self.level:.1f} dB",
            "missed",
        )  # fmt: skip
        s = self.settings
        notes = [
            f"Denoising, σ = {s.sigma:g}, {s.size}² gray pixels ({self.noisy:.2f} dB), independent "
            f"noise, not clipped; decoder of widths {s.widths}, 3×3, Adam 0.01 unless a rate is "
            f"given, {s.steps} steps, {s.seeds} seeds; ± is Student's 95 % interval.",
            "“best” looks at the truth, so it is what a perfect stopping rule would get.",
            "CRA and channel-directed gradients are reconstructed from their abstracts, their λ "
            "and p guessed; ConvNorm follows its published code, ported to today's FFT.",
        ]
        title = f"Normalizations on one picture, {s.seeds} seeds"
        return Report(title, Table(columns, rows), self._claims(), self._curves(), notes)

    def _claims(self) -> list[Claim]:
        bare = self.best_rate("none, He")
        channel = self.best_rate(CHANNEL)
        claims = [
            self._claim(
                "channel normalization beats none as the authors initialise it",
                "clearly better", self.gain(CHANNEL, over="none"),
            ),
            self._claim(
                f"… and none with He initialisation, each at its best rate ({channel}; {bare})",
                "better (paper silent)", self.gain(channel, over=bare),
            ),
        ]  # fmt: skip
        plain = self.gain("channel, no γ β")
        claims.append(
            Claim(
                "learning γ and β is not critical (deep decoder paper)",
                "small difference", f"{plain.signed} dB", abs(plain.mean) < 0.5,
            )
        )  # fmt: skip
        for name, words in (
            ("ConvNorm + channel", "ConvNorm helps (Liu et al., for classification)"),
            ("channel + CRA (reconstructed)", "CRA helps (Shen & Wen, for classification)"),
            ("channel + H⁰ gradients (reconstructed)", "H⁰ channel-directed gradients help"),
            ("channel + H¹ gradients (reconstructed)", "H¹ channel-directed gradients help"),
        ):
            claims.append(self._rival(words, self.gain(name), self.gain(name, over=channel)))
        return claims

    @staticmethod
    def _claim(words: str, expected: str, gain: Interval) -> Claim:
        """Let a gain hold when all of its interval is above 0, fail when all is below."""
        return Claim(words, expected, f"{gain.signed} dB", _verdict(gain))

    @staticmethod
    def _rival(words: str, same: Interval, best: Interval) -> Claim:
        """Ask a rival to win at the same rate and against the best rate: it may only act as a rate."""
        verdicts = {_verdict(same), _verdict(best)}
        measured = f"{same.signed} dB; over channel's best rate {best.signed}"
        return Claim(words, "better", measured, verdicts.pop() if len(verdicts) == 1 else None)

    def _curves(self) -> Table:
        rows = [
            (fits.arm.name, self.settings.seed + seed, step + 1, value)
            for fits in self.fits
            for seed, curve in enumerate(fits.psnr)
            for step, value in enumerate(curve)
        ]
        return Table(("normalization", "seed", "step", "psnr"), rows)

    def draw(self, figure: Figure) -> None:
        """PSNR over the steps of a few arms; the best PSNR of all arms with their intervals."""
        from chnorm_cli.lab.plots import DASHES, colour, label_lines, prepare

        figure.set_size_inches(10.5, 4.6)
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.1))
        prepare(left, title="PSNR against the truth, mean of seeds", xlabel="step", ylabel="dB")
        left.set_xscale("log")
        shown = (CHANNEL, "channel, before ReLU", "none", self.best_rate("none, He"), "layer norm",
                 "ConvNorm + channel")  # fmt: skip
        for number, name in enumerate(shown):
            mean = torch.tensor(self.find(name).psnr).mean(0).tolist()
            left.plot(
                range(1, len(mean) + 1), mean, color=colour(number), linestyle=DASHES[number],
                linewidth=1.2, label=name,
            )  # fmt: skip
        left.axhline(self.noisy, color="0.6", linewidth=0.8, linestyle=":", label="noisy picture")
        label_lines(left, loc="upper left")
        prepare(right, title="best PSNR, 95 % intervals", xlabel="dB", ylabel="")
        for row, fits in enumerate(self.fits):
            interval = mean_interval(fits.best)
            right.errorbar(
                [interval.mean], [row], xerr=[interval.half], fmt="o", color=colour(0),
                markersize=3, capsize=2, linewidth=1,
            )  # fmt: skip
            right.plot(fits.best, [row] * len(fits.best), "|", color=colour(1), markersize=6)
        right.set_yticks(range(len(self.fits)), [f.arm.name for f in self.fits], fontsize=7)
        right.invert_yaxis()
        spread = [value for fits in self.fits for value in fits.best]
        right.set_xlim(min(spread) - 1, max(spread) + 1)


def _verdict(gain: Interval) -> bool | None:
    if gain.low > 0:
        return True
    return False if gain.high < 0 else None


def psnr(x: Tensor, truth: Tensor) -> float:
    """Give 10 log₁₀ (1/MSE) in dB; −∞ for what is not a number."""
    error = float((x - truth).square().mean())
    return -10 * math.log10(error) if error > 0 and math.isfinite(error) else -math.inf


def run(settings: Settings) -> Generator[str, None, Result]:
    """Fit the noisy picture once an arm and seed."""
    truth = gray_square(settings.picture, settings.size)[0]
    sigma = settings.sigma / 255
    seeds = range(settings.seed, settings.seed + settings.seeds)
    all_fits = []
    noisy = 0.0
    for arm in arms():
        curves = []
        for seed in seeds:
            yield f"{arm.name}, seed {seed}"
            y = Noise(sigma).added_to(truth, torch.Generator().manual_seed(seed))
            noisy = psnr(y, truth)
            network = build(arm, settings.widths, (settings.size, settings.size), seed)
            curve = yield from _fit(network, arm, y, truth, settings, seed)
            curves.append(curve)
        all_fits.append(Fits(arm, curves))
    return Result(settings, all_fits, noisy)


def _fit(
    network: Decoder, arm: Arm, y: Tensor, truth: Tensor, settings: Settings, seed: int
) -> Generator[str, None, list[float]]:
    """Give the PSNR of every step; a fit that diverged stays where it was."""
    # No averaging and no stopping: the arms are compared by what each step itself gives.
    recipe = PriorRecipe(steps=settings.steps, adam_lr=arm.rate, muon_lr=None, average=0.0)
    network.to(settings.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    y, truth = y.to(settings.device), truth.to(settings.device)
    problem = Problem(y, Identity((y.shape[-2], y.shape[-1])), Noise(settings.sigma / 255))
    fit = PriorFit(
        problem, network, recipe, stop=Stop.NONE, budget=Budget(settings.steps), seed=seed
    )
    curve: list[float] = []
    for step in fit:
        estimate = fit.estimate()
        curve.append(-math.inf if estimate is None else psnr(estimate, truth))
        if step.index % 50 == 0:
            yield f"{arm.name}, seed {seed}: step {step.index}, {curve[-1]:.2f} dB"
    return curve + [curve[-1] if curve else -math.inf] * (settings.steps - len(curve))
