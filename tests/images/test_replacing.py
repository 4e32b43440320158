"""What a file has beside its bytes is there after it was replaced, or a note says that it is not."""

import os
import signal
import stat
from pathlib import Path

import pytest

from chnorm_cli.images import ImageError, check_writable, write_atomically

pytestmark = pytest.mark.skipif(os.name == "nt", reason="owners and links of POSIX")
STRANGER = 12345
root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away"
)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    return path


@root
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o2664, 0o4755])
def test_owner_group_and_permissions_stay(old: Path, mode: int) -> None:
    os.chown(old, STRANGER, STRANGER + 1)
    old.chmod(mode)
    assert write_atomically(old, b"new") == ()
    now = old.stat()
    assert (now.st_uid, now.st_gid) == (STRANGER, STRANGER + 1)
    assert stat.S_IMODE(now.st_mode) == mode
    assert old.read_bytes() == b"new"


@root
def test_an_owner_that_cannot_be_kept_is_a_note_and_opens_the_file_to_nobody(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.chown(old, STRANGER, STRANGER)
    old.chmod(0o6660)

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "chown", refuse)
    group, owner = write_atomically(old, b"new")
    assert f"group {STRANGER}" in group
    assert f"owner {STRANGER}" in owner
    assert stat.S_IMODE(old.stat().st_mode) == 0o600  # the new group may not what others may not


@pytest.mark.parametrize(("links", "words"), [(1, "another name"), (2, "2 other names")])
def test_a_split_hard_link_is_a_note(old: Path, tmp_path: Path, links: int, words: str) -> None:
    for number in range(links):
        os.link(old, tmp_path / f"{number}.png")
    (note,) = write_atomically(old, b"new")
    assert words in note
    assert "hard link" in note
    assert (tmp_path / "0.png").read_bytes() == b"old"
    assert old.read_bytes() == b"new"


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_and_its_file_is_replaced(old: Path, tmp_path: Path, there: bool) -> None:
    (tmp_path / "far").mkdir()
    target = old.rename(tmp_path / "far" / "b.png")
    if not there:
        target.unlink()
    old.symlink_to(Path("far") / "b.png")
    assert write_atomically(old, b"new") == ()
    assert old.is_symlink()
    assert target.read_bytes() == b"new"


def test_extended_attributes_stay(old: Path) -> None:
    try:
        os.setxattr(old, "user.stars", b"5")
    except (AttributeError, OSError):
        pytest.skip("no extended attributes here")
    assert write_atomically(old, b"new") == ()
    assert os.getxattr(old, "user.stars") == b"5"


def test_attributes_that_cannot_be_kept_are_a_note(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    names = ["user.stars", "security.label"]
    monkeypatch.setattr(os, "listxattr", lambda _: names, raising=False)
    monkeypatch.setattr(os, "getxattr", lambda *_: b"5", raising=False)
    monkeypatch.setattr(os, "setxattr", refuse, raising=False)
    (note,) = write_atomically(old, b"new")
    assert "user.stars" in note
    assert "security" not in note


def test_what_cannot_be_replaced_is_found_before(old: Path, tmp_path: Path) -> None:
    check_writable(old)
    check_writable(tmp_path / "new.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png"]
    assert old.read_bytes() == b"old"
    for path in (tmp_path, tmp_path / "no" / "a.png", tmp_path / f"{'a' * 300}.png", old / "b.png"):
        with pytest.raises(ImageError):
            check_writable(path)
    if Path("/proc/self").exists():  # where even root is refused, but only when it tries
        with pytest.raises(ImageError):
            check_writable(Path("/proc/a.png"))


def test_a_full_disk_is_found_before(old: Path, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))  # stands for it
    try:
        with pytest.raises(ImageError, match="cannot be written"):
            check_writable(old)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert old.read_bytes() == b"old"


def test_a_file_that_only_its_owner_may_replace(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o1777)
    check_writable(old)
    monkeypatch.setattr(os, "geteuid", lambda: STRANGER)
    monkeypatch.setattr(os, "access", lambda *_: True)
    with pytest.raises(ImageError, match="only its owner"):
        check_writable(old)
