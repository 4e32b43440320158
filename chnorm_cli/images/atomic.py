"""Writing a file so that its path holds the old content or the whole new one, whatever happens."""

import os
from pathlib import Path

from chnorm_cli.images.errors import ImageError, reason

FRESH = 0o666  # the umask takes its part, as for any new file


def write_atomically(path: Path, data: bytes) -> None:
    """Writes to a hidden file in the same folder, makes it durable, and renames it onto ``path``.

    An existing file keeps its permissions, a link stays a link, and a device or pipe is written
    through. On any exception, an interrupt included, the hidden file is removed; only a kill can
    leave it (``.chnorm-*.part``). Raises `ImageError` where the path cannot be written.
    """
    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not target.is_file() and not target.is_dir():
            target.write_bytes(data)  # renaming onto /dev/null would replace it with a file
            return
        if target.is_dir():
            raise ImageError(str(path), "is a folder", "name the file in it to write")
        if not target.parent.is_dir():
            raise ImageError(
                str(path), f"the folder {target.parent} does not exist", "create it first"
            )
        if target.exists() and not os.access(target, os.W_OK):
            raise ImageError(str(path), "is write-protected", "choose another name")
        _replace(target, data)
    except OSError as error:
        raise ImageError(
            str(path),
            f"cannot be written ({reason(error)})",
            "check the folder's permissions and free space",
        ) from error


def _replace(target: Path, data: bytes) -> None:
    mode = target.stat().st_mode & 0o7777 if target.exists() else None
    part = target.parent / f".chnorm-{os.urandom(8).hex()}.part"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(part, flags, FRESH), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # else a power cut could leave the new name on an empty file
        if mode is not None:
            part.chmod(mode)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
