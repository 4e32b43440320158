"""Files of checkouts, imported from where they are and never copied: their licences forbid it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import torch

from benchmarks.measuring.contest import NoResultError
from benchmarks.measuring.pictures import Pixels
from benchmarks.measuring.tensors import to_pixels, to_tensor
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


def restored_at_level(
    seen: Seen,
    network: Any,
    settings: Sequence[tuple[float, Mapping[str, Any]]],
    **more: Any,
) -> Pixels:
    """Let a network of the 0–255 scale restore, with the settings that serve up to the level there is."""
    assert seen.sigma is not None
    sigma = 255 * seen.sigma
    suited = next(found for limit, found in settings if sigma <= limit)
    with torch.no_grad():
        x = network(255 * to_tensor(seen.y)[None], sigma=sigma, **suited, **more)
    return to_pixels(x[0] / 255)


def checkout(seen: Seen) -> Path:
    """Give the folder that --peer-path named."""
    if seen.folder is None:
        raise NoResultError("no checkout was given")
    return seen.folder.resolve()
