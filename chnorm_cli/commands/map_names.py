"""Where the maps of the errors go that `--uncertainty` asks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from chnorm_cli.scaling.error_maps import check_map_name
from chnorm_cli.scaling.failures import usage
from chnorm_cli.scaling.inputs import Pair


def one_map(text: str | None, source: Path | None, target: Path | None) -> Path | None:
    """Return the file of one picture's map; raise `Failure` for a name that no map can have."""
    if text is None:
        return None
    path = Path(text)
    if path.is_dir() or text.endswith("/"):
        if target is None:
            raise usage(
                f"--uncertainty {text}: is a folder, and the result has no name; give a file"
            )
        path = path / f"{target.stem}.tif"
    check_map_name(path)
    if path.resolve() in {p.resolve() for p in (source, target) if p is not None}:
        raise usage(f"--uncertainty {path}: is a picture already; give the map a file of its own")
    return path


def map_for_each(
    text: str | None, pairs: Sequence[Pair], folder: Path | None, *, many: bool
) -> dict[Path, Path | None]:
    """Return the file of each result's map: of many, in a folder under the names of the results."""
    if text is None:
        return {pair.target: None for pair in pairs}
    if not many:
        return {pair.target: one_map(text, pair.source, pair.target) for pair in pairs}
    place = Path(text)
    if place.exists() and not place.is_dir():
        raise usage(
            f"--uncertainty {text}: is no folder, and there are many pictures; give a folder"
        )
    named = {
        pair.target: pair.target.relative_to(folder)
        if folder is not None
        else Path(pair.target.name)
        for pair in pairs
    }
    alike = Counter(name.with_suffix("") for name in named.values())
    maps = {
        target: place
        / (f"{name}.tif" if alike[name.with_suffix("")] > 1 else name.with_suffix(".tif"))
        for target, name in named.items()
    }
    taken = {path.resolve() for pair in pairs for path in (pair.source, pair.target)}
    for path in maps.values():
        if path.resolve() in taken:
            raise usage(f"--uncertainty {text}: {path} is a picture already; give another folder")
        taken.add(path.resolve())
    return {**maps}
