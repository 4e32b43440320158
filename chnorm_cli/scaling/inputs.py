"""Many files: which pictures are meant, and where each result goes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from chnorm_cli.images import (
    READABLE_SUFFIXES,
    WRITABLE_SUFFIXES,
    is_folder,
    is_picture_folder,
    is_stream,
)
from chnorm_cli.scaling.failures import Failure, usage
from chnorm_cli.scaling.kinds import count_unread


@dataclass(frozen=True)
class Source:
    """A picture that was named, or found in a folder that was named."""

    path: Path
    inner: Path  # its path inside the output folder, e.g. sub/a.png


@dataclass(frozen=True)
class Pair:
    """A picture and the place of its result."""

    source: Path
    target: Path


def find_sources(
    inputs: Sequence[Path], *, recursive: bool, hide: Path | None = None
) -> list[Source]:
    """Return the pictures behind files and folders, in an order that does not depend on the disk.

    Files are taken as they are named; in folders everything that looks like a picture and does not
    lie inside `hide`, the output folder.
    """
    sources: list[Source] = []
    folders = _folders(inputs, hide)
    for path in inputs:
        if path in folders:
            found = sorted(_pictures_in(path, recursive=recursive, hide=hide))
            sources += [Source(item, item.relative_to(path)) for item in found]
        elif not is_folder(path):
            sources.append(Source(path, Path(path.name)))
    return list({str(source.path): source for source in sources}.values())


def find_unread(
    inputs: Sequence[Path], *, recursive: bool, hide: Path | None = None
) -> dict[str, int]:
    """Count the pictures in those folders that `find_sources` leaves out, by their kind."""
    files = {
        str(file): file
        for folder in _folders(inputs, hide)
        for file in _files_in(folder, recursive=recursive, hide=hide)
    }
    return count_unread(files.values())


def _folders(inputs: Sequence[Path], hide: Path | None) -> list[Path]:
    """The folders among the inputs, without the output folder of `chnorm denoise * -o clean/`."""
    several = hide is not None and len(inputs) > 1
    return [
        path
        for path in inputs
        if is_folder(path) and not (several and hide is not None and _real(path) == _real(hide))
    ]


def _pictures_in(folder: Path, *, recursive: bool, hide: Path | None) -> Iterator[Path]:
    for path in _files_in(folder, recursive=recursive, hide=hide):
        if path.suffix.lower() in READABLE_SUFFIXES or is_picture_folder(path):
            yield path


def _files_in(folder: Path, *, recursive: bool, hide: Path | None) -> Iterator[Path]:
    hidden = hide.resolve() if hide is not None and hide.resolve() != folder.resolve() else None
    for root, folders, names in os.walk(folder):
        here = Path(root)
        seen = [
            name
            for name in folders
            if not name.startswith(".") and (here / name).resolve() != hidden
        ]
        pictures = [name for name in seen if is_picture_folder(here / name)]
        yield from (here / name for name in pictures)
        folders[:] = [name for name in seen if recursive and name not in pictures]
        for name in names:
            # A pipe among the files would be waited for; a broken link is said when it is read.
            if not name.startswith(".") and not is_stream(here / name):
                yield here / name


def pair_up(
    sources: Sequence[Source], *, folder: Path | None, suffix: str, in_place: bool = False
) -> list[Pair]:
    """Give each picture the place of its result: its name, in `folder`, with `suffix`.

    Results of an earlier run that lie among the inputs are left out. Raises `Failure` when two
    pictures would be written to one place, or one onto itself without `in_place`.
    """
    if in_place:  # a link and its file are one picture, which is not to be restored twice
        once = {_real(source.path): source for source in reversed(sources)}
        paths = [source.path for source in sources if once[_real(source.path)] is source]
        return [Pair(path, path) for path in paths]
    pairs = [Pair(source.path, _target(source, folder=folder, suffix=suffix)) for source in sources]
    results = {_real(pair.target) for pair in pairs if _real(pair.target) != _real(pair.source)}
    pairs = [pair for pair in pairs if _real(pair.source) not in results]
    taken: dict[str, Path] = {}
    for pair in pairs:
        if _real(pair.target) == _real(pair.source):
            raise usage(
                f"{pair.source}: its result would replace it; "
                "give another folder with -o, a --suffix, or --in-place"
            )
        other = taken.setdefault(_real(pair.target), pair.source)
        if other != pair.source:
            raise usage(
                f"{other} and {pair.source} would both be written to {pair.target}; "
                "rename one, give their folders instead of the files, or restore them one by one"
            )
    return pairs


def _target(source: Source, *, folder: Path | None, suffix: str) -> Path:
    base = source.path if folder is None else folder / source.inner
    if base.suffix.lower() in WRITABLE_SUFFIXES:
        return base.with_name(base.stem + suffix + base.suffix)
    if is_picture_folder(source.path):
        return base.with_name(base.name + suffix + ".zarr")
    return base.with_name(base.stem + suffix + ".png")


def _real(path: Path) -> str:
    return os.path.realpath(path)


def read_shard(text: str) -> tuple[int, int]:
    """Return (i, n) of "i/n", 1 ≤ i ≤ n; raise `Failure` for anything else."""
    left, slash, right = text.partition("/")
    if slash and left.isdecimal() and right.isdecimal() and 1 <= int(left) <= int(right):
        return int(left), int(right)
    raise usage(f"--shard {text}: give i/n with 1 ≤ i ≤ n, for instance 3/16")


def mask_for(mask: Path, source: Path) -> Path:
    """Return the mask of one picture: `mask`, or the file of its name in that folder."""
    if not is_folder(mask):
        return mask
    exact = mask / source.name
    if exact.is_file() or is_picture_folder(exact):
        return exact
    same = sorted(path for path in mask.iterdir() if path.stem == source.stem and path.is_file())
    if len(same) == 1:
        return same[0]
    found = "no mask" if not same else f"{len(same)} masks"
    raise Failure(f"{source}: {found} of that name in {mask}")
