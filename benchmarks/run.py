"""Measure ours against peers: `python -m benchmarks.run denoise --effort fast normal`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from types import ModuleType

from rich.console import Console

from benchmarks import rows
from benchmarks.options import Options
from benchmarks.pictures import CHECKOUT, Source, default_folder
from benchmarks.table import tables
from chnorm_cli.fitting.settings import Effort, Fit, GeneratorName

TASKS = ("denoise", "noise", "inpaint", "superres", "jpeg", "sigma", "prior", "step")
PEERS = (
    "bm3d",
    "bm3d-anscombe",
    "nlm",
    "median",
    "bilateral",
    "wavelet",
    "tv",
    "biharmonic",
    "bicubic",
    "back-projection",
    "reference",
    "dip",
)


def main() -> int:
    given = _parser().parse_args()
    import torch

    from benchmarks.machine import describe_run

    threads = given.threads or torch.get_num_threads()
    torch.set_num_threads(threads)
    options = _options(given, threads)
    results = rows.Results(given.json or rows.default_path(given.task), describe_run(given.device))
    console = Console()
    errors = Console(stderr=True)
    _warm_up(given.device)
    try:
        for row in _task(given.task).measure(options):
            errors.print(str(row), markup=False, highlight=False, soft_wrap=True)
            if not row.note:
                results.append(row)
    except KeyboardInterrupt:
        errors.print("interrupted; what was measured is kept")
    if not results.rows:
        errors.print("nothing was measured: does --picture name a picture of this task?")
        return 1
    for table in tables(results.rows):
        console.print(table)
    errors.print(f"saved in {results.path}", highlight=False, soft_wrap=True)
    return 0


def _task(name: str) -> ModuleType:
    from importlib import import_module

    return import_module(f"benchmarks.{name}")


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
    crop, efforts, names = given.crop, given.effort, tuple(given.picture)
    if given.task == "prior":  # the bars are for 256² centre crops
        crop = 256 if crop is None else crop
    return Options(
        source=Source(folder, names, crop or None, given.gray),
        efforts=tuple(efforts),
        sigmas=tuple(given.sigma),
        real=given.real,
        missing=tuple(given.missing),
        discs=tuple(given.discs),
        masks=given.masks,
        scales=tuple(given.scale or ([] if given.task == "jpeg" else [4])),
        qualities=tuple(given.quality),
        noisy=tuple(given.noisy),
        laws=tuple(given.law),
        peers=None if given.peers is None else tuple(given.peers),
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    add = parser.add_argument
    add("task", choices=TASKS)
    add("--pictures", type=Path, metavar="DIR", help="folder of PNGs, or of denoise/ superres/ …")
    add("--bundled", action="store_true", help="use scikit-image's pictures")
    add("--picture", nargs="+", default=[], metavar="NAME", help="only these (parts of names)")
    add("--crop", type=int, help="centre crop, pixels (prior: 256; 0 for none)")
    add("--gray", action="store_true", help="the first channel only")
    add("--sigma", type=float, nargs="+", default=[25.0], help="noise, 0–255 scale")
    add("--real", action="store_true", help="denoise: shots of a camera, beside the mean of many")
    add("--missing", type=float, nargs="+", default=[], help="shares of missing pixels")
    add("--discs", type=int, nargs="+", default=[], help="inpaint: radii of missing discs, pixels")
    add("--masks", action="store_true", help="inpaint: pictures that come with a mask")
    add("--scale", type=int, nargs="+", help="superres (4 by default); jpeg: of enlarged ones")
    add("--quality", type=int, nargs="+", default=[10, 20, 30, 50, 80], help="jpeg")
    add(
        "--noisy",
        type=float,
        nargs="+",
        default=[],
        help="jpeg, superres, inpaint: noise, 0–255 scale",
    )
    add("--law", nargs="+", default=[], metavar="NAME", help="noise: only these (parts of names)")
    add("--effort", type=Effort, nargs="*", default=[Effort.NORMAL], choices=list(Effort))
    add("--fit", type=Fit, default=Fit.AUTO, choices=list(Fit))
    add("--generator", type=GeneratorName, default=GeneratorName.AUTO, choices=list(GeneratorName))
    add("--steps", type=int, help="of ours and of the fitted peers, instead of the effort's")
    add("--time", type=float, help="seconds for ours")
    add("--peers", nargs="*", choices=PEERS, help="default: all of the task but dip; none: nothing")
    add("--peer-time", type=float, help="seconds after which dip is stopped")
    add("--device", default="cpu")
    add("--threads", type=int)
    add("--repeat", type=int, default=1, help="measure everything so many times")
    add("--every", type=float, default=2.0, help="prior: seconds between looks")
    add("--save", type=Path, default=CHECKOUT / "out" / "benchmarks", help="for before|after")
    add("--json", type=Path, help="default: benchmarks/results/TASK-DATE.json; appended to")
    return parser


if __name__ == "__main__":
    sys.exit(main())
