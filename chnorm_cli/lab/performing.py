"""Run one experiment: check what was asked for, show progress, print tables, write files."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from chnorm_cli.commands.streams import write_stdout
from chnorm_cli.images import write_atomically
from chnorm_cli.lab.common import Common
from chnorm_cli.lab.report import Claim, Report, Table
from chnorm_cli.scaling.course import check_writable
from chnorm_cli.scaling.failures import ExitCode, usage
from chnorm_cli.terminal.console import console, say, shown
from chnorm_cli.terminal.history import plot_formats, require_matplotlib

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VERDICTS = {True: Text("yes", "green"), False: Text("no", "bold red"), None: Text("open", "dim")}
EVERY = 5.0  # seconds between two lines of progress where there is no terminal
PLAIN_WIDTH = 140  # columns of a table that goes into a pipe


class Result(Protocol):
    """What every experiment returns."""

    def report(self) -> Report:
        """Give the tables."""

    def draw(self, figure: Figure) -> None:
        """Draw the picture of `--plot`."""


Settings = TypeVar("Settings", bound=Any)


def prepared(settings: Settings, common: Common, *, pictures: bool = False) -> Settings:
    """Fill in the common options, and refuse what cannot work before anything is computed."""
    from chnorm_cli.device import choose_device

    if common.plot is not None:
        path = Path(common.plot)
        if path.suffix.lower() not in plot_formats():
            raise usage(f"--plot {shown(path)}: give a name ending in .png, .svg or .pdf")
        require_matplotlib()
        check_writable(path)
    if common.csv not in (None, "-"):
        check_writable(Path(str(common.csv)))
    name = "cpu" if common.device == "auto" and not pictures else common.device
    device = str(choose_device(name))
    filled = replace(settings, full=common.full, seed=common.seed, device=device)
    return filled if common.seeds is None else replace(filled, seeds=common.seeds)


def perform(
    experiment: Generator[str, None, Result], common: Common, *, panels: int = 2
) -> ExitCode:
    """Run the experiment to its end and show what came out."""
    result = _watched(experiment, quiet=common.quiet)
    report = result.report()
    _print(report, to_stderr=common.csv == "-")
    if common.csv is not None:
        data = report.curves.csv()
        if common.csv == "-":
            write_stdout(data)
        else:
            write_atomically(Path(common.csv), data)
    if common.plot is not None:
        from chnorm_cli.lab.plots import save

        path = Path(common.plot)
        write_atomically(path, save(result.draw, path, report.title, panels=panels))
    return ExitCode.OK


def _watched(experiment: Generator[str, None, Result], *, quiet: bool) -> Result:
    """Drain the generator, saying what it does: in place on a terminal, else now and then."""
    began = said = time.monotonic()
    live = console().is_terminal and not quiet
    with console().status("", spinner="dots") if live else _nothing() as status:
        while True:
            try:
                doing = next(experiment)
            except StopIteration as stop:
                result: Result = stop.value
                return result
            now = time.monotonic()
            if status is not None:
                status.update(Text(f"{doing}  {now - began:.0f} s"))
            elif not quiet and now - said >= EVERY:
                said = now
                say(f"{now - began:4.0f} s  {doing}")


def _nothing() -> Any:
    from contextlib import nullcontext

    return nullcontext(None)


def _print(report: Report, *, to_stderr: bool) -> None:
    """Print the tables: they are the result of the command, unless `--csv -` is."""
    parts = [
        Text(report.title, "bold"), _measurements(report.measurements), Text(),
        _claims(report.claims), Text(),
        *(Text(f"· {note}", "dim") for note in report.notes),
    ]  # fmt: skip
    if to_stderr:
        for part in parts:
            console().print(part)
        return
    stdout = sys.stdout
    terminal = stdout is not None and stdout.isatty()
    paper = Console(
        file=io.StringIO(), highlight=False, markup=False, emoji=False, force_terminal=terminal,
        width=None if terminal else PLAIN_WIDTH,
    )  # fmt: skip
    for part in parts:
        paper.print(part)
    assert isinstance(paper.file, io.StringIO)
    encoding = (stdout.encoding if stdout is not None else None) or "utf-8"
    write_stdout(paper.file.getvalue().encode(encoding, "replace"))


def _measurements(table: Table) -> RichTable:
    rich = RichTable(show_edge=False, pad_edge=False, header_style="bold")
    for number, name in enumerate(table.columns):
        text = isinstance(table.rows[0][number], str) and number < 2
        rich.add_column(name, justify="left" if text else "right")
    for row in table.rows:
        rich.add_row(*map(str, row))
    return rich


def _claims(claims: Sequence[Claim]) -> RichTable:
    rich = RichTable(show_edge=False, pad_edge=False, header_style="bold", show_lines=False)
    for name in ("claim", "paper", "measured", "holds"):
        rich.add_column(name)
    for claim in claims:
        rich.add_row(claim.claim, claim.expected, claim.measured, VERDICTS[claim.holds])
    return rich
