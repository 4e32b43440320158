"""Files of checkouts, imported from where they are and never copied: their licences forbid it."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from benchmarks.measuring.contest import NoResultError
from benchmarks.peers.peer import Seen


def load(seen: Seen, file: str, *names: str) -> tuple[Any, ...]:
    """Give what is called `names` in a file of the checkout of `seen`.

    Raises NoResultError where the file needs a package that is not here, or lacks a name.
    """
    path = checkout(seen) / file
    spec = spec_from_file_location(f"checkout_{path.parent.name}_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.path.insert(0, str(path.parent))  # where its own imports look
    try:
        spec.loader.exec_module(module)
    except ImportError as error:
        raise NoResultError(f"{path} needs a package: {error}") from error
    finally:
        sys.path.remove(str(path.parent))
    lacking = [name for name in names if not hasattr(module, name)]
    if lacking:
        raise NoResultError(f"{path} has no {', '.join(lacking)}: is it another version?")
    return tuple(getattr(module, name) for name in names)


def checkout(seen: Seen) -> Path:
    """Give the folder that --peer-path named."""
    if seen.folder is None:
        raise NoResultError("no checkout was given")
    return seen.folder.resolve()
