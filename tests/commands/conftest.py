"""Runs chnorm as the shell does: as a process, with real pipes."""

import io
import subprocess
import sys

import pytest
from shell import command, environment, save

from chnorm_cli.cli import main


@pytest.fixture
def chnorm(tmp_path):
    """Runs one command in `tmp_path`; stdout and stderr are bytes."""

    def run(*arguments, fake="", real=False, stdin=subprocess.DEVNULL, env=None, **options):
        if isinstance(stdin, bytes):
            options["input"] = stdin
        else:
            options["stdin"] = stdin
        if "stdout" not in options:
            options |= {"stdout": subprocess.PIPE}
        return subprocess.run(
            command(*arguments, real=real),
            env=environment(fake, **(env or {})),
            cwd=tmp_path,
            stderr=options.pop("stderr", subprocess.PIPE),
            timeout=120,
            check=False,
            **options,
        )

    return run


@pytest.fixture
def start(tmp_path):
    """Starts one command without waiting for it."""
    running = []

    def begin(*arguments, fake="", env=None, **options):
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        process = subprocess.Popen(
            command(*arguments), env=environment(fake, **(env or {})), cwd=tmp_path, **options
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def photo(tmp_path):
    """A small colour picture with structure."""
    return save(tmp_path / "photo.png", size=(24, 32))


@pytest.fixture
def inside(tmp_path, monkeypatch, capfdbinary):
    """Runs one command in this process, for what needs no process of its own; stdin is empty."""
    import fake_chnorm

    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "chnorm_cli.restoration", fake_chnorm.module)
    monkeypatch.setenv("CHNORM_PROGRESS", "none")

    def run(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = main([str(argument) for argument in arguments])
        sys.stdout.flush()
        out, err = capfdbinary.readouterr()
        return subprocess.CompletedProcess(arguments, code, out, err)

    return run
