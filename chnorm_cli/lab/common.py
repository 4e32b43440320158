"""The options that all experiments of `chnorm lab` have, each declared once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from chnorm_cli.commands.aliases import complete_device


@dataclass(frozen=True)
class Common:
    """What every experiment takes."""

    full: Annotated[bool, typer.Option("--full", help="The paper's size, which takes long.")] = (
        False
    )
    seed: Annotated[int, typer.Option(metavar="N", help="The first seed.")] = 0
    seeds: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="How many seeds, counted from --seed.",
            show_default="each experiment's own",
        ),
    ] = None  # fmt: skip
    device: Annotated[
        str,
        typer.Option(
            envvar="CHNORM_DEVICE", metavar="auto|cpu|cuda", autocompletion=complete_device,
            help="Where to compute; auto takes a GPU for pictures only, signals are too small.",
        ),
    ] = "auto"  # fmt: skip
    csv: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Everything that was measured; - is standard output."),
    ] = None
    plot: Annotated[
        str | None, typer.Option(metavar="FILE", help="A picture of it (.png, .svg, .pdf).")
    ] = None
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress.")] = False
