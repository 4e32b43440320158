"""Writing a file so that its path holds the old content or the whole new one, whatever happens."""

import contextlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

from chnorm_cli.images.errors import ImageError, reason
from chnorm_cli.images.folders import check_folder_writable, is_named_as_folder
from chnorm_cli.images.pipes import check_stream, is_stream, write_stream

FRESH = 0o666  # the umask takes its part, as for any new file
PRIVATE = 0o600  # until the rights of the file that is replaced are known to fit
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
BLOCK = 4096  # bytes, the least that most disks give away
ACCESS_LIST = "system.posix_acl_access"


def write_atomically(path: Path, data: bytes) -> tuple[str, ...]:
    """Writes to a hidden file in the same folder, makes it durable, and renames it onto ``path``.

    An existing file keeps its owner, group, permissions, access list and extended attributes, where
    the system allows it; the notes that are returned say what it could not keep, and where other
    names (hard links) of the file still hold the old content. A link stays a link, and a device or
    pipe is written through. On any exception, an interrupt included, the hidden file is removed;
    only a kill can leave it (``.chnorm-*.part``). Raises `ImageError` where the path cannot be
    written.
    """
    remedy = "check the folder's permissions and free space"
    try:
        if is_stream(path):
            remedy = "see whether its reader failed"
            check_stream(path)
            write_stream(path, data)  # renaming onto it would replace it with a file
            return ()
        return _replace(_checked(path), data)
    except OSError as error:
        raise ImageError(str(path), f"cannot be written ({reason(error)})", remedy) from error


def written_by(path: Path, make: Callable[[Path], None]) -> tuple[str, ...]:
    """Lets ``make`` write a hidden file that then takes the place of ``path``, as `write_atomically` does.

    ``path`` is no device or pipe. ``make`` sees to it that the file is on the disk.
    """
    try:
        return _replaced(_checked(path), make)
    except OSError as error:
        remedy = "check the folder's permissions and free space"
        raise ImageError(str(path), f"cannot be written ({reason(error)})", remedy) from error


def check_writable(path: Path) -> None:
    """Raises the `ImageError` that `write_atomically` would raise, before there is anything to lose.

    Only trying tells whether a folder takes a new file: the superuser may do everything, it is said.
    """
    if is_named_as_folder(path) and not is_stream(path):
        check_folder_writable(path)
        return
    try:
        if is_stream(path):
            check_stream(path)
            return
        part = _part_beside(_checked(path))
        try:
            with os.fdopen(os.open(part, NEW, PRIVATE), "wb") as file:
                file.write(bytes(BLOCK))  # a full disk still takes empty files
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        remedy = "check the folder's permissions and free space"
        raise ImageError(str(path), f"cannot be written ({reason(error)})", remedy) from error


def _checked(path: Path) -> Path:
    """The file behind ``path``, links followed; raises `ImageError` where it cannot be replaced."""
    target = Path(os.path.realpath(path))
    folder = target.parent
    if target.is_dir():
        raise ImageError(str(path), "is a folder", "name the file in it to write")
    if not folder.is_dir():
        raise ImageError(str(path), f"there is no folder {folder}", "create it first")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ImageError(str(path), f"the folder {folder} is not writable", "choose another one")
    if not target.exists():
        return target
    if not target.is_file():
        raise ImageError(str(path), "is neither a file nor a pipe", "choose another name")
    if not os.access(target, os.W_OK):
        raise ImageError(str(path), "is write-protected", "choose another name")
    if not _is_replaceable(target):
        cause = f"only its owner may replace it in the folder {folder}"
        raise ImageError(str(path), cause, "choose another name")
    if os.path.ismount(target):
        raise ImageError(str(path), "is mounted as a single file", "mount its folder instead")
    return target


def _is_replaceable(target: Path) -> bool:
    """Whether the folder lets us rename onto the file: a sticky one, as /tmp, may not."""
    folder = target.parent.stat()
    if os.name != "posix" or not folder.st_mode & stat.S_ISVTX:
        return True
    return os.geteuid() in (0, folder.st_uid, target.stat().st_uid)


def _part_beside(target: Path) -> Path:
    return target.parent / f".chnorm-{os.urandom(8).hex()}.part"


def _replace(target: Path, data: bytes) -> tuple[str, ...]:
    def write(part: Path) -> None:
        with part.open("r+b") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # else a power cut could leave the new name on an empty file

    return _replaced(target, write)


def _replaced(target: Path, write: Callable[[Path], None]) -> tuple[str, ...]:
    old = target.stat() if target.exists() else None
    notes: tuple[str, ...] = ()
    part = _part_beside(target)
    try:
        os.close(os.open(part, NEW, FRESH if old is None else PRIVATE))
        write(part)
        if old is not None:
            notes = (*_take_rights(part, old), *_take_attributes(part, target))
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    if old is not None and old.st_nlink > 1:
        others = "another name" if old.st_nlink == 2 else f"{old.st_nlink - 1} other names"
        notes += (f"the file had {others} (hard links), which still hold the old picture",)
    return notes


def _take_rights(part: Path, old: os.stat_result) -> tuple[str, ...]:
    """Gives the new file owner, group and permissions of the old one, and says what did not work.

    Whoever could not read the old file cannot read the new one: the members of another group get
    the rights that they had as others.
    """
    mode, notes = stat.S_IMODE(old.st_mode), []
    new = part.stat()
    if new.st_gid != old.st_gid and not _give(part, group=old.st_gid):
        mode = mode & 0o5707 | (mode & 0o007) << 3
        notes.append(f"the file's group {_name(old.st_gid, 'grp')} could not be kept")
    if new.st_uid != old.st_uid and not _give(part, owner=old.st_uid):
        mode &= ~stat.S_ISUID
        notes.append(
            f"the file's owner {_name(old.st_uid, 'pwd')} could not be kept: "
            f"it belongs to {_name(new.st_uid, 'pwd')} now"
        )
    part.chmod(mode)  # last: a change of owner takes bits away
    return tuple(notes)


def _give(part: Path, *, owner: int = -1, group: int = -1) -> bool:
    try:
        os.chown(part, owner, group)
    except (AttributeError, OSError):  # Windows has no chown
        return False
    return True


def _take_attributes(part: Path, target: Path) -> tuple[str, ...]:
    """Copies extended attributes, of which an access list is one; those of `security` are rules."""
    try:
        names = os.listxattr(target)
    except (AttributeError, OSError):
        return ()
    lost = []
    for name in names:
        try:
            os.setxattr(part, name, os.getxattr(target, name))
        except OSError:
            if not name.startswith("security."):
                lost.append(name)
    if ACCESS_LIST not in names:
        with contextlib.suppress(OSError):  # the folder's default, which the old file had not
            os.removexattr(part, ACCESS_LIST)
    return (f"the file's extended attributes could not be kept: {', '.join(lost)}",) if lost else ()


def _name(number: int, database: str) -> str:
    """The name of a user (`pwd`) or group (`grp`), or its number where it has none."""
    import importlib

    try:
        module = importlib.import_module(database)
        found = module.getpwuid(number) if database == "pwd" else module.getgrgid(number)
    except (ImportError, KeyError):
        return str(number)
    return str(found[0])
