"""Standard input and output, pipes and devices as pictures."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from chnorm_cli.scaling.failures import Failure, usage

FORMATS = ("png", "tiff", "jpeg", "webp", "avif", "heic", "jp2", "jxl", "fits")
STDIN = "stdin"


@dataclass(frozen=True)
class Output:
    """Where a result goes: a path, which may be a pipe, or None for standard output."""

    path: Path | None
    format: str


def choose_output(text: str | None, *, as_json: bool = False) -> Output:
    """Return where `-o TEXT` leads; raise `Failure` for bytes onto a terminal nobody asked for."""
    place = None if text is None else stream_in(text)
    if text is not None and place is None:
        from chnorm_cli.images import ImageError, format_for

        try:
            return Output(Path(text), format_for(Path(text)))
        except ImageError as error:
            raise usage(f"-o {error}") from error
    if place is not None and place.path is not None:
        return place
    if as_json:
        raise usage("--json takes standard output; give the picture a file with -o FILE")
    if text is None and sys.stdout is not None and sys.stdout.isatty():
        raise usage("a picture does not go onto a terminal; give -o FILE or pipe it on")
    if place is None:
        return Output(None, "png")
    if place.format not in FORMATS:
        raise usage(f"-o {text}: give one of {', '.join(f'{form}:-' for form in FORMATS)}")
    return place


def stream_in(text: str) -> Output | None:
    """Return the stream that `-o TEXT` names, or None for a file or folder.

    A stream is -, a pipe, a device, or an open descriptor such as /dev/stdout and a shell's >(…);
    its format stands before a colon, or in its suffix, or is PNG.
    """
    from chnorm_cli.images import BY_SUFFIX, descriptor_of, is_stream

    form, colon, rest = text.rpartition(":")
    form = {"tif": "tiff", "jpg": "jpeg"}.get(form, form)
    if colon and (rest == "-" or form in FORMATS) and not Path(text).exists():
        text = rest
    else:
        form = ""
    if text == "-" or descriptor_of(Path(text)) == 1:
        return Output(None, form or "png")
    path = Path(text)
    if not is_stream(path):
        return None
    row = BY_SUFFIX.get(path.suffix.lower())
    return Output(path, form or (row.name if row is not None and row.encode else "png"))


def standard_input(text: str) -> str:
    """Return - for whatever names standard input, and any other name as it is."""
    from chnorm_cli.images import descriptor_of

    return "-" if descriptor_of(Path(text)) == 0 else text


def read_stdin() -> bytes:
    """Return all of standard input; raise `Failure` where nothing is piped in."""
    if sys.stdin is None or sys.stdin.isatty():
        raise usage("- is standard input, and nothing is piped in; give a file or pipe a picture")
    return _read_whole(sys.stdin.buffer, STDIN)


def read_pipe(path: Path) -> bytes:
    """Return all that comes out of a pipe or device, which can be read only once."""
    with path.open("rb") as pipe:
        return _read_whole(pipe, str(path))


def _read_whole(file: BinaryIO, name: str) -> bytes:
    """Read to the end what begins like a picture: /dev/zero has no end."""
    from chnorm_cli.images import HEAD, identify

    head = file.read(HEAD)
    if not head:
        raise Failure(f"{name}: no bytes came through the pipe; see whether its first part failed")
    identify(head, name)
    return head + file.read()


def source_of(text: str) -> tuple[Path | bytes, str]:
    """Return the source behind an argument, and its name."""
    return (read_stdin(), STDIN) if standard_input(text) == "-" else (Path(text), text)


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
