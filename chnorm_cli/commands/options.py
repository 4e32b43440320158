"""The options that the three restoring commands share, each declared once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from chnorm_cli.commands.aliases import (
    FIT,
    GENERATOR,
    INPUT,
    MANY,
    OUTPUT,
    AnyOutput,
    AsJson,
    Depth,
    DepthOption,
    MaxPixels,
    PageOption,
    Quality,
    SaveMask,
    Strip,
    complete_device,
    parse_page,
)
from chnorm_cli.commands.run_options import RunOptions
from chnorm_cli.fitting.settings import (
    Effort,
    FirstGuess,
    Fit,
    FitSettings,
    GeneratorName,
    Normalization,
    NormalizationPlace,
    Stop,
)
from chnorm_cli.scaling.failures import usage
from chnorm_cli.scaling.requests import Reading, TilesAsked, Writing


@dataclass(frozen=True)
class MainOptions:
    """The few that most people want."""

    output: AnyOutput = None
    effort: Annotated[
        Effort, typer.Option(metavar="fast|normal|best", help="Quality against seconds.")
    ] = Effort.NORMAL
    time: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Do what is possible in this time."),
    ] = None
    device: Annotated[
        str,
        typer.Option(
            envvar="CHNORM_DEVICE",
            metavar="auto|cpu|cuda",
            help="Where to compute.",
            show_envvar=False,  # README lists them; here each took a line
            autocompletion=complete_device,
        ),
    ] = "auto"
    as_json: AsJson = False


@dataclass(frozen=True)
class InputOptions:
    """What is read."""

    recursive: Annotated[
        bool, typer.Option("--recursive", help="Sub-folders too.", rich_help_panel=MANY)
    ] = False
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            help="Only the I-th of N shares of the files, or of one picture's tiles.",
            rich_help_panel=MANY,
        ),
    ] = None
    page: PageOption = None
    max_pixels: MaxPixels = 100_000_000
    jpeg: Annotated[
        str,
        typer.Option(
            metavar="auto|off|Q",
            help="Whether it is a JPEG, or was one, of quality Q.",
            rich_help_panel=INPUT,
        ),
    ] = "auto"

    def reading(self) -> Reading:
        """The part that the codecs need."""
        told = self.jpeg.isdecimal() and 1 <= int(self.jpeg) <= 100
        if self.jpeg not in ("auto", "off") and not told:
            raise usage(f"--jpeg {self.jpeg}: give auto, off, or a quality from 1 to 100")
        return Reading(parse_page(self.page), self.max_pixels, self.jpeg)


@dataclass(frozen=True)
class OutputOptions:
    """What is written."""

    depth: DepthOption = Depth.AUTO
    strip: Strip = False
    quality: Quality = None
    suffix: Annotated[
        str,
        typer.Option(
            metavar="TEXT", help="Added to names: a.png → aTEXT.png.", rich_help_panel=MANY
        ),
    ] = ""
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help="Restore again what has a result in the folder; replace an OME-Zarr.",
            rich_help_panel=MANY,
        ),
    ] = False
    in_place: Annotated[
        bool,
        typer.Option("--in-place", help="Replace the inputs.", rich_help_panel=MANY),
    ] = False
    keep_partial: Annotated[
        bool,
        typer.Option(
            "--keep-partial",
            help="When stopped, write the best so far.",
            rich_help_panel=OUTPUT,
        ),
    ] = False
    save_mask: SaveMask = None
    uncertainty: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|FOLDER",
            help="How wrong each pixel may be: .tif of standard errors, or a .png of them.",
            rich_help_panel=OUTPUT,
        ),
    ] = None
    plot: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Curves of loss and gradient norm (.png, .svg, .pdf).",
            rich_help_panel=OUTPUT,
        ),
    ] = None
    history: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Every step as CSV.", rich_help_panel=OUTPUT),
    ] = None

    def writing(self, format: str) -> Writing:
        """The part that the codecs need."""
        return Writing(format, self.depth.asked, self.strip, self.quality)


@dataclass(frozen=True)
class FitOptions:
    """How the picture is fitted, and by which network."""

    fit: Annotated[
        Fit,
        typer.Option(
            metavar="NAME",
            help="The objective: auto (the better one), recorrupt, prior or both.",
            rich_help_panel=FIT,
        ),
    ] = Fit.AUTO
    steps: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Stop after N steps, not by itself.", rich_help_panel=FIT
        ),
    ] = None
    stop: Annotated[
        Stop,
        typer.Option(
            metavar="NAME",
            help="When a prior fit ends: auto holds data out, variance needs no noise level, "
            "none takes all steps.",
            rich_help_panel=FIT,
        ),
    ] = Stop.AUTO
    first_guess: Annotated[
        FirstGuess,
        typer.Option(
            metavar="NAME",
            help="The classical answer to start from: auto, none, classical or nonlocal.",
            rich_help_panel=FIT,
        ),
    ] = FirstGuess.AUTO
    seed: Annotated[
        int,
        typer.Option(
            metavar="N", help="Same seed, device and threads: same bytes.", rich_help_panel=FIT
        ),
    ] = 0
    generator: Annotated[
        GeneratorName,
        typer.Option(
            metavar="NAME",
            help="The network: auto, decoder, deep-decoder, hourglass or unet.",
            rich_help_panel=GENERATOR,
        ),
    ] = GeneratorName.AUTO
    normalization: Annotated[
        Normalization,
        typer.Option(
            metavar="NAME",
            help="Of each channel over its pixels: channel, channel-plain, center, scale or none.",
            rich_help_panel=GENERATOR,
        ),
    ] = Normalization.CHANNEL
    normalization_place: Annotated[
        NormalizationPlace,
        typer.Option(
            metavar="NAME",
            help="auto, after or before the activation.",
            rich_help_panel=GENERATOR,
        ),
    ] = NormalizationPlace.AUTO


@dataclass(frozen=True)
class Options:
    """All that the restoring commands share."""

    main: MainOptions
    input: InputOptions
    output: OutputOptions
    fit: FitOptions
    run: RunOptions

    def settings(self) -> FitSettings:
        """The part that decides the fit; raise `Failure` for what no fit can use."""
        try:
            return FitSettings(
                fit=self.fit.fit,
                effort=self.main.effort,
                generator=self.fit.generator,
                normalization=self.fit.normalization,
                normalization_place=self.fit.normalization_place,
                first_guess=self.fit.first_guess,
                stop=self.fit.stop,
                steps=self.fit.steps,
                time=self.main.time,
                device=self.main.device,
                seed=self.fit.seed,
                threads=self.run.threads,
                tile=self.run.tile_side(),
            )
        except ValueError as error:
            raise usage(f"--{error}") from error

    def tiles(self) -> TilesAsked:
        """The part that says who restores the tiles of one picture."""
        return self.run.tiles(self.input.shard)
