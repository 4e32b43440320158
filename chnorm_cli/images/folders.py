"""Pictures that are folders (Zarr): how they are told from folders of pictures, and written whole."""

import ctypes
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chnorm_cli.images.errors import ImageError, reason

SUFFIX = ".zarr"
MARKS = ("zarr.json", ".zattrs", ".zgroup", ".zarray")  # files of Zarr's formats 3 and 2
HERE, EXCHANGE = -100, 2  # of Linux: AT_FDCWD, RENAME_EXCHANGE
LAST = 0.1  # seconds that a thread may go on writing after an interruption
REMEDY = "check the folder's permissions and free space"


@dataclass(frozen=True)
class Folder:
    """A picture that is a folder: ``make`` writes its files into a new one; ``notes`` say what is not kept."""

    make: Callable[[Path], None]
    notes: tuple[str, ...] = ()


def is_named_as_folder(path: Path) -> bool:
    """Whether what is written there is a picture that is a folder."""
    return path.suffix.lower() == SUFFIX


def is_picture_folder(path: Path) -> bool:
    """Whether a folder is one picture."""
    return path.is_dir() and (is_named_as_folder(path) or _is_marked(path))


def is_folder(path: Path) -> bool:
    """Whether a path is a folder that may hold pictures, and not a picture itself."""
    return path.is_dir() and not is_picture_folder(path)


def _is_marked(folder: Path) -> bool:
    return any((folder / mark).is_file() for mark in MARKS)


def check_folder_writable(path: Path) -> None:
    """Raises the `ImageError` that `write_folder` would raise, before there is anything to lose."""
    try:
        part = _beside(_checked(path))
        part.mkdir()
        part.rmdir()
    except OSError as error:
        raise ImageError(str(path), f"cannot be written ({reason(error)})", REMEDY) from error


def write_folder(path: Path, folder: Folder) -> None:
    """Writes into a hidden folder beside ``path``, which takes its place when it is whole.

    On any exception, an interrupt included, the hidden folder is removed, and the old one is what it
    was. Only a kill can leave it (``.chnorm-*.part``). Linux exchanges the folders in one step; elsewhere
    a kill between two renames would leave the old one hidden.
    """
    try:
        target = _checked(path)
        part = _beside(target)
        try:
            part.mkdir()
            folder.make(part)
            if target.exists():
                _on_disk()
                shutil.copymode(target, part)
                _exchange(target, part)
            else:
                part.rename(target)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            time.sleep(LAST)  # zarr's threads end what they have begun
            shutil.rmtree(part, ignore_errors=True)
            raise
        shutil.rmtree(part, ignore_errors=True)  # the old one, if there was one
    except (ImageError, MemoryError):
        raise
    except OSError as error:
        raise ImageError(str(path), f"cannot be written ({reason(error)})", REMEDY) from error
    except Exception as error:  # zarr raises whatever it likes
        raise ImageError(str(path), f"cannot be written ({reason(error)})") from error


def _exchange(target: Path, part: Path) -> None:
    """Give each of two folders the name of the other."""
    if _is_exchanged(target, part):
        return
    old = _beside(target)
    target.rename(old)
    try:
        part.rename(target)
    except BaseException:
        old.rename(target)
        raise
    old.rename(part)


def _is_exchanged(one: Path, other: Path) -> bool:
    """Whether the system has done it in one step."""
    try:
        function = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):  # macOS and Windows have none
        return False
    paths = (os.fsencode(path) for path in (one, other))
    left, right = ((HERE, path) for path in paths)
    return bool(function(*left, *right, EXCHANGE) == 0)


def _on_disk() -> None:
    """Else a power cut could leave neither the old files nor the new ones."""
    if hasattr(os, "sync"):
        os.sync()


def _beside(target: Path) -> Path:
    return target.parent / f".chnorm-{os.urandom(8).hex()}.part"


def _checked(path: Path) -> Path:
    """The folder behind ``path``, links followed; raises `ImageError` where it cannot be replaced."""
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise ImageError(str(path), f"there is no folder {target.parent}", "create it first")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        cause = f"the folder {target.parent} is not writable"
        raise ImageError(str(path), cause, "choose another one")
    if target.is_dir():
        if any(target.iterdir()) and not _is_marked(target):
            raise ImageError(str(path), "is a folder of other files", "choose another name")
        if os.path.ismount(target):
            raise ImageError(str(path), "is mounted", "choose another name")
    elif target.exists():
        raise ImageError(str(path), "is a file, and a Zarr is a folder", "choose another name")
    return target
