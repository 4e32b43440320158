"""Options and arguments that several commands have, each declared once."""

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
