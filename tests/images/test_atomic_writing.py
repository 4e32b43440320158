import os
import random
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chnorm_cli.images import ImageError, write_atomically

posix = pytest.mark.skipif(os.name == "nt", reason="permissions and signals of POSIX")


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_writes_and_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert listing(tmp_path) == ["a.png"]


@posix
def test_permissions_and_links_stay(tmp_path: Path) -> None:
    path, link = tmp_path / "a.png", tmp_path / "link.png"
    old = os.umask(0o027)
    try:
        write_atomically(path, b"one")
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o604)
    link.symlink_to(path)
    write_atomically(link, b"two")
    assert link.is_symlink()
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


@posix
def test_a_device_is_written_through() -> None:
    before = Path("/dev/null").stat().st_mode
    write_atomically(Path("/dev/null"), b"x")
    assert Path("/dev/null").stat().st_mode == before


def test_paths_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="is a folder"):
        write_atomically(tmp_path, b"")
    with pytest.raises(ImageError, match=r"there is no folder .*; create it first"):
        write_atomically(tmp_path / "none" / "a.png", b"")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ImageError):
        write_atomically(tmp_path / "file" / "a.png", b"")
    with pytest.raises(ImageError, match="cannot be written"):
        write_atomically(tmp_path / ("a" * 300 + ".png"), b"")
    assert listing(tmp_path) == ["file"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def fail(descriptor: int) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    expected = ImageError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert listing(tmp_path) == ["a.png"]


WRITER = """
import sys
from pathlib import Path
from chnorm_cli.images import write_atomically
print("ready", flush=True)
for version in range(10**6):
    write_atomically(Path(sys.argv[1]), version.to_bytes(4, "big") * 500_000)
"""


@posix
def test_thirty_kills_leave_the_old_file_or_the_whole_new_one(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old!" * 500_000)
    rng = random.Random(0)
    seen = set()
    for _ in range(30):
        command = [sys.executable, "-c", WRITER, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path.cwd()) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(rng.uniform(0, 0.05))
            process.send_signal(signal.SIGKILL)
        content = path.read_bytes()
        assert content == content[:4] * 500_000
        seen.add(content[:4])
        leftovers = [name for name in listing(tmp_path) if name != "a.png"]
        assert all(name.startswith(".chnorm-") and name.endswith(".part") for name in leftovers)
    assert len(seen) >= 2  # some kills came after a whole write,
    assert leftovers  # and some in the middle of one
