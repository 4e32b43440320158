"""The live view on a pseudo-terminal, and surroundings that are poorer than one."""

import fcntl
import json
import os
import pty
import re
import shlex
import struct
import subprocess
import termios

import pytest
from shell import command, environment

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def terminal(tmp_path):
    """Runs a command with stderr (and stdin, stdout unless given) on a new terminal."""

    def run(
        *arguments, args=None, columns=80, rows=24, fake="steps=30 pause=0.02", env=None, **options
    ):
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        surroundings = {"TERM": "xterm-256color", "COLUMNS": None, "LINES": None} | (env or {})
        process = subprocess.Popen(
            args or command(*arguments),
            env=environment(fake, **surroundings),
            cwd=tmp_path,
            **({"stdin": theirs, "stdout": theirs, "stderr": theirs} | options),
            start_new_session=True,
        )
        os.close(theirs)
        text = b""
        while True:
            try:
                data = os.read(ours, 65536)
            except OSError:
                break
            if not data:
                break
            text += data
        os.close(ours)
        return process.wait(30), text.decode()

    return run


def test_live_view_draws_and_leaves_only_the_summary(terminal, photo, tmp_path):
    code, text = terminal("denoise", "photo.png", "-o", "x.png")
    assert code == 0
    assert "\x1b[?25l" in text  # the cursor hides …
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # … and comes back
    assert "gradient norm" in text
    assert "█" in text
    after = ANSI.sub("", text[text.rindex("\x1b[2K") :])
    assert "photo.png → x.png" in after
    assert "gradient norm" not in after


@pytest.mark.parametrize("columns", [20, 40])
def test_nothing_wraps_on_a_narrow_terminal(terminal, photo, columns):
    _, text = terminal("denoise", "photo.png", "-o", "x.png", "-v", columns=columns)
    drawing = text[: text.rindex("\x1b[?25h")]
    assert "loss" in drawing
    assert (
        max(len(line) for line in ANSI.sub("", drawing).replace("\r", "\n").split("\n")) <= columns
    )


@pytest.mark.parametrize(
    ("env", "colour"),
    [
        ({"NO_COLOR": "1"}, False),
        ({"TERM": None}, None),
        ({"TERM": "dumb"}, None),
        ({"HOME": None, "XDG_CACHE_HOME": None}, True),
        ({"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}, True),
    ],
)
def test_poor_surroundings(terminal, photo, tmp_path, env, colour):
    code, text = terminal("denoise", "photo.png", "-o", "x.png", env=env)
    assert code == 0
    assert (tmp_path / "x.png").exists()
    if colour is None:  # lines instead of a live view
        assert "\x1b" not in text
    else:
        assert ("\x1b[36m" in text) is colour
    if "PYTHONIOENCODING" in env:
        assert text.isascii()
        assert "gradient norm" in text


def test_bytes_do_not_go_onto_a_terminal_unless_asked(terminal, photo):
    code, text = terminal("denoise", "photo.png")
    assert code == 2
    assert "give -o FILE" in text
    code, text = terminal("corrupt", "photo.png", "--noise", "3")
    assert code == 2
    code, text = terminal("denoise", "-", "-o", "x.png")
    assert code == 2
    assert "nothing is piped in" in text
    code, text = terminal("denoise")
    assert code == 2
    assert "For example:" in text


def test_a_pipeline_takes_turns_on_one_terminal(terminal, photo, tmp_path):
    first, second = command("denoise", "photo.png"), command("superres", "-", "-o", "x.png")
    line = f"{shlex.join(first)} | {shlex.join(second)}"
    code, text = terminal(args=["bash", "-c", line])
    assert code == 0
    hides = [match.start() for match in re.finditer(r"\x1b\[\?25l", text)]
    shows = [match.start() for match in re.finditer(r"\x1b\[\?25h", text)]
    assert len(hides) == 2
    assert hides[0] < shows[0] < hides[1] < shows[-1]
    assert (tmp_path / "x.png").exists()


def test_two_at_once_do_not_fight(terminal, photo, tmp_path):
    first, second = (shlex.join(command("denoise", "photo.png", "-o", f"{x}.png")) for x in "ab")
    code, text = terminal(args=["bash", "-c", f"{first} & {second}; wait"])
    assert code == 0
    assert text.count("\x1b[?25l") == 1  # one draws, the other says how it ended
    assert "→ a.png" in text
    assert "→ b.png" in text


def test_progress_of_many_is_one_table(terminal, photo, tmp_path):
    for name in "abc":
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / f"{name}.png").write_bytes(photo.read_bytes())
    code, text = terminal("denoise", "in", "-o", "out", "--jobs", 2, fake="steps=60 pause=0.01")
    assert code == 0
    assert text.count("\x1b[?25l") == 1
    assert " of 3 done" in text
    assert "3 restored" in ANSI.sub("", text)


def test_json_stays_alone_on_stdout(terminal, photo):
    reading, writing = os.pipe()
    code, _ = terminal("denoise", "photo.png", "-o", "x.png", "--json", stdout=writing)
    os.close(writing)
    with open(reading, "rb") as pipe:  # noqa: PTH123 -- a descriptor, not a path
        assert json.load(pipe)["schema"] == "chnorm.report/1"
    assert code == 0
