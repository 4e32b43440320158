"""The door: the commands, and how every way to end becomes an exit code."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from chnorm_cli.commands.corrupt import corrupt
from chnorm_cli.commands.denoise import denoise
from chnorm_cli.commands.devices import devices
from chnorm_cli.commands.help import Command, Group
from chnorm_cli.commands.inpaint import inpaint
from chnorm_cli.commands.noise import noise
from chnorm_cli.commands.score import score
from chnorm_cli.commands.superres import superres
from chnorm_cli.scaling.failures import ExitCode, Failure, explain
from chnorm_cli.terminal.console import complain, prepare_streams
from chnorm_cli.terminal.signals import Stopped, listening

# Typer 0.29 ships its own click and older ones import it; either way this is click's UsageError.
UsageError: type[Exception] = typer.BadParameter.__bases__[0]


def version(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        from importlib.metadata import PackageNotFoundError
        from importlib.metadata import version as installed

        try:
            print(f"chnorm {installed('chnorm')}")
        except PackageNotFoundError:
            print("chnorm, run from its source without being installed")
        raise typer.Exit


def chnorm(
    _: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Restore one corrupted picture with an untrained convolutional network.

    For example:
      chnorm denoise noisy.png -o clean.png
      chnorm inpaint torn.png --mask holes.png -o whole.png
      chnorm superres small.png --scale 4 -o large.png
      chnorm noise scan.png
      chnorm corrupt a.png --noise 25 | chnorm denoise - | chnorm score - -t a.png

    Each command has a help of its own: chnorm denoise -h.
    """


def build() -> typer.Typer:
    """Put the commands together; none of them imports torch before it runs."""
    app = typer.Typer(
        name="chnorm",
        no_args_is_help=True,
        cls=Group,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
        pretty_exceptions_enable=False,
    )
    app.callback()(chnorm)
    commands: tuple[Callable[..., Any], ...] = (
        denoise, inpaint, superres, noise, corrupt, score, devices,
    )  # fmt: skip
    for command in commands:
        app.command(cls=Command)(command)
    if importlib.util.find_spec("chnorm_cli.lab.app") is not None:
        app.add_typer(importlib.import_module("chnorm_cli.lab.app").app, name="lab")
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code."""
    prepare_streams()
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # what libraries tell developers is no news for users
    try:
        with listening():
            require_working_directory(sys.argv[1:] if arguments is None else arguments)
            code = build()(args=arguments, prog_name="chnorm", standalone_mode=False)
            return int(code or ExitCode.OK)
    except Stopped as stopped:
        if not stopped.told:
            complain(f"stopped by {stopped.cause}", "note")
        return stopped.code
    except Failure as failure:
        return _end(failure)
    except UsageError as error:
        return _end_usage(error, list(sys.argv[1:] if arguments is None else arguments))
    except Exception as error:
        return _end(explain(error, name="chnorm") or _bug(error))


def require_working_directory(arguments: Sequence[str]) -> None:
    """Raise `Failure` where the working directory was deleted: torch and new processes need one."""
    if {"-h", "--help", "--version"} & set(arguments):
        return
    try:
        Path.cwd()
    except OSError as error:
        cause = (error.strerror or str(error)).lower()
        raise Failure(f"the working directory is gone ({cause}); cd to another one") from error


def _end(failure: Failure) -> ExitCode:
    if not failure.told:
        complain(failure.message)
    return failure.code


def _end_usage(error: Exception, arguments: Sequence[str]) -> ExitCode:
    """One line for a mistake in the command line, with the nearest right option if there is one.

    A command without any arguments, on a terminal, is answered with its help.
    """
    context = getattr(error, "ctx", None)
    if context and len(arguments) == 1 and sys.stdout is not None and sys.stdout.isatty():
        sys.stdout.write(context.get_help())  # Rich has printed it already and returns ""
        return ExitCode.USAGE
    command = context.command_path if context else "chnorm"
    text = error.format_message() if hasattr(error, "format_message") else str(error)
    if text:  # no arguments at all have been answered with the help
        message = " ".join(text.replace("Value error, ", "").split()).rstrip(".")
        complain(f"{message}; see {command} -h")
    return ExitCode.USAGE


def _bug(error: Exception) -> Failure:
    """What nobody expected, with the way to tell us."""
    if {"-v", "--verbose"} & set(sys.argv):
        traceback.print_exc()
    kind = type(error).__name__
    return Failure(f"{kind}: {error} (this is a bug in chnorm; -v shows where)")
