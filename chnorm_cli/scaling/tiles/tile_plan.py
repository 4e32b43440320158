"""What has to be the same for finished tiles to be taken up."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

from chnorm_cli import __version__
from chnorm_cli.scaling.report import describe_task
from chnorm_cli.scaling.requests import Inpaint, Request, Task


def plan_of(
    request: Request, size: tuple[int, int], tile: int | None, threads: int
) -> dict[str, Any]:
    """Give it for a picture of `size` (H, W) in a file."""
    assert isinstance(request.source, Path)
    return {
        "version": __version__,
        "source": _file(request.source),
        "size": list(size),
        "page": request.reading.page,
        "jpeg": request.reading.jpeg,
        "settings": request.settings.as_dict() | {"threads": threads, "tile": tile},
        "task": describe_task(request),
        "mask": _mask(request.task),
        "law_of_files": request.laws is not None,
    }


def _file(path: Path) -> list[Any]:
    states = [path.stat()]
    if path.is_dir():  # a folder that is one picture
        states += [item.stat() for item in path.rglob("*")]
    size, newest = sum(s.st_size for s in states), max(s.st_mtime_ns for s in states)
    return [str(path.absolute()), size, newest]


def _mask(task: Task) -> list[Any] | None:
    mask = task.mask if isinstance(task, Inpaint) else None
    if isinstance(mask, Path):
        return _file(mask)
    return [sha256(mask).hexdigest()] if isinstance(mask, bytes) else None
