"""The table that `chnorm noise` prints: one row a picture, and what it means as sentences."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text
from torch import Tensor

from chnorm_cli.commands.laws import Told
from chnorm_cli.commands.streams import write_stdout
from chnorm_cli.scaling.own_numbers import numbers_of
from chnorm_cli.terminal.console import shown

ALWAYS = ("picture", "noise", "σ", "dark", "light")  # other columns only where they say something
NONE = "-"
WIDE = 1000  # columns where there is no terminal: what reads a pipe wants whole names


def show_laws(told: Sequence[Told]) -> None:
    """Print the laws on standard output: they are the result of the command."""
    if not told:
        return
    columns = {
        heading: cells
        for heading, cells in _columns(told).items()
        if heading in ALWAYS or any(cell != NONE for cell in cells)
    }
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in columns:
        name = heading == "picture"
        left = name or heading in ("noise", "shared by")
        table.add_column(
            heading, overflow="fold", no_wrap=not name, justify="left" if left else "right"
        )
    for cells in zip(*columns.values(), strict=True):
        table.add_row(*map(Text, cells))
    terminal = sys.stdout is not None and sys.stdout.isatty()
    text = io.StringIO()
    console = Console(
        file=text, width=None if terminal else WIDE, force_terminal=terminal, highlight=False
    )
    console.print(table)
    for one in told:
        for sentence in one.sentences:
            console.print(Text(f"{_name(one)}: {sentence}"), soft_wrap=True)
    lines = (line.rstrip() for line in text.getvalue().splitlines())
    coding = getattr(sys.stdout, "encoding", None) or "utf-8"
    write_stdout(("\n".join(lines) + "\n").encode(coding, "replace"))


def _columns(told: Sequence[Told]) -> dict[str, list[str]]:
    """Give the cells of each column, in the numbers of the files."""
    return {
        "picture": [_name(one) for one in told],
        "noise": [str(one.law.kind if one.law.doubt is None else one.law.doubt) for one in told],
        "σ": [_sigma(one, 0) for one in told],
        "dark": [_sigma(one, 1) for one in told],
        "light": [_sigma(one, 2) for one in told],
        "gain": [_of_counts(one, one.level.gain) for one in told],
        "black": [_of_counts(one, one.level.black) for one in told],
        "shared by": [_sharers(one) for one in told],
        "flat": [_flat(one) for one in told],
        "bad pixels": [NONE if one.bad is None else f"{one.bad.count:,}" for one in told],
        "σ of rows": [_offsets(one, 0) for one in told],
        "σ of columns": [_offsets(one, 1) for one in told],
    }


def _sigma(one: Told, which: int) -> str:
    """Say a level; 0 would be said of what was not measured."""
    measured = one.law.doubt is None or one.law.sigma > 0
    return f"{one.sigmas[which]:.3g}" if measured else NONE


def _of_counts(one: Told, values: Tensor) -> str:
    """Say what belongs to shot noise: one number, or one a colour where they differ."""
    if not bool((one.level.gain > 0).any()):
        return NONE
    texts = [f"{value:.3g}" for value in values.tolist()]
    return texts[0] if len(set(texts)) == 1 else "/".join(texts)


def _sharers(one: Told) -> str:
    shared = (
        ("neighbours", one.law.noise.kernel is not None),
        ("colours", one.law.mixing is not None),
    )
    return ", ".join(word for word, so in shared if so) or NONE


def _flat(one: Told) -> str:
    share = 0.0 if one.law.flat is None else float(one.law.flat.float().mean())
    return f"{share:.0%}" if share else NONE


def _offsets(one: Told, which: int) -> str:
    """Say the level of the offsets of rows or columns, in the numbers of the file."""
    level = 0.0 if one.banding is None else one.banding.sigmas[which]
    return f"{numbers_of(one.picture)[1] * level:.3g}" if level else NONE


def _name(one: Told) -> str:
    page = "" if one.page is None else f" page {one.page}"
    return shown(one.name) + page + ("" if one.channel is None else f" channel {one.channel}")
