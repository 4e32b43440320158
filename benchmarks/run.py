"""Measure ours against peers: `python -m benchmarks.run denoise --effort fast normal`.

`python -m benchmarks.run all --hours 1` measures what is missing or old, the most important first,
keeps each row at once, and writes RESULTS.md and README's table. It can be interrupted.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType

from rich.console import Console

from benchmarks.measuring.options import Options
from benchmarks.measuring.pictures import CHECKOUT, Source, default_folder
from benchmarks.measuring.rows import Results, Row, Run, read_all, result_file
from chnorm_cli.fitting.settings import Effort, Fit, GeneratorName

TASKS = ("denoise", "noise", "inpaint", "superres", "jpeg", "sigma", "prior", "step")


def main(arguments: list[str] | None = None) -> int:
    parser = _parser()
    given = parser.parse_args(arguments)
    for option, folder in (("--pictures", given.pictures), ("--sets", given.sets)):
        if folder and not folder.is_dir():
            parser.error(f"{option} {folder}: there is no such folder")
    import torch

    from benchmarks.measuring.machine import describe_run
    from benchmarks.measuring.plan import lacking
    from benchmarks.peers import absent, all_peers

    unknown = {*(given.peers or ()), *given.peer_path} - {*all_peers(), "reference"}
    if unknown:
        parser.error(f"no such peers: {', '.join(unknown)}; there are {', '.join(all_peers())}")
    threads = given.threads or torch.get_num_threads()
    torch.set_num_threads(threads)
    options = _options(given, threads)
    run = describe_run(given.device)
    errors = Console(stderr=True)
    if given.list:
        return _list(given, options, run)
    lines = [absent(options, TASKS if given.task == "all" else [given.task])]
    lines += [lacking(given.sets)] if given.task == "all" else []
    for line in filter(None, lines):
        errors.print(line, markup=False, highlight=False, soft_wrap=True)
    _warm_up(given.device)
    kept: dict[str, Results] = {}
    try:
        for row in _rows(given, options, run):
            errors.print(str(row), markup=False, highlight=False, soft_wrap=True)
            if not row.note:
                if row.task not in kept:
                    kept[row.task] = Results(given.json or _file(row.task, run), run)
                kept[row.task].append(row)
    except KeyboardInterrupt:
        errors.print("interrupted; what was measured is kept")
    except ValueError as error:  # a picture that cannot be used
        errors.print(str(error), markup=False, highlight=False, soft_wrap=True)
        return 1
    if given.task == "all":
        from benchmarks.report import main as report

        return report([])
    return _shown(kept, errors)


def _rows(given: argparse.Namespace, options: Options, run: Run) -> Iterator[Row]:
    """Measure a task, or all that is missing or old until the time is up."""
    from benchmarks.measuring.plan import is_current, parts

    if given.task != "all":
        yield from _module(given.task).measure(options)
        return
    ends = None if given.hours is None else time.monotonic() + 3600 * given.hours
    tried = set()  # what a peer could not do is not tried in every part anew

    def wanted(row: Row) -> bool:
        in_time = ends is None or time.monotonic() < ends
        return in_time and row.cell not in tried and not current(row)

    current = is_current(read_all(), run)
    for part in parts(given.sets):
        asked = part.options(replace(options, wants=wanted), given.sets)
        for row in _module(part.task).measure(asked):
            tried.add(row.cell)
            yield row


def _list(given: argparse.Namespace, options: Options, run: Run) -> int:
    """Say what is missing or old, part by part, and what it is expected to take."""
    from benchmarks.measuring.plan import Part, expected, is_current, parts

    rows = read_all()
    current, guess, seen = is_current(rows, run), expected(rows), set()
    everything = given.task == "all"
    listed = parts(given.sets) if everything else [Part(given.task, options.efforts)]
    total = 0.0
    for part in listed:
        asked = part.options(options, given.sets)
        asked = replace(asked, dry=True, wants=lambda row: not current(row))
        found = [row for row in _module(part.task).measure(asked) if row.cell not in seen]
        seen |= {row.cell for row in found}
        guesses = [guess(row) for row in found]
        total += sum(g or 0.0 for g in guesses)
        if found:
            settings = ", ".join(dict.fromkeys(row.setting for row in found))
            names = ", ".join(dict.fromkeys(row.name for row in found))
            unknown = sum(g is None for g in guesses)
            more = f", and {unknown} cells that nobody timed" if unknown else ""
            seconds = f"{sum(g or 0.0 for g in guesses):.0f} CPU-seconds{more}"
            print(f"{part.task}: {settings} · {names} · {len(found)} cells, {seconds}")
    print(f"altogether {len(seen)} cells, {total / 60:.0f} CPU-minutes")
    return 0


def _shown(kept: dict[str, Results], errors: Console) -> int:
    if not kept:
        errors.print(
            "nothing was measured: has the folder pictures of this task (X_real and X_mean for"
            " --real), and does --picture name one?"
        )
        return 1
    from benchmarks.reporting.table import tables

    for results in kept.values():
        for table in tables(results.run, results.rows):
            Console().print(table)
        errors.print(f"saved in {results.path}", highlight=False, soft_wrap=True)
    return 0


def _file(task: str, run: Run) -> Path:
    from benchmarks.measuring.machine import place

    return result_file(task, place(run))


def _module(task: str) -> ModuleType:
    return import_module(f"benchmarks.tasks.{task}")


def _warm_up(device: str) -> None:
    """Let torch load its kernels before any clock runs."""
    import numpy as np

    from chnorm_cli.fitting.settings import FitSettings
    from chnorm_cli.restoration import prepare_denoise

    tiny = np.random.default_rng(0).random((32, 32, 3)).astype(np.float32)
    settings = FitSettings(effort=Effort.FAST, steps=2, device=device)
    for _ in prepare_denoise(tiny, sigma=25, settings=settings):
        pass


def _options(given: argparse.Namespace, threads: int) -> Options:
    folder = None if given.bundled else given.pictures or default_folder()
    crop = 256 if given.task == "prior" and given.crop is None else given.crop  # as in its bars
    return Options(
        source=Source(folder, tuple(given.picture), crop or None, given.gray, given.called),
        efforts=tuple(given.effort),
        sigmas=tuple(given.sigma),
        real=given.real,
        missing=tuple(given.missing),
        discs=tuple(given.discs),
        masks=given.masks,
        enlarged=tuple(given.enlarged),
        scales=tuple(given.scale),
        qualities=tuple(given.quality),
        noisy=tuple(given.noisy),
        laws=tuple(given.law),
        peers=None if given.peers is None else tuple(given.peers),
        peer_paths=given.peer_path,
        peer_time=given.peer_time,
        fit=given.fit,
        generator=given.generator,
        steps=given.steps,
        time=given.time,
        device=given.device,
        threads=threads,
        repeat=given.repeat,
        every=given.every,
        save=given.save,
    )


class _Paths(argparse.Action):
    """NAME=DIR … as a mapping."""

    def __call__(self, parser, namespace, values, option_string=None):  # type: ignore[no-untyped-def]
        pairs = [value.partition("=") for value in values]
        for name, equals, folder in pairs:
            if not (equals and Path(folder).is_dir()):
                parser.error(f"--peer-path wants NAME=DIR with a folder that is there, not {name}")
        setattr(namespace, self.dest, {name: Path(folder) for name, _, folder in pairs})


def _parser() -> argparse.ArgumentParser:
    text = (__doc__ or "").split("\n\n", 1)
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.run", description=text[0], epilog=text[1]
    )
    add = parser.add_argument
    add("task", choices=("all", *TASKS))
    add("--hours", type=float, metavar="H", help="all: begin nothing after so many hours")
    add("--list", action="store_true", help="say what is missing or old, and measure nothing")
    add("--pictures", type=Path, metavar="DIR", help="any folder, or one with denoise/ superres/ …")
    add("--sets", type=Path, metavar="DIR", help="all: whole sets too, DIR/Kodak24, DIR/Set12, …")
    add("--called", default="", metavar="NAME", help="the set's name, if not the folder's")
    add("--bundled", action="store_true", help="use scikit-image's pictures")
    add("--picture", nargs="+", default=[], metavar="NAME", help="only these (parts of names)")
    add("--crop", type=int, help="centre crop, pixels (prior: 256; 0 for none)")
    add("--gray", action="store_true", help="the first channel only")
    add("--sigma", type=float, nargs="+", default=[25.0], help="noise, 0–255 scale")
    add("--real", action="store_true", help="denoise, noise: X_real beside X_mean, of many shots")
    add("--missing", type=float, nargs="+", default=[], help="shares of missing pixels")
    add("--discs", type=int, nargs="+", default=[], help="inpaint: radii of missing discs, pixels")
    add("--masks", action="store_true", help="inpaint: pictures that come with a mask")
    add("--enlarged", type=int, nargs="+", default=[], help="jpeg: reduce so, compress, enlarge")
    add("--scale", type=int, nargs="+", default=[4])
    add("--quality", type=int, nargs="+", default=[10, 20, 30, 50, 80], help="jpeg")
    add("--noisy", type=float, nargs="+", default=[], help="jpeg, superres, inpaint: noise, of 255")
    add("--law", nargs="+", default=[], metavar="NAME", help="noise: only these (parts of names)")
    add("--effort", type=Effort, nargs="*", default=[Effort.NORMAL], choices=list(Effort))
    add("--fit", type=Fit, default=Fit.AUTO, choices=list(Fit))
    add("--generator", type=GeneratorName, default=GeneratorName.AUTO, choices=list(GeneratorName))
    add("--steps", type=int, help="of ours and of the fitted peers, instead of the effort's")
    add("--time", type=float, help="seconds for ours")
    add("--peers", nargs="*", metavar="NAME", help="only these; --peers alone for none")
    add("--peer-path", nargs="+", default={}, action=_Paths, metavar="NAME=DIR", help="checkouts")
    add("--peer-time", type=float, help="seconds after which dip is stopped")
    add("--device", default="cpu")
    add("--threads", type=int)
    add("--repeat", type=int, default=1, help="measure everything so many times")
    add("--every", type=float, default=2.0, help="prior: seconds between looks")
    add("--save", type=Path, default=CHECKOUT / "out" / "benchmarks", help="for before|after")
    add("--json", type=Path, help="default: benchmarks/results/TASK.MACHINE.json; appended to")
    return parser


if __name__ == "__main__":
    sys.exit(main())
