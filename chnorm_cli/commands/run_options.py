"""How a restoring command runs, where, and what it says on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from chnorm_cli.commands.aliases import MANY, RUN
from chnorm_cli.scaling.requests import TilesAsked
from chnorm_cli.terminal.modes import ProgressMode


@dataclass(frozen=True)
class RunOptions:
    """How the program runs and what it says."""

    threads: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            envvar="CHNORM_THREADS",
            help="CPU threads of one fit.",
            rich_help_panel=RUN,
            show_default="the cores, shared by the jobs",
        ),
    ] = None
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Pictures at a time, or tiles of a large TIFF.",
            rich_help_panel=MANY,
            show_default="1; for tiles as many as there are cores",
        ),
    ] = None
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS|FILE",
            help="Let a Dask cluster restore pictures or tiles: tcp://host:8786, or its scheduler.json.",
            rich_help_panel=MANY,
        ),
    ] = None
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Take up the tiles that a stopped run has finished.",
            rich_help_panel=RUN,
        ),
    ] = False
    tile: Annotated[
        str,
        typer.Option(
            metavar="auto|N|off",
            help="Restore in tiles of N pixels a side, which bounds the memory; auto: above 6 megapixels.",
            rich_help_panel=RUN,
        ),
    ] = "auto"
    progress: Annotated[
        ProgressMode,
        typer.Option(
            envvar="CHNORM_PROGRESS",
            metavar="NAME",
            help="How progress is shown: auto, live, plain, json or none.",
            rich_help_panel=RUN,
        ),
    ] = ProgressMode.AUTO
    preview: Annotated[
        bool,
        typer.Option("--preview", help="Show the picture in the live view.", rich_help_panel=RUN),
    ] = False
    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", help="Nothing but errors.", rich_help_panel=RUN)
    ] = False
    verbose: Annotated[
        bool,
        typer.Option(
            "-v",
            "--verbose",
            help="Gradient norms by layer; tracebacks of bugs.",
            rich_help_panel=RUN,
        ),
    ] = False

    def tile_side(self) -> int | None:
        """Give the side of tiles that is asked for: None for auto, 0 for off."""
        if self.tile in ("auto", "off"):
            return None if self.tile == "auto" else 0
        if not self.tile.isdecimal() or not int(self.tile):
            raise ValueError(f"tile {self.tile}: give auto, off or a number of pixels")
        return int(self.tile)

    def tiles(self, shard: str | None) -> TilesAsked:
        """The part that says who restores the tiles of one picture, and which share of them."""
        from chnorm_cli.scaling.inputs import read_shard

        share = None if shard is None else read_shard(shard)
        return TilesAsked(self.jobs, self.dask, share, self.resume)
