"""`chnorm superres`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from chnorm_cli.commands.aliases import FIT, Pictures
from chnorm_cli.commands.flat import flat
from chnorm_cli.commands.noise_options import NoiseOptions
from chnorm_cli.commands.options import Options
from chnorm_cli.scaling.failures import ExitCode
from chnorm_cli.scaling.requests import Superres


class Scale(StrEnum):
    """The values of --scale."""

    TWO = "2"
    THREE = "3"
    FOUR = "4"
    EIGHT = "8"


class Kernel(StrEnum):
    """How the small picture is supposed to have come from the large one."""

    BICUBIC = "bicubic"
    LANCZOS = "lanczos"
    BOX = "box"


ScaleOption = Annotated[
    Scale, typer.Option("-s", "--scale", metavar="2|3|4|8", help="How many times larger.")
]
KernelOption = Annotated[
    Kernel,
    typer.Option(
        metavar="NAME",
        help="How the picture became small: bicubic, lanczos or box.",
        rich_help_panel=FIT,
    ),
]


@flat
def superres(
    pictures: Pictures,
    options: Options,
    *,
    scale: ScaleOption = Scale.FOUR,
    kernel: KernelOption = Kernel.BICUBIC,
    noise: NoiseOptions,
) -> ExitCode:
    """Enlarge; made small again, the result is the input, without its noise.

    For example:
      chnorm superres small.png --scale 4 -o large.png
      chnorm superres thumbs/ --scale 2 -o large/
      cat small.png | chnorm superres - -o tiff:- > large.tif

    It stops by itself; --effort and --time say how long it may take.
    """
    from chnorm_cli.commands.restoring import restore

    task = Superres(int(scale), str(kernel), noise.asked())
    return restore("superres", lambda _: task, pictures, options)
