"""README and docs/ hold true: the program knows their examples, and every link leads somewhere."""

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
DOCS = ROOT / "docs"
PAGES = [README, *sorted(DOCS.glob("*.md"))]

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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" not in target:
            path, _, heading = target.partition("#")
            found = page.parent / path if path else page
            assert found.exists(), target
            headings = re.findall(r"^#+ (.+)$", found.read_text(), re.MULTILINE) if heading else []
            anchors = {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}
            assert not heading or heading in anchors, target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_is_python(page):
    for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
        compile(block, page.name, "exec")


def test_every_page_is_found_from_readme_and_readme_stays_short():
    text = README.read_text()
    assert all(f"(docs/{page.name})" in text for page in DOCS.glob("*.md"))
    assert len(text.splitlines()) <= 150
