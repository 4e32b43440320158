"""From a command line to requests: one picture, or many with the places of their results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from chnorm_cli.commands.map_names import map_for_each, one_map
from chnorm_cli.commands.options import Options
from chnorm_cli.commands.streams import (
    choose_output,
    read_pipe,
    source_of,
    standard_input,
    stream_in,
)
from chnorm_cli.scaling.bad_masks import check_mask_name
from chnorm_cli.scaling.failures import Failure, usage
from chnorm_cli.scaling.inputs import Pair, find_sources, find_unread, pair_up, read_shard
from chnorm_cli.scaling.kinds import describe_unread
from chnorm_cli.scaling.requests import Request, Task, TilesAsked

TaskFor = Callable[[Path | None], Task]  # the task of one picture; None for standard input


@dataclass(frozen=True)
class Plan:
    """What a command line asks for."""

    requests: tuple[Request, ...]
    many: bool
    skipped: int = 0
    failures: tuple[tuple[str, Failure], ...] = ()  # pictures that fail before they begin
    unread: Mapping[str, int] = field(default_factory=dict)  # left out: how many of which kind
    alike: tuple[Request, ...] = ()  # files with the same noise, of which some are looked at


def make_plan(task_for: TaskFor, inputs: Sequence[str], options: Options) -> Plan:
    """Return the requests; raise `Failure` for a command line that contradicts itself."""
    from chnorm_cli.images import is_folder

    inputs = [standard_input(text) for text in inputs]
    many = len(inputs) > 1 or is_folder(Path(inputs[0]))
    out = options.output
    folder = _folder(options.main.output, many=many)
    if many:
        _refuse_single_options(inputs, options)
        if folder is None and not out.suffix and not out.in_place:
            raise usage("many pictures need a folder: give -o FOLDER, --suffix TEXT or --in-place")
    if out.in_place and (options.main.output is not None or out.suffix):
        raise usage("--in-place names the results already; leave out -o and --suffix")
    if not many and (_has_no_name(inputs[0]) or not (folder or out.in_place or out.suffix)):
        return _with_mask(_plan_one(task_for, inputs[0], options), out.save_mask)
    plan = _plan_pairs(task_for, inputs, options, folder=folder, many=many)
    return plan if many else _with_mask(plan, out.save_mask)


def _with_mask(plan: Plan, text: str | None) -> Plan:
    """Say where the mask of the one picture's bad pixels goes; raise `Failure` for what is taken."""
    if text is None or not plan.requests:
        return plan
    path, request = Path(text), plan.requests[0]
    check_mask_name(path)
    taken = [
        p for p in (request.source, request.target, request.uncertainty) if isinstance(p, Path)
    ]
    if path.resolve() in {p.resolve() for p in taken}:
        raise usage(f"--save-mask {path}: is a file of its own; the name is taken already")
    return replace(plan, requests=(replace(request, bad_mask=path),))


def _has_no_name(text: str) -> bool:
    from chnorm_cli.images import descriptor_of

    return text == "-" or descriptor_of(Path(text)) is not None


def _folder(output: str | None, *, many: bool) -> Path | None:
    """The output folder, when `-o` is one: it exists, ends with a slash, or must hold many."""
    from chnorm_cli.images import is_folder, is_named_as_folder

    if output is None or stream_in(output) is not None:
        if many and output is not None:
            raise usage(f"-o {output}: many pictures do not fit into one stream; give a folder")
        return None
    path = Path(output)
    if many and (is_named_as_folder(path) or (path.exists() and not is_folder(path))):
        raise usage(f"-o {output}: is no folder, and there are many pictures; give a folder")
    if is_named_as_folder(path):
        return None
    return path if many or output.endswith("/") or path.is_dir() else None


def _refuse_single_options(inputs: Sequence[str], options: Options) -> None:
    if "-" in inputs:
        raise usage("- stands for one picture; it cannot be one of many")
    out = options.output
    for name, value in (
        ("--plot", out.plot),
        ("--history", out.history),
        ("--save-mask", out.save_mask),
    ):
        if value is not None:
            raise usage(f"{name} is about one picture, and there are many")
    if options.output.keep_partial:
        raise usage("--keep-partial is about one picture; of many, those that are done stay")


