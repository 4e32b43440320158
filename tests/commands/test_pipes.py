"""Pipes, devices and descriptors in place of files: read once, written straight, never replaced."""

import os
import shlex
import stat
import subprocess
import time
from pathlib import Path

import pytest
from shell import command, environment, save

from chnorm_cli.commands.streams import stream_in

PNG, TIFF = b"\x89PNG", b"II*\0"
pytestmark = pytest.mark.skipif(not Path("/dev/fd").exists(), reason="there is no /dev/fd")


@pytest.fixture
def bash(tmp_path):
    """Runs a line of bash in which `chnorm` is the program."""

    def run(line, **options):
        program = shlex.join(command())
        return subprocess.run(
            ["bash", "-c", f'chnorm() {{ {program} "$@"; }}\n{line}'],
            env=environment(), cwd=tmp_path, capture_output=True, check=False, timeout=60, **options,
        )  # fmt: skip

    return run


def wait_for(path, length=1):
    """The bytes of a file that a process substitution still writes."""
    deadline = time.monotonic() + 20
    while not path.exists() or len(path.read_bytes()) < length:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("-", (None, "png")),
        ("tif:-", (None, "tiff")),
        ("/dev/stdout", (None, "png")),
        ("tiff:/dev/stdout", (None, "tiff")),
        ("/dev/fd/1", (None, "png")),
        ("/proc/self/fd/1", (None, "png")),
        ("/dev/fd/63", (Path("/dev/fd/63"), "png")),
        ("webp:/dev/null", (Path("/dev/null"), "webp")),
    ],
)
def test_names_of_streams(text, place):
    found = stream_in(text)
    assert (found.path, found.format) == place


@pytest.mark.parametrize("text", ["a.png", "out/", "png:a.png", "/dev/fdx", "/dev/fd/63/a.png"])
def test_names_of_files(text):
    assert stream_in(text) is None


def test_standard_output_by_its_other_names(bash, photo, tmp_path):
    done = bash("chnorm denoise photo.png -q -o /dev/stdout | cat")
    assert done.stdout.startswith(PNG)
    both = bash("{ printf abc; chnorm denoise photo.png -q -o /dev/fd/1; printf def; } > all.bin")
    assert (both.returncode, both.stderr) == (0, b"")
    data = (tmp_path / "all.bin").read_bytes()  # a file behind it is neither replaced nor cut
    assert data.startswith(b"abc" + PNG)
    assert data.endswith(b"def")
    mixed = bash("chnorm denoise photo.png -o /dev/stdout --json")
    assert mixed.returncode == 2
    assert b"-o FILE" in mixed.stderr


def test_a_process_substitution_and_a_descriptor(bash, photo, tmp_path):
    done = bash(
        "chnorm denoise photo.png -q -o >(cat > a.png) --history >(cat > a.csv) && "
        "chnorm denoise photo.png -q -o tiff:>(cat > b.tif) && "
        "chnorm denoise photo.png -q -o /dev/fd/7 7> c.png"
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert wait_for(tmp_path / "a.png", 100).startswith(PNG)
    assert wait_for(tmp_path / "a.csv").startswith(b"step,")
    assert wait_for(tmp_path / "b.tif", 100).startswith(TIFF)
    assert (tmp_path / "c.png").read_bytes().startswith(PNG)


@pytest.mark.parametrize("number", [3, 9, 99])  # 3 is the program's own, if anything
def test_a_descriptor_that_nobody_opened(chnorm, photo, number):
    done = chnorm("denoise", "photo.png", "-q", "-o", f"/dev/fd/{number}", fake="pause=60")
    assert done.returncode == 1  # before the fit
    assert done.stderr.count(b"\n") == 1
    assert b"is not open" in done.stderr


def test_a_named_pipe_stays_one(start, photo, tmp_path):
    pipe = tmp_path / "pipe.tif"
    os.mkfifo(pipe)
    process = start("denoise", "photo.png", "-q", "-o", "pipe.tif")
    assert pipe.read_bytes().startswith(TIFF)
    assert process.wait(20) == 0
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photo.png", "pipe.tif"]


def test_devices(chnorm, photo):
    before = Path("/dev/null").stat().st_mode
    done = chnorm("denoise", "photo.png", "-o", "/dev/null", "-q")
    assert (done.returncode, done.stderr) == (0, b"")
    assert Path("/dev/null").stat().st_mode == before
    full = chnorm("denoise", "photo.png", "-o", "/dev/full", "-q")
    assert full.returncode == 1
    assert b"/dev/full: cannot be written (no space left on device)" in full.stderr


def test_pictures_and_masks_from_pipes(bash, chnorm, photo, tmp_path):
    chnorm("corrupt", "photo.png", "--missing", 0.3, "--mask-out", "m.png", "-o", "h.png")
    done = bash(
        "chnorm denoise <(cat photo.png) -q -o a.png && "
        "cat photo.png | chnorm denoise /dev/stdin -q -o b.png && "
        "chnorm inpaint <(cat h.png) --mask <(cat m.png) -q -o c.png && "
        "chnorm inpaint h.png photo.png --mask <(cat m.png) -q -o both && "
        "chnorm denoise <(cat h.png) <(cat photo.png) -q -o two && "
        "chnorm score <(cat a.png) --truth <(cat photo.png)"
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert sorted(path.name for path in (tmp_path / "both").iterdir()) == ["h.png", "photo.png"]
    assert len(list((tmp_path / "two").iterdir())) == 2
    assert b"PSNR" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["inpaint", "/dev/stdin", "--mask", "-", "-o", "x.png"], b"both come from"),
        (["score", "-", "--truth", "/dev/stdin"], b"both come from"),
        (["denoise", "/dev/stdin", "--in-place"], b"no name"),
        (["denoise", "pipe.png", "--in-place"], b"pipe or device"),
        (["denoise", "photo.png", "photo2.png", "-o", "/dev/null"], b"one stream"),
        (["denoise", "photo.png", "photo2.png", "-o", "/dev/stdout"], b"one stream"),
    ],
)
def test_what_a_pipe_cannot_be(inside, tmp_path, arguments, words):
    save(tmp_path / "photo.png")
    save(tmp_path / "photo2.png")
    os.mkfifo(tmp_path / "pipe.png")
    done = inside(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["denoise", "/dev/zero", "-o", "x.png"],
        ["inpaint", "photo.png", "--mask", "/dev/zero", "-o", "x.png"],
    ],
)
def test_what_has_no_end_is_not_read_to_its_end(inside, photo, arguments):
    done = inside(*arguments)
    assert done.returncode == 1
    assert b"/dev/zero: is not a picture" in done.stderr


def test_a_pipe_among_the_files_of_a_folder_is_not_waited_for(chnorm, tmp_path):
    save(tmp_path / "in" / "a.png")
    os.mkfifo(tmp_path / "in" / "b.png")
    assert chnorm("denoise", "in", "-o", "out", "-q").returncode == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.png"]


def test_a_deleted_working_directory_is_one_line(photo, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    for arguments, code in ((["denoise", photo, "-o", tmp_path / "x.png"], 1), (["--help"], 0)):
        line = f"cd {gone}; rmdir {gone}; exec {shlex.join(command(*arguments, real=True))}"
        gone.mkdir(exist_ok=True)
        done = subprocess.run(
            ["bash", "-c", line], env=environment(), capture_output=True, check=False
        )
        assert done.returncode == code
        assert done.stderr.count(b"\n") == code
        assert not code or b"the working directory is gone" in done.stderr
