"""`chnorm corrupt`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from chnorm_cli.commands.aliases import (
    INPUT,
    Depth,
    DepthOption,
    OneOutput,
    PageOption,
    Seed,
    Strip,
    parse_page,
)
from chnorm_cli.commands.drawn_noise import DrawnNoise
from chnorm_cli.commands.flat import flat
from chnorm_cli.scaling.failures import ExitCode, usage


@dataclass(frozen=True)
class Corruption:
    """What is done to the picture, in this order: downscaling, noise, offsets, bad pixels, missing pixels."""

    drawn: DrawnNoise
    missing: Annotated[
        float,
        typer.Option(metavar="FRACTION", min=0, max=1, help="Share of pixels that become black."),
    ] = 0.0
    mask: Annotated[
        str | None,
        typer.Option("-m", "--mask", metavar="FILE", help="Make black what is white in it."),
    ] = None
    mask_out: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write the mask of the missing pixels (white)."),
    ] = None
    downscale: Annotated[
        int | None,
        typer.Option(metavar="S", min=2, help="Make S times smaller (antialiased bicubic)."),
    ] = None
    seed: Seed = 0


@flat
def corrupt(
    picture: Annotated[str, typer.Argument(metavar="PICTURE", help="A file; - is standard input.")],
    what: Corruption,
    *,
    output: OneOutput = None,
    depth: DepthOption = Depth.AUTO,
    strip: Strip = False,
    page: PageOption = None,
    max_pixels: Annotated[
        int,
        typer.Option(min=1, metavar="N", help="Refuse larger pictures.", rich_help_panel=INPUT),
    ] = 100_000_000,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Nothing but errors.")] = False,
) -> ExitCode:
    """Spoil a good picture in a known way, to see what the other commands make of it.

    For example:
      chnorm corrupt photo.png --noise 25 -o noisy.png
      chnorm corrupt photo.png --missing 0.5 --mask-out m.png -o holes.png
      chnorm corrupt photo.png --noise 25 --depth float -o noisy.tif
      chnorm corrupt photo.png --poisson 30 --read-noise 4 -o counts.png
      chnorm corrupt photo.png --impulse 0.05 --hot 20 -o spoilt.png
      chnorm corrupt photo.png --noise 8 --rows 12 -o banded.png
      chnorm corrupt photo.png --noise 25 | chnorm denoise - > clean.png

    The order is: downscaling, shot noise, speckle, blurred noise, white noise,
    offsets of rows and columns, bad pixels, missing pixels.
    All noise is drawn for the true brightness, and added.
    """
    import numpy as np

    from chnorm_cli.commands import corruption as spoil
    from chnorm_cli.commands.streams import choose_output, source_of, write_stdout
    from chnorm_cli.images import encode, read_mask, read_pictures, write_atomically
    from chnorm_cli.scaling.answers import encode_as
    from chnorm_cli.scaling.course import check_replaced, check_writable
    from chnorm_cli.scaling.requests import Writing
    from chnorm_cli.terminal.console import complain

    what.drawn.check()
    if what.seed < 0:
        raise usage(f"--seed {what.seed}: give a number from 0 on")
    if not 0 <= what.missing <= 1:
        raise usage(f"--missing {what.missing:g}: give a share from 0 to 1")
    place = choose_output(output)
    if what.mask_out is not None and not (what.missing or what.mask):
        raise usage("--mask-out needs --missing FRACTION or --mask FILE")
    mask_out = None if what.mask_out is None else Path(what.mask_out)
    for path in (place.path, mask_out):
        if path is not None:
            check_writable(path)
    if place.format == "zarr" and place.path is not None and place.path.exists():
        raise usage(f"-o {place.path}: exists already, and is a folder; give another name")
    source, name = source_of(picture)
    reading = parse_page(page)
    pictures = read_pictures(source, name=name, page=reading, max_pixels=max_pixels)
    if mask_out is not None and len(pictures) > 1:
        raise usage("--mask-out is about one page, and there are several; give --page N")
    check_replaced(pictures, source, place.path, name)
    rng = np.random.default_rng(what.seed)
    spoilt, missing = [], np.zeros((0, 0), np.bool_)
    for good in pictures:
        bad = good if what.downscale is None else spoil.downscale(good, what.downscale)
        bad = spoil.add_noise(bad, what.drawn, rng)
        bad = spoil.spoil_pixels(bad, what.drawn, rng)
        missing = spoil.draw_missing(bad.shape, what.missing, rng)
        if what.mask is not None:
            missing |= read_mask(Path(what.mask), name=what.mask, shape=bad.shape).missing
        spoilt.append(spoil.blacken(bad, missing))
    if mask_out is not None:
        write_atomically(mask_out, encode([spoil.mask_picture(missing)], format="png").data)
    encoded = encode_as(spoilt, Writing(place.format, depth.asked, strip))
    if not quiet:
        notes = [note for bad in spoilt for note in (*bad.notes, *bad.lost)]
        for note in dict.fromkeys([*notes, *encoded.notes]):
            complain(f"{name}: {note}", "note")
    if place.path is None:
        write_stdout(encoded.data)
    else:
        for note in encoded.write(place.path):
            if not quiet:
                complain(f"{place.path}: {note}", "note")
    return ExitCode.OK
