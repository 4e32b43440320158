"""Standard input and output as pictures."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chnorm_cli.scaling.failures import Failure, usage

FORMATS = ("png", "tiff", "jpeg", "webp", "avif")
STDIN = "stdin"


@dataclass(frozen=True)
class Output:
    """Where a result goes: a path, or None for standard output."""

    path: Path | None
    format: str


def choose_output(text: str | None, *, as_json: bool = False) -> Output:
    """Return where `-o TEXT` leads; raise `Failure` for bytes onto a terminal nobody asked for."""
    if text is not None and text != "-" and not text.endswith(":-"):
        from chnorm_cli.images import ImageError, format_for

        try:
            return Output(Path(text), format_for(Path(text)))
        except ImageError as error:
            raise usage(f"-o {error}") from error
    if as_json:
        raise usage("--json takes standard output; give the picture a file with -o FILE")
    if text is None and sys.stdout is not None and sys.stdout.isatty():
        raise usage("a picture does not go onto a terminal; give -o FILE or pipe it on")
    if text in (None, "-"):
        return Output(None, "png")
    assert text is not None
    name = {"tif": "tiff", "jpg": "jpeg"}.get(text[:-2], text[:-2])
    if name not in FORMATS:
        raise usage(f"-o {text}: give one of {', '.join(f'{form}:-' for form in FORMATS)}")
    return Output(None, name)


def read_stdin() -> bytes:
    """Return all of standard input; raise `Failure` where nothing is piped in."""
    if sys.stdin is None or sys.stdin.isatty():
        raise usage("- is standard input, and nothing is piped in; give a file or pipe a picture")
    data = sys.stdin.buffer.read()
    if not data:
        raise Failure("stdin: no bytes came through the pipe; see whether its first part failed")
    return data


def source_of(text: str) -> tuple[Path | bytes, str]:
    """Return the source behind an argument, and its name."""
    return (read_stdin(), STDIN) if text == "-" else (Path(text), text)


def write_stdout(data: bytes) -> None:
    """Write a picture to the pipe; raise `Failure` when nobody reads it to its end."""
    if sys.stdout is None:
        raise Failure("stdout is closed; give -o FILE")
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError as error:
        leave_stdout()
        failure = Failure("stdout was closed before the whole picture was written")
        failure.told = True  # `| head -c1` is how people stop a pipe: no line about it
        raise failure from error
    except OSError as error:
        leave_stdout()
        raise Failure(f"stdout: {(error.strerror or str(error)).lower()}") from error


def write_json(values: Mapping[str, Any]) -> None:
    """Write the one object of `--json`."""
    write_stdout((json.dumps(values, indent=2) + "\n").encode())


def leave_stdout() -> None:
    """Point standard output at nothing, so that Python's own flush at the end does not complain."""
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)
