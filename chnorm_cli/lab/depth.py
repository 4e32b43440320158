"""`chnorm lab depth`: Theorem 1 (exponentially many steps) and Theorem 2 (bounded gradients)."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from chnorm_cli.lab import theory
from chnorm_cli.lab.exponentials import Growth, fit_growth
from chnorm_cli.lab.races import GOAL, RATES, Race, run_race
from chnorm_cli.lab.report import Claim, Report, Table, short

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Settings:
    """n is the length of the signal and of every filter."""

    full: bool = False
    seed: int = 0
    seeds: int = 24
    device: str = "cpu"
    n: int = 16

    @property
    def depths(self) -> tuple[int, ...]:
        """How many filters stand in a row."""
        return (2, 4, 6, 8, 10, 12, 14, 16, 18, 20) if self.full else (2, 4, 6, 8, 10, 12, 14)

    @property
    def cap(self) -> int:
        """The number of steps after which a descent is given up and counted as censored."""
        return 200_000 if self.full else 20_000

    @property
    def draws(self) -> int:
        """Random networks per depth for the bound."""
        return 5000 if self.full else 1000


@dataclass(frozen=True)
class Bounds:
    """At one depth, of many networks at initialisation: the gradient norm, and its share of the bound."""

    depth: int
    norms: Tensor  # (draws,)
    ratios: Tensor  # (draws,)


@dataclass(frozen=True)
class Result:
    """Races by depth, with and without normalization, and the bound at initialisation."""

    settings: Settings
    races: list[Race]
    bounds: list[Bounds]
    growth: dict[bool, Growth]

    def report(self) -> Report:
        """Say how fast the number of steps grows, and whether the bound was ever broken."""
        rows = [
            (
                "yes" if race.normalized else "no", race.depth, short(race.median),
                short(float(race.steps.min())),
                f"{int(race.steps.isinf().sum())} of {len(race.steps)}",
            )
            for race in self.races
        ]  # fmt: skip
        table = Table(("normalized", "depth", "median steps", "fewest", "censored"), rows)
        notes = [
            "The theorem is known here from the paper's abstract; its setting is reconstructed "
            "(full-length circular filters, N(0, 1/n), plain gradient descent). Each frequency is "
            "then a scalar deep linear network, and the simulation is exact, not an approximation.",
            f"Each seed counts at the best of the rates {', '.join(map(str, RATES))} divided by "
            f"the depth; seeds not at {GOAL:.0%} of ½‖y‖² after {self.settings.cap} steps, or "
            "diverged at every rate, are censored. Depths with a censored median are left out "
            "of the fit.",
            "Bounded gradients are all that normalization is claimed to give here; that the "
            "normalized network also needs fewer steps is measured, not proved.",
        ]
        title = f"Depth of linear networks, n = {self.settings.n}, {self.settings.seeds} seeds"
        return Report(title, table, self._claims(), self._curves(), notes)

    def _claims(self) -> list[Claim]:
        plain, normal = self.growth[False], self.growth[True]
        draws = sum(len(bound.norms) for bound in self.bounds)
        worst = max(float(bound.ratios.max()) for bound in self.bounds)
        on_the_way = max(race.worst_ratio for race in self.races)
        first, last = self.bounds[0], self.bounds[-1]
        ratio = float(last.norms.median() / first.norms.median())
        return [
            Claim(
                "Theorem 1: without normalization, steps grow exponentially with depth",
                "factor per layer > 1",
                f"×{plain.factor:.2f} per layer, 95 % in {plain.interval}; "
                f"R² {plain.exponential_r2:.3f} (power law {plain.power_r2:.3f})",
                plain.low > 1 and plain.exponential_r2 >= plain.power_r2,
            ),
            Claim(
                "with normalization, steps grow more slowly (measured, not claimed)",
                f"below ×{plain.factor:.2f}",
                f"×{normal.factor:.2f} per layer, 95 % in {normal.interval}",
                normal.high < plain.low,
            ),
            Claim(
                "Theorem 2: ‖∇‖ ≤ ‖X‖‖y‖/‖Xw‖ with normalization, at initialisation",
                "never broken",
                f"largest ratio {worst:.3f} in {draws} draws",
                worst <= 1 + 1e-9,
            ),
            Claim(
                "the same for every filter on the way down",
                "never broken",
                f"largest ratio {on_the_way:.3f}",
                on_the_way <= 1 + 1e-9,
            ),
            Claim(
                f"normalized gradients do not vanish from depth {first.depth} to {last.depth}",
                "bounded",
                f"median changes by a factor {ratio:.2f}",
                0.2 < ratio < 5,
            ),
        ]

    def _curves(self) -> Table:
        rows: list[tuple[str | int | float, ...]] = [
            ("steps", str(race.normalized), race.depth, self.settings.seed + k, float(steps))
            for race in self.races
            for k, steps in enumerate(race.steps)
        ]
        for bound in self.bounds:
            rows += [("norm", "True", bound.depth, k, float(v)) for k, v in enumerate(bound.norms)]
            rows += [
                ("share of bound", "True", bound.depth, k, float(v))
                for k, v in enumerate(bound.ratios)
            ]
        return Table(("quantity", "normalized", "depth", "draw", "value"), rows)

    def draw(self, figure: Figure) -> None:
        """Steps against depth with the fitted exponentials; gradient norm and bound against depth."""
        from chnorm_cli.lab.plots import MARKERS, colour, label_lines, prepare

        left, right = figure.subplots(1, 2)
        prepare(left, title="steps to 10 % of the loss", xlabel="depth", ylabel="steps")
        left.set_yscale("log")
        for number, normalized in enumerate((False, True)):
            races = [race for race in self.races if race.normalized is normalized]
            word = "channel normalization" if normalized else "no normalization"
            shift = 0.15 if normalized else -0.15
            for race in races:
                done = race.steps[race.steps.isfinite()].tolist()
                lost = int(race.steps.isinf().sum())
                x = race.depth + shift
                left.plot(
                    [x] * len(done), done, MARKERS[number], color=colour(number), alpha=0.35,
                    markersize=3, linestyle="none",
                )  # fmt: skip
                if lost:
                    left.plot([x], [self.settings.cap], "^", color=colour(number), markersize=5)
                    left.annotate(
                        f"{lost}", (x, self.settings.cap), xytext=(0, 5), fontsize=7,
                        textcoords="offset points", ha="center", color=colour(number),
                    )  # fmt: skip
            growth = self.growth[normalized]
            depths = [race.depth for race in races]
            left.plot(
                depths, [growth.at(depth) for depth in depths], color=colour(number),
                label=f"{word}: ×{growth.factor:.2f} per layer",
            )  # fmt: skip
        label_lines(left, loc="lower right")
        left.annotate("▲ given up (how many)", (0.02, 0.95), xycoords="axes fraction", fontsize=7)
        prepare(
            right, title="normalized gradient at initialisation", xlabel="depth",
            ylabel="‖∇‖ and its bound",
        )  # fmt: skip
        right.set_yscale("log")
        depths = [bound.depth for bound in self.bounds]
        bounds = [bound.norms / bound.ratios for bound in self.bounds]
        for number, (word, values) in enumerate(
            (("‖X‖‖y‖/‖Xw‖", bounds), ("‖∇‖", [bound.norms for bound in self.bounds]))
        ):
            low, mid, high = ([float(v.quantile(q)) for v in values] for q in (0.05, 0.5, 0.95))
            right.plot(
                depths, mid, MARKERS[number], color=colour(number), linestyle="-", label=word
            )
            right.fill_between(depths, low, high, color=colour(number), alpha=0.2, linewidth=0)
        label_lines(right)


def run(settings: Settings) -> Generator[str, None, Result]:
    """Race the descents, then draw networks for the bound."""
    races: list[Race] = []
    for normalized in (False, True):
        for depth in settings.depths:
            race = yield from run_race(
                depth, normalized=normalized, n=settings.n, seed=settings.seed,
                seeds=settings.seeds, cap=settings.cap, device=settings.device,
            )  # fmt: skip
            races.append(race)
    bounds = []
    for depth in (2, 6, 20, 40, 80):
        yield f"bound at depth {depth}"
        bounds.append(draw_bounds(depth, 100, settings.draws, settings.seed))
    growth = {
        normalized: fit_growth(
            [race.depth for race in races if race.normalized is normalized],
            torch.stack([race.steps for race in races if race.normalized is normalized]),
            seed=settings.seed,
        )
        for normalized in (False, True)
    }
    return Result(settings, races, bounds, growth)


def draw_bounds(depth: int, n: int, draws: int, seed: int) -> Bounds:
    """Draw networks at initialisation (w, y ~ N(0, I), as in the notebook) and compare with the bound."""
    random = torch.Generator().manual_seed(seed)
    x, w, y = random_last_layer(depth, n, draws, random)
    norms = theory.normalized_gradient(x, w, y).norm(dim=-1)
    return Bounds(depth, norms, norms / theory.gradient_bound(x, w, y))


def random_last_layer(
    depth: int, n: int, draws: int, random: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Draw the spectrum of the first column of X, and w, y ~ N(0, I), of `draws` networks."""

    def normal() -> Tensor:
        return torch.randn(draws, n, generator=random, dtype=torch.float64)

    x = theory.spectrum(theory.centred(normal() / n**0.5))
    for _ in range(depth - 1):
        x = x * theory.spectrum(normal() / n**0.5)
    return x, normal(), normal()
