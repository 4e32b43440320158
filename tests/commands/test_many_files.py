"""Many files with the same commands: names, skipping, failures, shards, seeds, processes."""

import json
import os

import pytest
from shell import save


@pytest.fixture
def scans(tmp_path):
    folder = tmp_path / "scans"
    for index, name in enumerate(["a.png", "b.jpg", "deep/c.tif"]):
        save(folder / name, seed=index)
    return folder


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_names_and_folders_are_kept_and_a_bad_file_does_not_stop_the_rest(chnorm, scans, tmp_path):
    (scans / "bad.png").write_bytes(b"junk")
    (scans / "notes.txt").write_text("not a picture")
    done = chnorm("denoise", "scans", "-o", "clean", "--recursive", "--jobs", 2, "--json", "-q")
    assert done.returncode == 4
    assert names(tmp_path / "clean") == ["a.png", "b.jpg", "deep/c.tif"]
    batch = json.loads(done.stdout)
    assert (batch["schema"], batch["done"], batch["failed"]) == ("chnorm.batch/1", 3, 1)
    assert done.stderr.count(b"\n") == 1
    assert b"scans/bad.png" in done.stderr
    seeds = {item["settings"]["seed"] for item in batch["files"] if item["status"] == "ok"}
    assert seeds == {0}
    # Two processes share the cores; one has them all. The seeds are the same.
    before = {path: path.read_bytes() for path in (tmp_path / "clean").rglob("*.*")}
    again = chnorm("denoise", "scans", "-o", "clean", "--recursive", "--overwrite")
    assert again.returncode == 4
    assert b"3 restored" in again.stderr
    assert {path: path.read_bytes() for path in before} == before
    resumed = chnorm("denoise", "scans", "-o", "clean", "--recursive")
    assert b"3 skipped" in resumed.stderr


def test_results_inside_the_input_folder_are_not_inputs(chnorm, scans, tmp_path):
    for _ in range(2):
        done = chnorm("denoise", "scans", "-o", "scans/clean", "--recursive", "--overwrite", "-q")
        assert done.returncode == 0
        assert names(scans / "clean") == ["a.png", "b.jpg", "deep/c.tif"]
    for _ in range(2):
        done = chnorm("denoise", "scans", "--suffix", "_clean", "--overwrite", "-q")
        assert done.returncode == 0
    assert names(scans) == [
        "a.png", "a_clean.png", "b.jpg", "b_clean.jpg",
        "clean/a.png", "clean/b.jpg", "clean/deep/c.tif", "deep/c.tif",
    ]  # fmt: skip


def test_a_picture_that_kills_its_process_is_one_failure(chnorm, scans):
    done = chnorm("denoise", "scans", "-o", "clean", fake="die=kill")
    assert done.returncode == 4
    assert done.stderr.count(b"most likely for want of memory") == 4  # each at once, and summed up
    assert b"scans/a.png" in done.stderr


def test_pictures_that_are_not_read_are_named(chnorm, scans, tmp_path):
    for name in ("x.nef", "y.nef", "z.dng", "notes.txt"):
        (scans / name).write_bytes(b"whatever")
    note = "3 files of kinds that chnorm does not read: 2 .nef, 1 .dng"
    done = chnorm("denoise", "scans", "-o", "clean", "--json")
    assert done.returncode == 0
    assert note in done.stderr.decode()
    batch = json.loads(done.stdout)
    assert batch["unread"] == {".nef": 2, ".dng": 1}
    assert batch["notes"] == [note]
    quiet = chnorm("denoise", "scans", "-o", "clean", "-q")
    assert (quiet.returncode, quiet.stderr) == (0, b"")
    events = chnorm("denoise", "scans", "-o", "clean", "--progress", "json").stderr.splitlines()
    assert {"event": "note", "text": note} in map(json.loads, events)
    for name in ("a.png", "b.jpg"):
        (scans / name).unlink()
    none = chnorm("denoise", "scans", "-o", "clean")
    assert none.returncode == 1
    assert none.stderr.count(b"\n") == 1
    assert f"no pictures there, but {note}".encode() in none.stderr


def test_a_hard_link_that_is_split_is_said_of_many_too(chnorm, scans):
    os.link(scans / "a.png", scans / "deep" / "other.png")
    done = chnorm("denoise", "scans", "--in-place")
    assert done.returncode == 0
    assert b"note: the file had another name" in done.stderr


def test_one_mask_folder_serves_many_pictures(chnorm, scans, tmp_path):
    for name in ("a.png", "b.png"):
        made = chnorm(
            "corrupt", "scans/a.png", "--missing", 0.2, "--mask-out", tmp_path / name, "-o",
            tmp_path / "holes.png",
        )  # fmt: skip
        assert made.returncode == 0
        (tmp_path / "masks").mkdir(exist_ok=True)
        (tmp_path / name).rename(tmp_path / "masks" / name)
    done = chnorm("inpaint", "scans", "--mask", "masks", "-o", "whole", "--recursive")
    assert done.returncode == 4
    assert b"c.tif: no mask" in done.stderr
    assert names(tmp_path / "whole") == ["a.png", "b.jpg"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["scans"], b"-o FOLDER"),
        (["scans", "-o", "-"], b"one stream"),
        (["scans", "-o", "scans"], b"--in-place"),
        (["scans/a.png", "other/a.png", "-o", "out"], b"both be written"),
        (["scans", "-o", "out", "--plot", "p.png"], b"one picture"),
        (["scans/a.png", "-", "-o", "out"], b"one of many"),
        (["scans", "scans/a.png", "-o", "scans/a.png"], b"give a folder"),
    ],
)
def test_contradictions_are_told_before_anything_happens(inside, scans, tmp_path, arguments, words):
    save(tmp_path / "other" / "a.png")
    done = inside("denoise", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_in_the_place_of_a_result_is_a_failure(chnorm, scans, tmp_path):
    (tmp_path / "clean" / "a.png").mkdir(parents=True)
    done = chnorm("denoise", "scans", "-o", "clean", "-q")
    assert done.returncode == 4
    assert done.stderr.count(b"\n") == 1
    assert b"clean/a.png: is a folder" in done.stderr
    assert (tmp_path / "clean" / "b.jpg").exists()


@pytest.mark.parametrize("place", ["file", "file/inner", "link", "/proc/chnorm"])
def test_a_folder_that_cannot_be_made(chnorm, scans, tmp_path, place):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "link").symlink_to("/nonexistent/folder")
    done = chnorm("denoise", "scans", "-o", place, fake="pause=60")
    assert done.returncode in (1, 2)
    assert done.stderr.count(b"\n") == 1
    assert place.encode() in done.stderr


def test_odd_names(inside, tmp_path):
    odd = ["with space.png", "new\nline.png", "🦋.png", "[red]x.png", "-dash.png"]
    for name in odd:
        save(tmp_path / name)
        done = inside("denoise", "--steps", 1, "-o", "out/", "--", name)
        assert done.returncode == 0, done.stderr
        assert done.stderr == b""
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(odd)
    missing = inside("denoise", "new\nmissing\x1b[31m.png", "-o", "x.png")
    assert missing.stderr.count(b"\n") == 1
    assert b"\x1b" not in missing.stderr
