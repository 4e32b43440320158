"""Dataclasses of options become single options and come back as dataclasses."""

import inspect
from dataclasses import dataclass
from typing import Annotated

import typer
from typer.testing import CliRunner

from chnorm_cli.commands.flat import flat


@dataclass(frozen=True)
class Inner:
    size: Annotated[int, typer.Option(help="A size.")] = 3


@dataclass(frozen=True)
class Outer:
    inner: Inner
    name: Annotated[str, typer.Option()] = "x"


@flat
def command(word: str, options: Outer) -> None:
    print(word, options)


def test_the_signature_is_flat():
    assert list(inspect.signature(command).parameters) == ["word", "size", "name"]


def test_typer_fills_the_dataclasses():
    app = typer.Typer()
    app.command()(command)
    done = CliRunner().invoke(app, ["hello", "--size", "5"])
    assert done.output == f"hello {Outer(Inner(5), 'x')}\n"
