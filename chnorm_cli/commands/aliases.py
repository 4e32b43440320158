"""Options and arguments that several commands have, each declared once.

Restoring are `denoise`, `inpaint` and `superres`; lab are the experiments of `chnorm lab`. What one
row names means the same in its commands, but for what stands beside it.

| options | commands | where it differs |
| --- | --- | --- |
| --effort --time --fit --steps --stop --first-guess | restoring | `options.py` |
| --generator --normalization --normalization-place | restoring | `options.py` |
| --threads --jobs --tile --progress --preview --verbose | restoring | `run_options.py` |
| --dask --resume | restoring | `run_options.py` |
| --shard --suffix --overwrite --in-place --keep-partial | restoring | `options.py` |
| --jpeg --quality --save-mask --history | restoring | `options.py`; inpaint refuses --jpeg |
| --sigma --own-numbers --black | restoring | `noise_options.py` |
| --strength --bad-pixels --banding --same-noise | restoring | `noise_options.py` |
| --noise --gain --read-noise | restoring, corrupt | told of the noise there is; corrupt draws it |
| --output | restoring, corrupt | corrupt has one picture, so no folder |
| --depth --strip | restoring, corrupt | |
| --page --max-pixels | restoring, noise, corrupt | |
| --recursive | restoring, noise | |
| --json | restoring, noise, score, devices | |
| --mask | inpaint, corrupt, score | missing pixels, to be made so, to be compared |
| --uncertainty | restoring, score | a file to write; score reads it |
| --plot | restoring, noise, score, lab | of the fit, the law, the map, the experiment |
| --device | restoring, lab | lab takes a GPU for pictures only |
| --seed | restoring, corrupt, lab | lab begins with it |
| --quiet | restoring, noise, corrupt, lab | |
| --full --seeds --csv | lab | `lab/` declares them |
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from chnorm_cli.scaling.failures import usage
from chnorm_cli.scaling.requests import Page

NOISE, MANY, INPUT, OUTPUT = "Noise", "Many files", "Input", "Output"
FIT, GENERATOR, RUN = "Fit", "Generator", "Run"


class Depth(StrEnum):
    """The values of --depth."""

    AUTO = "auto"  # that of the input
    EIGHT = "8"
    SIXTEEN = "16"
    FLOAT = "float"

    @property
    def asked(self) -> str | None:
        """The depth that was asked for; None leaves it to the input."""
        return None if self is Depth.AUTO else self.value


def complete_device(incomplete: str) -> list[str]:
    """Shell completion of --device; asking torch would take two seconds per key."""
    return [device for device in ("auto", "cpu", "cuda", "cuda:0") if device.startswith(incomplete)]


Pictures = Annotated[
    list[str],
    typer.Argument(metavar="PICTURE", help="Files or folders; - is standard input."),
]
OneOutput = Annotated[
    str | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help="The result; - or tiff:- is standard output, as without it in a pipe.",
    ),
]
AnyOutput = Annotated[
    str | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE|FOLDER",
        help="The result, or the folder of many; - or tiff:- is standard output, as without it "
        "in a pipe.",
    ),
]
Sigma = Annotated[
    float | None,
    typer.Option(
        "--sigma",
        metavar="σ",
        min=0,
        help="Noise level on the 0–255 scale.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
PageOption = Annotated[
    str | None,
    typer.Option("--page", metavar="N|all", help="Which page of a stack.", rich_help_panel=INPUT),
]
MaxPixels = Annotated[
    int,
    typer.Option(min=1, metavar="N", help="Refuse larger pictures.", rich_help_panel=INPUT),
]
DepthOption = Annotated[
    Depth,
    typer.Option(
        metavar="auto|8|16|float", help="Bits per value of the result.", rich_help_panel=OUTPUT
    ),
]
Strip = Annotated[
    bool, typer.Option("--strip", help="Drop EXIF, ICC and DPI.", rich_help_panel=OUTPUT)
]
Quality = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=100,
        metavar="Q",
        help="Of lossy formats.",
        show_default="95, or 98 for a cleaned JPEG",
        rich_help_panel=OUTPUT,
    ),
]
SaveMask = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="The bad pixels that were found, white (.png, .tif); inpaint --mask takes it.",
        rich_help_panel=OUTPUT,
    ),
]
Seed = Annotated[int, typer.Option(metavar="N", help="Same seed, device, threads: same bytes.")]


def parse_page(text: str | None) -> Page:
    """Return the page of "3" or "all"."""
    if text is None:
        return None
    if text == "all":
        return "all"
    if text.isdecimal() and int(text) >= 1:
        return int(text)
    raise usage(f"--page {text}: give a number from 1 on, or all")
