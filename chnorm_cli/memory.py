"""How much memory is free for this process, also in a container with a limit."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from pathlib import Path

PROC, CGROUPS = Path("/proc"), Path("/sys/fs/cgroup")
UNLIMITED = 1 << 60  # bytes; control groups write such numbers where there is no limit
GIGABYTE = 1e9


def free_memory(proc: Path = PROC, cgroups: Path = CGROUPS) -> int | None:
    """Give the bytes that this process may still use; None where the system does not say.

    It is what the machine has, or what is left below the limit of the process's control groups
    (version 1 or 2), whichever is less.
    """
    known = [
        bytes_ for bytes_ in (_available(proc), _below_limit(proc, cgroups)) if bytes_ is not None
    ]
    return min(known, default=None)


def give_back() -> None:
    """Give memory that this process has freed back to the system, where its C library keeps it."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # of glibc
            ctypes.CDLL(None).malloc_trim(0)


def _available(proc: Path) -> int | None:
    for line in _read(proc / "meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _below_limit(proc: Path, cgroups: Path) -> int | None:
    """Give the least that is left below a limit, of this process's group and all groups above it."""
    left: list[int] = []
    for line in _read(proc / "self" / "cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        root = cgroups / "memory" if controllers else cgroups
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes")
        limit_name, used_name = names if controllers else ("memory.max", "memory.current")
        group = Path(path.lstrip("/"))
        # In a container the path is often that of the host, and the group is the root.
        for folder in (root / group, *(root / parent for parent in group.parents)):
            limit, used = (_number(folder / name) for name in (limit_name, used_name))
            if limit is not None and used is not None and limit < UNLIMITED:
                left.append(max(0, limit - used))
    return min(left, default=None)


def _number(path: Path) -> int | None:
    text = _read(path).strip()
    return int(text) if text.isdecimal() else None


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
