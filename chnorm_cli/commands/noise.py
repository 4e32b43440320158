"""`chnorm noise`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chnorm_cli.commands.aliases import (
    INPUT,
    OUTPUT,
    AsJson,
    MaxPixels,
    PageOption,
    Pictures,
    parse_page,
)
from chnorm_cli.scaling.failures import ExitCode, Failure, explain, usage

if TYPE_CHECKING:
    from chnorm_cli.commands.laws import Told


def noise(
    pictures: Pictures,
    *,
    as_json: AsJson = False,
    plot: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Draw the level against the brightness (.png, .svg, .pdf); needs matplotlib.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    page: PageOption = None,
    max_pixels: MaxPixels = 100_000_000,
    recursive: Annotated[
        bool, typer.Option("--recursive", help="Sub-folders too.", rich_help_panel=INPUT)
    ] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Nothing but errors.")] = False,
) -> ExitCode:
    """Say what noise a picture has, without removing it.

    For example:
      chnorm noise scan.png
      chnorm noise frames/ --json
      chnorm noise counts.tif --plot law.png
      chnorm corrupt photo.png --poisson 30 | chnorm noise -

    It is the law that denoise finds: how strong the noise is at each
    brightness, and who shares it, in the numbers of the file.
    --gain, --black and --sigma of denoise take such numbers.
    """
    from chnorm_cli.commands.streams import STDIN, write_json
    from chnorm_cli.images import is_folder
    from chnorm_cli.scaling.course import check_writable
    from chnorm_cli.scaling.inputs import find_sources
    from chnorm_cli.scaling.report import describe_batch
    from chnorm_cli.terminal.console import complain
    from chnorm_cli.terminal.history import plot_formats, require_matplotlib

    start = time.monotonic()
    reading = parse_page(page)
    many = len(pictures) > 1 or is_folder(Path(pictures[0]))
    if many and "-" in pictures:
        raise usage("- stands for one picture; it cannot be one of many")
    if plot is not None:
        if many:
            raise usage("--plot is about one picture, and there are many")
        if Path(plot).suffix.lower() not in plot_formats():
            raise usage(f"--plot {plot}: give a name that ends in .png, .svg or .pdf")
        require_matplotlib()
        check_writable(Path(plot))
    if pictures == ["-"]:
        names = ["-"]
    else:
        found = find_sources([Path(text) for text in pictures], recursive=recursive)
        names = [str(source.path) for source in found]
    if not names:
        raise Failure(
            f"{', '.join(pictures)}: no pictures there; --recursive looks into sub-folders"
        )
    from chnorm_cli.commands.laws import describe, find_told  # torch, which takes its time

    told: list[Told] = []
    reports = []
    for name in names:
        try:
            pages = find_told(name, page=reading, max_pixels=max_pixels)
            if plot is not None and len(pages) > 1:
                what = "page" if pages[-1].page else "channel"
                choose = "; give --page N" if pages[-1].page else ""
                raise usage(f"--plot is about one {what}, and there are several{choose}")
        except Exception as error:
            shown = STDIN if name == "-" else name
            failure = explain(error, name=shown)
            if failure is None:
                raise
            report = _describe_failure(shown, failure)
            if not many:
                if as_json:
                    write_json(report)
                raise failure from error
            complain(failure.message)
            reports.append(report)
            continue
        told += pages
        reports.append(describe(pages))
        if not quiet:
            for note in dict.fromkeys(note for one in pages for note in one.picture.notes):
                complain(f"{pages[0].name}: {note}", "note")
    if plot is not None:
        _plot(told[0], Path(plot))
    failed = any(report["status"] == "failed" for report in reports)
    code = ExitCode.SOME_FAILED if failed else ExitCode.OK
    if not as_json:
        from chnorm_cli.commands.law_table import show_laws

        show_laws(told)
    elif many:
        seconds = time.monotonic() - start
        write_json(
            describe_batch("noise", reports, skipped=0, code=code, seconds=seconds, unread={})
        )
    else:
        write_json(reports[0])
    return code


def _describe_failure(name: str, failure: Failure) -> dict[str, Any]:
    from chnorm_cli.commands.laws import SCHEMA
    from chnorm_cli.scaling.report import describe_failure

    report = describe_failure("noise", name, failure.message, failure.code)
    return {**report, "schema": SCHEMA}


def _plot(one: Told, path: Path) -> None:
    from chnorm_cli.commands.law_plot import plot_law
    from chnorm_cli.images import write_atomically

    write_atomically(path, plot_law(one, path))
