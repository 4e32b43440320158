"""stdin, stdout and stderr carry what they should, and nothing else."""

import functools
import json
import os
import resource
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from shell import command, environment, save

from chnorm_cli.images import Picture, encode, read_pictures

PNG, TIFF = b"\x89PNG", (b"II*\0", b"MM\0*")


def test_a_pipeline_of_three_works_and_keeps_its_words_on_stderr(chnorm, photo):
    noisy = chnorm("corrupt", "photo.png", "--noise", 25)
    assert (noisy.returncode, noisy.stderr) == (0, b"")
    clean = chnorm("denoise", "-", stdin=noisy.stdout)
    assert clean.returncode == 0
    assert clean.stdout.startswith(PNG)
    assert "stdin → stdout".encode() in clean.stderr
    score = chnorm("score", "-", "--truth", "photo.png", stdin=clean.stdout)
    assert score.returncode == 0
    assert score.stdout.startswith(b"PSNR")


def test_formats_of_standard_output(chnorm, photo):
    tiff = chnorm("denoise", "photo.png", "-o", "tiff:-", "-q")
    assert tiff.stdout.startswith(TIFF)
    assert tiff.stderr == b""
    wrong = chnorm("denoise", "photo.png", "-o", "gif:-")
    assert (wrong.returncode, wrong.stdout) == (2, b"")
    assert b"png:-" in wrong.stderr


def test_a_picture_and_its_mask_do_not_share_stdin(chnorm, photo, tmp_path):
    made = chnorm("corrupt", "photo.png", "--missing", 0.3, "--mask-out", "m.png", "-o", "h.png")
    assert made.returncode == 0
    mask = (tmp_path / "m.png").read_bytes()
    whole = chnorm("inpaint", "h.png", "--mask", "-", "-o", "w.png", stdin=mask)
    assert whole.returncode == 0
    assert chnorm("inpaint", "-", "--mask", "-", stdin=mask).returncode == 2


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["denoise", "missing.png", "-o", "x.png"], 1, b"missing.png"),
        (["denoise", "photo.png", "-o", "x.gif"], 2, b"x.gif"),
        (["denoise", "photo.png", "-o", "no/x.png"], 1, b"no folder"),
        (["denoise", "photo.png", "-o", "photo.png"], 2, b"--in-place"),
        (["denoise", "photo.png", "--sigma", "-1"], 2, b"--sigma"),
        (["denoise", "photo.png", "--depth", "float", "-o", "x.png"], 1, b"TIFF"),
        (["denoise", "empty.png", "-o", "x.png"], 1, b"empty.png"),
        (["denoise", "photo.png", "-o", "x.png", "--plot", "x.txt"], 2, b".png"),
        (["denoise", "-"], 1, b"no bytes"),
        (["denoise", "photo.png", "--page", "x"], 2, b"--page"),
        (["denoise", "photo.png", "--shard", "3/2", "-o", "out/"], 2, b"3/16"),
        (["inpaint", "photo.png"], 2, b"--mask"),
        (["inpaint", "photo.png", "--mask", "alpha", "-o", "x.png"], 1, b"alpha"),
        (["superres", "photo.png", "--scale", "5"], 2, b"--scale"),
        (["score", "photo.png", "--truth", "other.png"], 1, b"one size"),
        (["denoise", "--sgima", "3", "photo.png"], 2, b"--sigma"),
        (["denoize", "photo.png"], 2, b"'denoise'"),
        (["denoise"], 2, b"PICTURE"),
    ],
)
def test_bad_input_is_one_line_and_an_exit_code(inside, tmp_path, arguments, code, words):
    save(tmp_path / "photo.png")
    (tmp_path / "empty.png").write_bytes(b"")
    save(tmp_path / "other.png", size=(8, 8))
    before = sorted(tmp_path.iterdir())
    done = inside(*arguments)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert done.stderr.count(b"\n") == 1
    assert done.stderr.startswith(b"chnorm: error: ")
    assert done.stdout == b""
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("die", "code", "words"),
    [
        ("memory", 1, b"not enough memory"),
        ("device", 1, b"no CUDA"),
        ("diverge", 3, b"diverged"),
    ],
)
def test_a_fit_that_fails_leaves_no_file(chnorm, tmp_path, die, code, words):
    save(tmp_path / "photo.png")
    done = chnorm("denoise", "photo.png", "-o", "x.png", "--progress", "none", fake=f"die={die}")
    assert done.returncode == code
    assert words in done.stderr
    assert done.stderr.count(b"\n") == 1
    assert not (tmp_path / "x.png").exists()


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
def test_both_kinds_of_json_parse(chnorm, photo, tmp_path):
    done = chnorm(
        "denoise", "photo.png", "-o", "x.png", "--json", "--progress", "json",
        "--history", "h.csv",
    )  # fmt: skip
    for stream in (done.stdout, done.stderr):
        subprocess.run(["jq", "."], input=stream, check=True, stdout=subprocess.DEVNULL)
    report = json.loads(done.stdout)
    assert report["schema"] == "chnorm.report/1"
    assert (report["status"], report["steps"], report["settings"]["seed"]) == ("ok", 20, 0)
    events = [json.loads(line)["event"] for line in done.stderr.splitlines()]
    # What goes on is said whenever it lasts, also while a picture is prepared.
    assert [event for event in events if event != "activity"][:2] == ["opened", "prepared"]
    assert events[-2:] == ["step", "finished"]
    rows = (tmp_path / "h.csv").read_text().splitlines()
    assert len(rows) == 21
    assert rows[0].startswith("step,stage,seconds,loss,gradient_norm")
    failed = chnorm("denoise", "no.png", "-o", "x.png", "--json", "--progress", "json")
    assert json.loads(failed.stdout)["exit_code"] == failed.returncode == 1
    assert json.loads(failed.stderr)["event"] == "failed"


