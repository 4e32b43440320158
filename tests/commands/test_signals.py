"""Ctrl-C, SIGTERM and SIGHUP are answered within a second, and leave no file but the one that was asked."""

import fcntl
import os
import pty
import signal
import subprocess
import termios
import time

import pytest
from shell import save

from chnorm_cli.terminal import signals

SLOW = "steps=10000 pause=0.01"


def wait_for(process, words):
    """Reads stderr until `words` are there."""
    text = b""
    while words not in text:
        text += process.stderr.readline()
        assert process.poll() is None, text


def stop(process, number):
    start = time.monotonic()
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    return time.monotonic() - start, err


def wait_for_the_end_of_all(process):
    """Waits until nothing of the process group is left, multiprocessing's helper included."""
    group = ["pgrep", "-g", str(process.pid)]
    deadline = time.monotonic() + 5
    while subprocess.run(group, check=False, capture_output=True).stdout:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_one_picture(start, photo, tmp_path, number, code):
    process = start("denoise", "photo.png", "-o", "x.png", "--progress", "json", fake=SLOW)
    wait_for(process, b'"step": 1,')
    seconds, err = stop(process, number)
    assert process.returncode == code
    assert seconds < 5  # under one when the machine is idle; speed is not a test
    assert b'"event": "stopped"' in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photo.png"]


def test_a_stuck_computation_is_left_behind(start, photo, tmp_path):
    # A long hash in C stands for a long convolution: no signal handler of Python's runs meanwhile.
    process = start("denoise", "photo.png", "-o", "x.png", "--progress", "json", fake="die=stuck")
    wait_for(process, b"prepared")
    time.sleep(0.3)  # until it is stuck
    seconds, _ = stop(process, signal.SIGINT)
    assert process.returncode == 130
    assert seconds < 5
    assert not (tmp_path / "x.png").exists()


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_keep_partial_writes_the_best_so_far(start, photo, tmp_path, number):
    process = start(
        "denoise", "photo.png", "-o", "x.png", "--progress", "json", "--keep-partial", "--json",
        fake=SLOW,
    )  # fmt: skip
    wait_for(process, b'"step": 1,')
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 128 + number
    assert b"best so far" in err
    assert b'"outcome": "interrupted"' in out
    assert (tmp_path / "x.png").exists()


def test_under_nohup_a_closed_terminal_does_not_matter(start, photo, tmp_path):
    process = start(
        "denoise", "photo.png", "-o", "x.png", "--progress", "json",
        fake="steps=20 pause=0.02",
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )  # fmt: skip
    wait_for(process, b'"step": 1,')
    process.send_signal(signal.SIGHUP)
    assert process.wait(20) == 0
    assert (tmp_path / "x.png").exists()


@pytest.mark.parametrize("keep", [True, False])
def test_a_terminal_that_is_closed_keeps_what_was_asked(start, photo, tmp_path, keep):
    ours, theirs = pty.openpty()

    def own_terminal():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = start(
        "denoise", "photo.png", "-o", "x.png", *(["--keep-partial"] if keep else []),
        fake=SLOW, env={"TERM": "xterm"}, preexec_fn=own_terminal,
        stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    text = b""
    while b"gradient norm" not in text:
        text += os.read(ours, 65536)
    os.close(ours)  # the system sends SIGHUP, and every further write fails
    process.send_signal(signal.SIGHUP)  # and so does the shell
    assert process.wait(20) == 129
    expected = ["photo.png", "x.png"] if keep else ["photo.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == expected


def test_a_second_sighup_in_the_middle_of_the_first_says_nothing_new(monkeypatch):
    class EndedAtOnce(BaseException):
        pass

    def end(number):
        raise EndedAtOnce(number)

    monkeypatch.setattr(signals, "_end", end)
    before = {number: signal.getsignal(number) for number in signals.ANSWERED}
    try:
        with signals.listening(None):
            answer = signal.getsignal(signal.SIGHUP)
            with pytest.raises(signals.Stopped):
                answer(signal.SIGHUP, None)
            answer(signal.SIGHUP, None)  # as when it arrives before the first was dealt with
            with pytest.raises(EndedAtOnce):
                answer(signal.SIGINT, None)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_many_pictures(start, tmp_path, number, code):
    for index in range(4):
        save(tmp_path / "in" / f"{index}.png")
    process = start(
        "denoise", "in", "-o", "out", "--jobs", 2, "--progress", "json",
        fake="steps=100 pause=0.005", start_new_session=True,
    )  # fmt: skip
    wait_for(process, b"finished")
    os.killpg(process.pid, number)  # the workers get it too, as from a terminal
    seconds, _ = stop(process, 0)
    assert process.returncode == code
    assert seconds < 5
    left = [path.name for path in (tmp_path / "out").iterdir()]
    assert left
    assert all(name.endswith(".png") and not name.startswith(".") for name in left)
    wait_for_the_end_of_all(process)


def test_workers_do_not_outlive_a_killed_parent(start, tmp_path):
    for index in range(2):
        save(tmp_path / "in" / f"{index}.png")
    process = start(
        "denoise", "in", "-o", "out", "--jobs", 2, "--progress", "json", fake=SLOW,
        start_new_session=True,
    )  # fmt: skip
    wait_for(process, b'"event": "step"')
    process.kill()
    process.wait()
    wait_for_the_end_of_all(process)
    assert list((tmp_path / "out").iterdir()) == []
