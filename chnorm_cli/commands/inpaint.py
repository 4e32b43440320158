"""`chnorm inpaint`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chnorm_cli.commands.aliases import INPUT, NOISE, Pictures
from chnorm_cli.commands.flat import flat
from chnorm_cli.commands.noise_options import NoiseOptions
from chnorm_cli.commands.options import Options
from chnorm_cli.scaling.failures import ExitCode, usage
from chnorm_cli.scaling.requests import Inpaint

MaskOption = Annotated[
    str,
    typer.Option(
        "-m",
        "--mask",
        metavar="FILE|alpha|nan",
        help="White where pixels are missing, wholly or partly; - is standard input, alpha the picture's "
        "own transparency, nan what is not a finite number, a folder holds a mask of the same name "
        "for each picture.",
    ),
]
InvertMask = Annotated[
    bool, typer.Option("--invert-mask", help="Black is missing.", rich_help_panel=INPUT)
]
Grow = Annotated[
    int,
    typer.Option("--grow", min=0, metavar="N", help="Widen holes by N px.", rich_help_panel=INPUT),
]
Clean = Annotated[
    bool | None,
    typer.Option(
        "--clean/--keep",
        help="Whether the observed pixels are given without their noise and the artefacts of a JPEG.",
        show_default="--clean where a level is given",
        rich_help_panel=NOISE,
    ),
]


@flat
def inpaint(
    pictures: Pictures,
    options: Options,
    *,
    mask: MaskOption,
    invert_mask: InvertMask = False,
    grow: Grow = 0,
    clean: Clean = None,
    noise: NoiseOptions,
) -> ExitCode:
    """Fill missing pixels; the others stay as they are, bit for bit, unless they are to be cleaned.

    For example:
      chnorm inpaint torn.png --mask holes.png -o whole.png
      chnorm inpaint drawing.png --mask alpha -o opaque.png
      chnorm inpaint scans/ --mask masks/ -o whole/
      chnorm inpaint grainy.png --mask holes.png --clean -o whole.png

    It stops by itself; --effort and --time say how long it may take.
    """
    from chnorm_cli.commands.restoring import restore
    from chnorm_cli.commands.streams import read_pipe, read_stdin, standard_input
    from chnorm_cli.images import is_stream
    from chnorm_cli.scaling.inputs import mask_for

    asked = noise.asked()
    mask = standard_input(mask)
    if mask == "-" and "-" in map(standard_input, pictures):
        raise usage("the picture and its mask cannot both come from standard input")
    if mask == "nan" and invert_mask:
        raise usage("--mask nan marks what is missing; leave out --invert-mask")
    piped = None
    if mask == "-":
        piped = read_stdin()
    elif mask not in ("alpha", "nan") and is_stream(Path(mask)):
        piped = read_pipe(Path(mask))  # once, whatever the number of pictures and pages

    def task_for(picture: Path | None) -> Inpaint:
        if mask == "alpha":
            return Inpaint(None, invert_mask, grow, asked, clean)
        if mask == "nan":
            return Inpaint("nan", False, grow, asked, clean)
        if piped is not None:
            return Inpaint(piped, invert_mask, grow, asked, clean)
        path = Path(mask) if picture is None else mask_for(Path(mask), picture)
        return Inpaint(path, invert_mask, grow, asked, clean)

    return restore("inpaint", task_for, pictures, options)