def test_pages_are_all_restored_or_one_is_chosen(chnorm, photo, tmp_path):
    pages = [Picture(np.full((8, 9, 1), level, np.float32)) for level in (0.2, 0.4, 0.6)]
    (tmp_path / "stack.tif").write_bytes(encode(pages, format="tiff").data)
    asked = chnorm("denoise", "stack.tif", "-o", "x.tif")
    assert asked.returncode == 1
    assert b"3 pages" in asked.stderr
    whole = chnorm("denoise", "stack.tif", "-o", "x.tif", "--page", "all", "--json", "-q")
    assert whole.returncode == 0
    assert len(json.loads(whole.stdout)["pages"]) == 3
    assert len(read_pictures(tmp_path / "x.tif", name="x.tif", page="all")) == 3
    shown = chnorm("denoise", "stack.tif", "-o", "x.tif", "--page", "all").stderr.decode()
    assert shown.count("note: a note for people") == 1  # of three pages alike
    assert shown.count("x.tif") == 1
    late = chnorm("denoise", "stack.tif", "-o", "x.png", "--page", "all", fake="pause=60")
    assert late.returncode == 1  # before the fit, not after it
    one = chnorm("denoise", "stack.tif", "-o", "x.png", "--page", 2)
    assert one.returncode == 0


def test_plot_is_a_picture(chnorm, photo, tmp_path):
    pytest.importorskip("matplotlib")
    done = chnorm("denoise", "photo.png", "-o", "x.png", "--plot", "curves.png", "-q")
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "curves.png").read_bytes().startswith(PNG)


def test_head_ends_the_pipe_without_a_word(photo, tmp_path):
    save(tmp_path / "large.png", size=(400, 400))
    first = subprocess.Popen(
        command("denoise", "large.png", "-q"), env=environment(), cwd=tmp_path,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    first.stdout.read(1)
    first.stdout.close()
    assert first.wait(30) in (0, 1)
    assert first.stderr.read() == b""
    first.stderr.close()


def test_a_full_disk_behind_stdout_is_an_error(chnorm, photo):
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = chnorm("denoise", "photo.png", "-q", stdout=full)
    assert done.returncode == 1
    assert b"no space" in done.stderr


def test_a_folder_that_takes_no_more_keeps_what_it_has(chnorm, photo, tmp_path):
    (tmp_path / "old.png").write_bytes(b"old")
    full = functools.partial(resource.setrlimit, resource.RLIMIT_FSIZE, (100, 100))
    done = chnorm("denoise", photo, "-o", "old.png", "-q", preexec_fn=full)
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert b"old.png" in done.stderr
    assert b"Traceback" not in done.stderr
    assert (tmp_path / "old.png").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old.png", "photo.png"]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc to write to in vain")
def test_a_folder_that_takes_nothing_is_an_error(chnorm, photo):
    done = chnorm("denoise", photo, "-o", "/proc/clean.png")
    assert done.returncode == 1
    assert b"/proc/clean.png" in done.stderr
    assert b"Traceback" not in done.stderr


def test_closed_descriptors_do_no_harm(photo, tmp_path):
    done = subprocess.run(
        ["bash", "-c", '"$@" 2>&- <&-', "sh", *command("denoise", "photo.png", "-o", "x.png")],
        env=environment(), cwd=tmp_path, check=False, capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0
    assert (tmp_path / "x.png").read_bytes().startswith(PNG)
    closed = subprocess.run(
        ["bash", "-c", '"$@" >&-', "sh", *command("denoise", "photo.png", "-o", "-")],
        env=environment(), cwd=tmp_path, check=False, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert closed.returncode == 1
    assert b"stdout is closed" in closed.stderr


def test_a_reader_of_stderr_that_leaves_does_not_stop_the_fit(start, photo, tmp_path):
    reading, writing = os.pipe()
    process = start(
        "denoise", "photo.png", "-o", "x.png", "--progress", "json",
        fake="steps=30 pause=0.02", stderr=writing,
    )  # fmt: skip
    os.close(writing)
    os.read(reading, 1)
    os.close(reading)
    assert process.wait(30) == 0
    assert (tmp_path / "x.png").exists()
