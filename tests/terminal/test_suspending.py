"""What a signal finds while the terminal is drawn on, and before anything is."""

import os
import signal
import subprocess
import sys

import pytest

from chnorm_cli.terminal import signals
from chnorm_cli.terminal.signals import HIDE_CURSOR, SHOW_CURSOR, cursor_shown_while_stopped


def test_ctrl_z_shows_the_cursor_until_the_program_goes_on(monkeypatch):
    happened = []
    monkeypatch.setattr(signals.os, "write", lambda fd, text: happened.append((fd, text)))
    monkeypatch.setattr(
        signals.os, "kill", lambda *_: happened.append(signal.getsignal(signal.SIGTSTP))
    )
    with cursor_shown_while_stopped():
        for _ in range(2):  # every time, not only the first
            signal.raise_signal(signal.SIGTSTP)
    assert happened == [(2, SHOW_CURSOR), signal.SIG_DFL, (2, HIDE_CURSOR)] * 2
    assert signal.getsignal(signal.SIGTSTP) is signal.SIG_DFL


def test_a_shell_that_ignores_ctrl_z_is_left_alone():
    before = signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    try:
        with cursor_shown_while_stopped():
            assert signal.getsignal(signal.SIGTSTP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTSTP, before)


INTERRUPTED_WHILE_LOADING = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "chnorm_cli.cli":
            os.kill(os.getpid(), signal.{name})

sys.meta_path.insert(0, Interrupting())
from chnorm_cli.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_while_modules_are_loaded_gives_no_traceback(name):
    code = INTERRUPTED_WHILE_LOADING.format(name=name)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env=os.environ, timeout=60, check=False
    )
    assert done.returncode == -signal.Signals[name]  # which shells call 130 and 143
    assert done.stderr == b""
