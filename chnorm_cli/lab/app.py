"""`chnorm lab`: the commands. Nothing heavy is imported before one of them runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chnorm_cli.commands.flat import flat
from chnorm_cli.commands.help import Command, Group
from chnorm_cli.lab.common import Common
from chnorm_cli.scaling.failures import ExitCode

app = typer.Typer(cls=Group, no_args_is_help=True, rich_markup_mode="rich")


@app.callback()
def lab() -> None:
    """Check the paper's claims: each experiment of Dai & Heckel (2019), from scratch.

    For example:
      chnorm lab depth
      chnorm lab convergence --plot convergence.png
      chnorm lab gradients --csv norms.csv
      chnorm lab ablation photo.png --seeds 5

    Every command prints what the paper claims beside what it measured, and
    whether that holds. The defaults take less than a minute; --full runs at the
    paper's size.
    """


@app.command(cls=Command)
@flat
def image(
    picture: Annotated[
        str | None,
        typer.Argument(metavar="[PICTURE]", help="A file; without it scikit-image's camera man."),
    ] = None,
    *,
    common: Common,
) -> ExitCode:
    """Fit one picture by a 3×3 decoder, with and without normalization (the paper's 2-D experiment).

    For example:
      chnorm lab image
      chnorm lab image mri.png --full --plot image.png

    Loss, PSNR and gradient norms by layer over the steps of SGD 0.1 with
    momentum 0.9; k = 32, no upsampling, no sigmoid. --full: 256×256 pixels,
    5000 steps, hours on a CPU.
    """
    from chnorm_cli.lab import image as experiment
    from chnorm_cli.lab.performing import perform, prepared

    path = None if picture is None else Path(picture)
    settings = prepared(experiment.Settings(picture=path), common, pictures=True)
    return perform(experiment.run(settings), common, panels=4)


@app.command(cls=Command)
@flat
def convergence(*, common: Common) -> ExitCode:
    """Fit a step by 1-D networks: normalized, centred only, scaled only, none.

    For example:
      chnorm lab convergence
      chnorm lab convergence --full --seeds 3 --plot convergence.png

    ReLU with 4 channels and 12 layers, linear with one channel and 5, 10, 30
    layers. Losses and initial gradients stand beside those that the authors'
    notebook recorded.
    """
    from chnorm_cli.lab import convergence as experiment
    from chnorm_cli.lab.performing import perform, prepared

    settings = prepared(experiment.Settings(), common)
    return perform(experiment.run(settings), common)


@app.command(cls=Command)
@flat
def depth(*, common: Common) -> ExitCode:
    """Theorem 1, exponentially many steps without; theorem 2, bounded gradients with normalization.

    For example:
      chnorm lab depth
      chnorm lab depth --full --plot depth.png

    Steps of plain gradient descent to 10 % of the loss against the depth of
    single-channel linear networks, simulated exactly, frequency by frequency;
    runs that never get there are counted.
    """
    from chnorm_cli.lab import depth as experiment
    from chnorm_cli.lab.performing import perform, prepared

    settings = prepared(experiment.Settings(), common)
    return perform(experiment.run(settings), common)


@app.command(cls=Command)
@flat
def gradients(*, common: Common) -> ExitCode:
    """Draw networks at random: how large is the gradient at depths 2 to 80?

    For example:
      chnorm lab gradients
      chnorm lab gradients --full --csv norms.csv

    Linear and convolutional, with and without normalization, with the authors'
    two deviations (a lost projection, the unbiased variance) and with He
    initialisation beside them.
    """
    from chnorm_cli.lab import gradients as experiment
    from chnorm_cli.lab.performing import perform, prepared

    settings = prepared(experiment.Settings(), common)
    return perform(experiment.run(settings), common, panels=3)


@app.command(cls=Command)
@flat
def landscape(*, common: Common) -> ExitCode:
    """Look at the loss around the end of a descent, along two random directions.

    For example:
      chnorm lab landscape
      chnorm lab landscape --plot landscape.png
    """
    from chnorm_cli.lab import landscape as experiment
    from chnorm_cli.lab.performing import perform, prepared

    settings = prepared(experiment.Settings(), common)
    return perform(experiment.run(settings), common)


@app.command(cls=Command)
@flat
def ablation(
    picture: Annotated[
        str, typer.Argument(metavar="PICTURE", help="A clean picture; noise is added.")
    ],
    *,
    common: Common,
) -> ExitCode:
    """Denoise a picture with each normalization and its rivals, over several seeds.

    For example:
      chnorm lab ablation photo.png
      chnorm lab ablation photo.png --seeds 5 --plot ablation.png

    Channel normalization, its parts and places; none, with He initialisation
    and a sweep of learning rates; group norm, layer norm, ConvNorm, channel
    reassessment attention, channel-directed gradients. PSNR, steps to a level,
    95 % intervals.
    """
    from chnorm_cli.lab import ablation as experiment
    from chnorm_cli.lab.performing import perform, prepared

    settings = prepared(experiment.Settings(picture=Path(picture)), common, pictures=True)
    return perform(experiment.run(settings), common)
