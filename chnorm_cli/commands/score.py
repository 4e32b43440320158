"""`chnorm score`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from chnorm_cli.commands.aliases import AsJson
from chnorm_cli.scaling.failures import ExitCode, usage


def score(
    picture: Annotated[str, typer.Argument(metavar="PICTURE", help="A file; - is standard input.")],
    truth: Annotated[
        str, typer.Option("-t", "--truth", metavar="FILE", help="What it should look like.")
    ],
    *,
    border: Annotated[
        int, typer.Option(metavar="N", min=0, help="Leave out N pixels along each edge.")
    ] = 0,
    mask: Annotated[
        str | None,
        typer.Option(
            "-m", "--mask", metavar="FILE", help="PSNR only where it is white (the filled pixels)."
        ),
    ] = None,
    uncertainty: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A map of errors, to be compared with the true ones."),
    ] = None,
    plot: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Told against true errors by decile (.png, .svg, .pdf)."),
    ] = None,
    as_json: AsJson = False,
) -> ExitCode:
    """Compare a picture with the truth: PSNR in dB and SSIM, of all channels and of the luma Y.

    For example:
      chnorm score clean.png --truth photo.png
      chnorm score large.png --truth photo.png --border 4 --json
      chnorm denoise noisy.png | chnorm score - --truth photo.png
      chnorm score clean.png --truth photo.png --uncertainty errors.tif

    Values are in [0, 1] whatever the depth. SSIM is that of Wang et al. (2004):
    Gaussian window, sigma 1.5, 11 pixels. Y is the ITU-R BT.601 luma, 16…235 of
    255.
    """
    from chnorm_cli.commands.reliability import check_plot, plot_reliability
    from chnorm_cli.commands.scoring import compare, judged, show_scores
    from chnorm_cli.commands.streams import source_of, standard_input, write_json
    from chnorm_cli.images import read_mask, read_pictures, write_atomically

    if standard_input(picture) == standard_input(truth) == "-":
        raise usage("the picture and the truth cannot both come from standard input")
    if plot is not None:
        check_plot(plot, uncertainty)
    (source, name), (true_source, true_name) = source_of(picture), source_of(truth)
    (left,) = read_pictures(source, name=name, paged=False)
    (right,) = read_pictures(true_source, name=true_name, paged=False)
    where = None
    if mask is not None:
        where = read_mask(source_of(mask)[0], name=mask, shape=right.shape).missing
    scores: dict[str, Any] = {**compare(left, right, border=border, where=where)}
    if uncertainty is not None:
        (told,) = read_pictures(source_of(uncertainty)[0], name=uncertainty, paged=False)
        found = judged(told, left, right, border=border, where=where)
        scores["uncertainty"] = found.as_dict()
        if plot is not None:
            drawn = plot_reliability(found, Path(plot), title=f"{uncertainty} of {name}")
            write_atomically(Path(plot), drawn)
    if as_json:
        write_json({"schema": "chnorm.score/1", "input": name, "truth": true_name, **scores})
    else:
        show_scores(scores)
    return ExitCode.OK
