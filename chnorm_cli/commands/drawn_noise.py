"""The noise that `corrupt` can draw; its options, and what they are together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import typer

from chnorm_cli.commands.aliases import NOISE
from chnorm_cli.scaling.failures import usage

MOST_PHOTONS = 1e12  # of white: more is noise that 32-bit floats cannot hold
LEAST_GAIN = 255 / MOST_PHOTONS
WIDEST = 100.0  # pixels of blur; noise that is shared more widely is a gradient


@dataclass(frozen=True)
class DrawnNoise:
    """Shot noise, speckle, noise that does not depend on the brightness, and offsets: all are added."""

    noise: Annotated[
        float,
        typer.Option(metavar="σ", min=0, help="Gaussian noise, σ on the 0–255 scale."),
    ] = 0.0
    poisson: Annotated[
        float | None,
        typer.Option(
            metavar="PEAK",
            help="Shot noise, white is PEAK photons.",
            rich_help_panel=NOISE,
            show_default=False,
        ),
    ] = None
    gain: Annotated[
        float | None,
        typer.Option(
            metavar="G",
            help="Shot noise of a camera: G of the 0–255 scale a photon.",
            rich_help_panel=NOISE,
            show_default=False,
        ),
    ] = None
    read_noise: Annotated[
        float | None,
        typer.Option(
            metavar="R",
            help="Its Gaussian noise in the dark, on the same scale.",
            rich_help_panel=NOISE,
            show_default=False,
        ),
    ] = None
    speckle: Annotated[
        float,
        typer.Option(
            metavar="SHARE",
            help="Multiplicative noise, σ as a share of the brightness, as 0.2.",
            rich_help_panel=NOISE,
        ),
    ] = 0.0
    blurred_noise: Annotated[
        str | None,
        typer.Option(
            metavar="σ:RADIUS",
            help="Gaussian noise of σ that neighbours share, as a Gaussian blur of RADIUS pixels"
            " (its own standard deviation) makes it; σ is that after the blur.",
            rich_help_panel=NOISE,
        ),
    ] = None

    rows: Annotated[
        float,
        typer.Option(
            metavar="σ",
            help="An offset for each row, the same in all colours, σ on the 0–255 scale.",
            rich_help_panel=NOISE,
        ),
    ] = 0.0
    columns: Annotated[
        float,
        typer.Option(metavar="σ", help="An offset for each column.", rich_help_panel=NOISE),
    ] = 0.0
    impulse: Annotated[
        float,
        typer.Option(
            metavar="SHARE",
            help="Share of the pixels that become black or white, as 0.05.",
            rich_help_panel=NOISE,
        ),
    ] = 0.0
    hot: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            help="Single pixels that become white in one colour.",
            rich_help_panel=NOISE,
        ),
    ] = 0

    @property
    def white(self) -> float:
        """σ on the 0–255 scale of what is independent of brightness and neighbours."""
        return self.noise or self.read_noise or 0.0

    @property
    def blurred(self) -> tuple[float, float] | None:
        """(σ, radius) of noise that neighbours share; raise `Failure` for what is none."""
        if self.blurred_noise is None:
            return None
        left, colon, right = self.blurred_noise.partition(":")
        try:
            sigma, radius = float(left), float(right)
        except ValueError:
            sigma = radius = math.nan
        if colon and 0 <= sigma < math.inf and 0 <= radius <= WIDEST:
            return sigma, radius
        raise usage(
            f"--blurred-noise {self.blurred_noise}: give σ:RADIUS with a RADIUS of 0 to"
            f" {WIDEST:g} pixels, for instance 12:0.7"
        )

    def check(self) -> None:
        """Raise `Failure` for numbers that mean nothing, and for options that say one thing twice."""
        for name, value in (
            ("--noise", self.noise),
            ("--read-noise", self.read_noise),
            ("--speckle", self.speckle),
            ("--rows", self.rows),
            ("--columns", self.columns),
        ):
            if value is not None and not 0 <= value < math.inf:
                raise usage(f"{name} {value:g}: give a number from 0 on")
        if not 0 <= self.impulse <= 1:
            raise usage(f"--impulse {self.impulse:g}: give a share from 0 to 1, as 0.05")
        if self.poisson is not None and not 0 < self.poisson <= MOST_PHOTONS:
            raise usage(
                f"--poisson {self.poisson:g}: white must be more than 0 photons and at most"
                f" {MOST_PHOTONS:g}; leave --poisson out for no shot noise"
            )
        if self.gain is not None and not LEAST_GAIN <= self.gain < math.inf:
            raise usage(
                f"--gain {self.gain:g}: give a number from {LEAST_GAIN:.2g} on; leave --gain out"
                " for no shot noise"
            )
        if self.poisson is not None and self.gain is not None:
            raise usage(
                "--poisson and --gain both say how strong the shot noise is; give one of them"
                f" (--gain {self.gain:g} is --poisson {255 / self.gain:g})"
            )
        if self.noise > 0 and self.read_noise is not None:
            raise usage(
                "--noise and --read-noise are both white Gaussian noise; give one of them"
                f" (together they are --noise {math.hypot(self.noise, self.read_noise):.4g})"
            )
        _ = self.blurred