def _plan_one(task_for: TaskFor, text: str, options: Options) -> Plan:
    """One picture to a named file or a stream."""
    if options.output.in_place or options.output.suffix:
        raise usage(f"{_called(text)} has no name; give -o FILE or pipe the result on")
    output = choose_output(options.main.output, as_json=options.main.as_json)
    task = task_for(None if text == "-" else Path(text))
    source, name = source_of(text)
    if isinstance(source, Path) and output.path is not None and _same(source, output.path):
        raise usage(f"{text}: is the output as well; --in-place replaces it")
    taken = output.format == "zarr" and output.path is not None and output.path.exists()
    if taken and not options.output.overwrite:
        raise usage(f"-o {output.path}: exists already; --overwrite replaces it")
    writing = options.output.writing(output.format)
    settings, reading = options.settings(), options.input.reading()
    error_map = one_map(
        options.output.uncertainty, source if isinstance(source, Path) else None, output.path
    )
    request = Request(
        task,
        source,
        output.path,
        name,
        settings,
        reading,
        writing,
        error_map,
        tiles=options.tiles(),
    )
    return Plan((request,), many=False)


def _plan_pairs(
    task_for: TaskFor, inputs: Sequence[str], options: Options, *, folder: Path | None, many: bool
) -> Plan:
    """Results whose names follow from the inputs; those that exist are skipped."""
    from chnorm_cli.images import format_for, is_stream

    out = options.output
    paths, recursive = [Path(text) for text in inputs], options.input.recursive
    sources = find_sources(paths, recursive=recursive, hide=folder)
    unread = find_unread(paths, recursive=recursive, hide=folder)
    if not sources:
        found = f"but {describe_unread(unread)}" if unread else ""
        remedy = "convert them to PNG or TIFF" if unread else "--recursive looks into sub-folders"
        names = ", ".join(inputs)
        raise Failure(f"{names}: no pictures there{', ' if found else ''}{found}; {remedy}")
    pairs = pair_up(sources, folder=folder, suffix=out.suffix, in_place=out.in_place)
    maps = map_for_each(out.uncertainty, pairs, folder, many=many)
    alike = tuple(_alike(task_for, pairs, options))
    if many and options.input.shard is not None:
        share, shares = read_shard(options.input.shard)
        pairs = pairs[share - 1 :: shares]  # before skipping: every shard must see the same list
    todo = [pair for pair in pairs if out.overwrite or out.in_place or not _is_done(pair.target)]
    # All that can be wrong with them is said before a folder is made.
    settings, reading, tiles = options.settings(), options.input.reading(), options.tiles()
    requests: list[Request] = []
    failures: list[tuple[str, Failure]] = []
    for pair in todo:
        try:
            task = task_for(pair.source)
        except Failure as failure:
            failures.append((str(pair.source), failure))
            continue
        source: Path | bytes = pair.source
        if is_stream(pair.source):
            if out.in_place:
                raise usage(f"{pair.source}: is a pipe or device; give -o FILE, not --in-place")
            source = read_pipe(pair.source)  # here: another process has not its descriptor
        error_map = maps[pair.target]
        for path in (pair.target, error_map):
            if path is not None:
                _make_folder(path.parent)
        writing = out.writing(format_for(pair.target))
        name = str(pair.source)
        requests.append(
            Request(
                task,
                source,
                pair.target,
                name,
                settings,
                reading,
                writing,
                error_map,
                tiles=TilesAsked(jobs=0) if many else tiles,
            )
        )
    if failures and not many:
        raise failures[0][1]
    return Plan(tuple(requests), many, len(pairs) - len(todo), tuple(failures), unread, alike)


def _alike(task_for: TaskFor, pairs: Sequence[Pair], options: Options) -> Iterator[Request]:
    """Say of which files the noise is the same, whatever of them is done already or elsewhere."""
    from chnorm_cli.images import is_stream

    for pair in pairs:
        try:
            task = task_for(pair.source)
        except Failure:
            continue
        if task.noise.same and not is_stream(pair.source):
            yield Request(
                task, pair.source, None, str(pair.source), reading=options.input.reading()
            )


def _is_done(target: Path) -> bool:
    from chnorm_cli.images import is_picture_folder

    return target.is_file() or is_picture_folder(target)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Failure(f"{folder}: cannot be made a folder: {reason}") from error


def _called(text: str) -> str:
    return "standard input" if text == "-" else text


def _same(left: Path, right: Path) -> bool:
    return right.exists() and left.exists() and left.samefile(right)
