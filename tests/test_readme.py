"""README holds true: its help blocks are the program's, and its examples are understood by it."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from chnorm_cli.cli import build

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [path for path in (README,) if path.exists()]

pytestmark = pytest.mark.skipif(not PAGES, reason="there is no README yet")

HELP = re.compile(r"<!-- help: ([\w ]*?) *-->\n+```\w*\n(.*?)```", re.DOTALL)
CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)


def help_blocks():
    return [match.groups() for page in PAGES for match in HELP.finditer(page.read_text())]


def examples():
    """The chnorm commands of all console blocks, pipelines taken apart and comments dropped."""
    for page in PAGES:
        for block in CONSOLE.findall(page.read_text()):
            for line in block.replace("\\\n", " ").splitlines():
                if line.startswith("$ "):
                    yield from commands_of(line[2:])


def commands_of(line):
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|<>&;")
    lexer.whitespace_split = True
    words, command = [*lexer, "|"], []
    for word in words:
        if set(word) <= set("|<>&;"):
            if command[:1] == ["chnorm"]:
                yield command[1:]
            command = [] if word[0] in "|&;" else ["(redirected to)"]
        elif command != ["(redirected to)"]:
            command.append(word)


@pytest.mark.parametrize(("name", "block"), help_blocks())
def test_help_blocks_are_the_programs(name, block):
    done = subprocess.run(
        [sys.executable, "-m", "chnorm_cli", *name.split(), "--help"],
        env=os.environ | {"COLUMNS": "80", "PYTHONPATH": str(ROOT), "TERM": "dumb"},
        capture_output=True, check=True, text=True,
    )  # fmt: skip

    def stripped(text):
        return [line.rstrip() for line in text.splitlines() if line.strip()]

    assert stripped(block) == stripped(done.stdout)


@pytest.mark.parametrize("arguments", list(examples()), ids=shlex.join)
def test_examples_are_understood(arguments):
    group = typer.main.get_command(build())
    parent = group.make_context("chnorm", list(arguments), resilient_parsing=True)
    name, *rest = arguments
    command = group.get_command(parent, name)
    assert command is not None or name in ("--help", "--version", "--install-completion")
    if command is not None:
        command.make_context(name, rest, parent=parent)  # raises for what it does not know


def test_numbers_in_the_table_of_results_were_measured():
    measured = set(
        re.findall(r"\| (\d+\.\d\d) · ", (ROOT / "benchmarks" / "RESULTS.md").read_text())
    )
    rows = re.findall(
        r"^\| (?:denoise|inpaint|super-resolution)[^|]*\|([^|]*\|[^|]*)\|$",
        README.read_text(),
        re.MULTILINE,
    )
    claimed = {number for row in rows for number in re.findall(r"\d+\.\d\d", row)}
    assert len(claimed) > 20
    assert claimed <= measured, f"not in RESULTS.md: {sorted(claimed - measured)}"
