"""A picture that is a folder takes the place of another whole, or not at all."""

import threading
from pathlib import Path

import pytest

from chnorm_cli.images import ImageError, check_writable, folders, is_folder, is_picture_folder
from chnorm_cli.images.folders import Folder, write_folder


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


def writing(text):
    return Folder(lambda part: [(part / name).write_text(text) for name in ("zarr.json", text)])


@pytest.mark.parametrize("in_one_step", [True, False])
def test_writes_and_replaces(tmp_path, monkeypatch, in_one_step):
    if not in_one_step:
        monkeypatch.setattr(folders, "_is_exchanged", lambda one, other: False)
    path = tmp_path / "a.zarr"
    write_folder(path, writing("one"))
    path.chmod(0o750)
    write_folder(path, writing("two"))
    assert listing(path) == ["two", "zarr.json"]
    assert listing(tmp_path) == ["a.zarr"]
    assert path.stat().st_mode & 0o777 == 0o750


def test_whoever_looks_sees_one_of_both(tmp_path):
    path, missing, over = tmp_path / "a.zarr", [], threading.Event()
    write_folder(path, writing("one"))
    (tmp_path / "b.zarr").mkdir()
    if not folders._is_exchanged(path, tmp_path / "b.zarr"):
        pytest.skip("this file system does not exchange folders in one step")
    write_folder(path, writing("one"))

    def look():
        while not over.is_set():
            missing.append(not (path / "zarr.json").is_file())

    looking = threading.Thread(target=look)
    looking.start()
    for _ in range(20):
        write_folder(path, writing("two"))
    over.set()
    looking.join()
    assert missing
    assert not any(missing)


def test_what_a_thread_still_writes_after_an_interruption_is_removed_too(tmp_path, monkeypatch):
    begun = threading.Event()

    def write(part):
        begun.wait()
        (part / "late").mkdir(parents=True)

    def fails(part):
        thread = threading.Thread(target=write, args=(part,))
        thread.start()
        monkeypatch.setattr(folders.time, "sleep", lambda _: (begun.set(), thread.join()))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_folder(tmp_path / "a.zarr", Folder(fails))
    assert begun.is_set()
    assert listing(tmp_path) == []


def test_a_failed_second_rename_brings_the_old_folder_back(tmp_path, monkeypatch):
    path, real = tmp_path / "a.zarr", Path.rename
    write_folder(path, writing("one"))
    monkeypatch.setattr(folders, "_is_exchanged", lambda one, other: False)

    def fails(self, target):
        if Path(target) == path and (self / "two").exists():
            raise OSError(5, "Input/output error")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(ImageError, match="cannot be written"):
        write_folder(path, writing("two"))
    assert listing(path) == ["one", "zarr.json"]
    assert listing(tmp_path) == ["a.zarr"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [(OSError(28, "No space left"), ImageError), (ValueError("a codec"), ImageError),
     (KeyboardInterrupt(), KeyboardInterrupt), (MemoryError(), MemoryError)],
)  # fmt: skip
def test_a_failure_leaves_what_was_there(tmp_path, monkeypatch, error, expected):
    monkeypatch.setattr(folders, "LAST", 0.0)

    def fails(part):
        (part / "half").write_text("half")
        raise error

    path = tmp_path / "a.zarr"
    for before in ([], ["a.zarr"]):
        with pytest.raises(expected):
            write_folder(path, Folder(fails))
        assert listing(tmp_path) == before
        write_folder(path, writing("one"))
    assert listing(path) == ["one", "zarr.json"]


def test_what_is_no_zarr_is_not_replaced(tmp_path):
    path = tmp_path / "a.zarr"
    path.mkdir()
    check_writable(path)  # an empty folder holds nothing
    (path / "letters.txt").touch()
    with pytest.raises(ImageError, match="a folder of other files"):
        check_writable(path)
    with pytest.raises(ImageError, match="a folder of other files"):
        write_folder(path, writing("one"))
    (tmp_path / "b.zarr").touch()
    with pytest.raises(ImageError, match="is a file"):
        check_writable(tmp_path / "b.zarr")
    with pytest.raises(ImageError, match="there is no folder"):
        check_writable(tmp_path / "c" / "d.zarr")


def test_a_link_stays_a_link(tmp_path):
    write_folder(tmp_path / "a.zarr", writing("one"))
    (tmp_path / "b.zarr").symlink_to("a.zarr")
    write_folder(tmp_path / "b.zarr", writing("two"))
    assert (tmp_path / "b.zarr").is_symlink()
    assert listing(tmp_path / "a.zarr") == ["two", "zarr.json"]


def test_folders_of_pictures_are_told_from_pictures(tmp_path):
    for name in ("plain", "marked", "named.zarr"):
        (tmp_path / name).mkdir()
    (tmp_path / "marked" / ".zattrs").touch()
    (tmp_path / "file.zarr").touch()
    names = ("plain", "marked", "named.zarr", "file.zarr", "nothing.zarr")
    assert [is_picture_folder(tmp_path / name) for name in names] == [0, 1, 1, 0, 0]
    assert [is_folder(tmp_path / name) for name in names] == [1, 0, 0, 0, 0]
