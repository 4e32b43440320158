"""What a person may say of the noise, of bad pixels and of banding; every task has these options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from chnorm_cli.commands.aliases import MANY, NOISE, Sigma
from chnorm_cli.noise.names import Faults, Kind
from chnorm_cli.scaling.failures import usage
from chnorm_cli.scaling.requests import NoiseAsked


@dataclass(frozen=True)
class NoiseOptions:
    """Everything about the noise is found from the picture; these say otherwise."""

    sigma: Sigma = None
    strength: Annotated[
        float,
        typer.Option(
            metavar="0…1.5",
            min=0,
            max=1.5,
            help="How much of the noise is removed; 0 gives the picture back.",
            rich_help_panel=NOISE,
        ),
    ] = 1.0
    bad_pixels: Annotated[
        Faults,
        typer.Option(
            metavar="auto|off",
            help="Find and fill dead, hot and flipped pixels.",
            rich_help_panel=NOISE,
        ),
    ] = Faults.AUTO
    banding: Annotated[
        Faults,
        typer.Option(
            metavar="auto|off",
            help="Find and take out offsets of rows and columns.",
            rich_help_panel=NOISE,
        ),
    ] = Faults.AUTO
    noise: Annotated[
        Kind,
        typer.Option(
            metavar="KIND",
            help="How its level follows the brightness: auto, gaussian, poisson,"
            " poisson-gaussian, speckle, mixed or free.",
            rich_help_panel=NOISE,
        ),
    ] = Kind.AUTO
    same_noise: Annotated[
        bool,
        typer.Option(
            "--same-noise",
            help="The files are of one camera or film: one law, found from all.",
            rich_help_panel=MANY,
        ),
    ] = False
    own_numbers: Annotated[
        bool,
        typer.Option(
            "--own-numbers",
            help="--sigma is in the numbers of the file, not on the 0–255 scale.",
            rich_help_panel=NOISE,
        ),
    ] = False
    gain: Annotated[
        float | None,
        typer.Option(
            metavar="G",
            min=0,
            help="Of a calibrated camera: numbers of the file a photon.",
            rich_help_panel=NOISE,
        ),
    ] = None
    read_noise: Annotated[
        float | None,
        typer.Option(
            metavar="R",
            min=0,
            help="Its noise in the dark, in the same numbers.",
            rich_help_panel=NOISE,
        ),
    ] = None
    black: Annotated[
        float | None,
        typer.Option(
            metavar="B", help="Its number for no light (0 if not given).", rich_help_panel=NOISE
        ),
    ] = None

    def asked(self) -> NoiseAsked:
        """The part that a restoration needs; raise `Failure` for what contradicts itself."""
        camera = self.gain is not None or self.read_noise is not None
        if self.sigma is not None and camera:
            raise usage(
                "--sigma is one level for all brightnesses; leave out --gain and --read-noise"
            )
        if self.black is not None and not camera:
            raise usage("--black belongs to --gain and --read-noise")
        if camera and self.noise is not Kind.AUTO:
            raise usage(
                f"--gain and --read-noise say all of the noise; leave out --noise {self.noise}"
            )
        if self.sigma is not None and self.noise not in (Kind.AUTO, Kind.GAUSSIAN):
            raise usage(
                f"--sigma is a level of gaussian noise; leave it out with --noise {self.noise}"
            )
        if self.own_numbers and self.sigma is None:
            raise usage("--own-numbers is about --sigma, which is not given")
        if self.sigma is not None and not self.own_numbers and self.sigma > 255:
            raise usage(
                f"--sigma {self.sigma:g}: is on the 0–255 scale; --own-numbers takes it in those"
                " of the file"
            )
        return NoiseAsked(
            self.sigma,
            self.own_numbers,
            str(self.noise),
            self.gain,
            self.read_noise,
            self.black,
            self.strength,
            str(self.bad_pixels),
            str(self.banding),
            self.same_noise,
        )
