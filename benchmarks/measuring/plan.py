"""What `all` measures, the most important first, and what that is expected to take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measuring.options import Options
from benchmarks.measuring.rows import Row, Run
from chnorm_cli.fitting.settings import Effort

FAST, NORMAL, BEST = (Effort.FAST,), (Effort.NORMAL,), (Effort.BEST,)
QUICK = ("nlm", "tv", "median", "bm3d-anscombe", "biharmonic", "patchmatch")


@dataclass(frozen=True)
class Part:
    """A part of the plan: a task, and in what its options differ from those of a plain run."""

    task: str
    efforts: tuple[Effort, ...]
    changes: Mapping[str, Any] = field(default_factory=dict)
    gray: bool = False
    crop: int | None = None
    dataset: str = ""  # a whole public set; else the pictures that a run takes by itself

    def options(self, asked: Options, sets: Path | None = None) -> Options:
        """Give the options of this part; crops that were asked for stay."""
        source = asked.source
        if self.dataset and sets is not None:
            source = replace(source, folder=sets / self.dataset, called="")
        crop = source.crop or self.crop
        source = replace(source, gray=self.gray or source.gray, crop=crop)
        return replace(asked, source=source, efforts=self.efforts, **self.changes)


def _part(
    task: str,
    efforts: tuple[Effort, ...],
    *,
    gray: bool = False,
    crop: int | None = None,
    dataset: str = "",
    **changes: Any,
) -> Part:
    return Part(task, efforts, changes, gray, crop, dataset)


COUNTS = ("Poisson", "speckle", "confocal")
FAULTS = ("impulses 5%", "impulses 1%", "impulses 5% on σ=10", "rows σ=12 on σ=8")
PLAN = (
    # The table of README, as fast as can be, on whole public sets.
    _part("denoise", FAST, dataset="Kodak24", peers=("bm3d", "nlm", "tv")),
    _part("denoise", FAST, dataset="Set12", gray=True, peers=("bm3d", "nlridge", "nlm", "tv")),
    _part("denoise", FAST, dataset="CC15", real=True, peers=("bm3d", "nlm", "tv")),
    _part("inpaint", FAST, dataset="Kodak24", missing=(0.5,), peers=("biharmonic",)),
    _part("superres", FAST, dataset="Set14", scales=(4, 2)),
    _part("noise", FAST, dataset="Kodak24", laws=("Poisson, peak 5",), peers=QUICK),
    _part("noise", FAST, dataset="Kodak24", laws=("impulses 5%",), peers=("median", "nlm")),
    _part("noise", FAST, dataset="Kodak24", laws=("rows σ=12 on σ=8",), peers=("bm3d", "tv")),
    _part("jpeg", FAST, dataset="LIVE1", qualities=(30,), peers=("nlm", "tv")),
    # The same on the pictures at hand, and what is quick beside it; BM3D where it is at home.
    _part("denoise", FAST, peers=("bm3d", "nlm", "tv", "wavelet")),
    _part("inpaint", FAST, missing=(0.5,)),
    _part("superres", FAST),
    _part("noise", FAST, laws=("Poisson, peak 5", "confocal"), peers=QUICK),
    _part("jpeg", FAST, qualities=(30,), peers=("nlm", "tv")),
    _part("denoise", FAST, real=True, peers=("nlm", "tv")),
    _part("noise", FAST, laws=("impulses 5%", "rows σ=12 on σ=8"), peers=("median", "nlm")),
    _part("denoise", FAST, gray=True, peers=("nlm", "tv")),
    _part("inpaint", FAST, missing=(0.8,)),
    _part("superres", FAST, scales=(2,)),
    _part("denoise", NORMAL, dataset="Kodak24", peers=()),
    _part("denoise", NORMAL, dataset="Set12", gray=True, peers=()),
    _part("denoise", NORMAL, dataset="CC15", real=True, peers=()),
    _part("denoise", NORMAL, peers=()),
    _part("superres", NORMAL, peers=()),
    _part("inpaint", NORMAL, missing=(0.5,), peers=()),
    _part("denoise", NORMAL, real=True, peers=()),
    _part("noise", NORMAL, laws=("Poisson, peak 5", "confocal"), peers=()),
    # Other levels, other qualities, two things at once.
    _part("denoise", FAST, sigmas=(15.0, 50.0), peers=("nlm", "tv")),
    _part("jpeg", FAST, qualities=(10, 80), peers=("nlm", "tv")),
    _part("noise", FAST, laws=COUNTS, peers=QUICK),
    _part("noise", FAST, laws=FAULTS, peers=("median", "nlm")),
    _part("jpeg", FAST, qualities=(75,), noisy=(25.0,), peers=("nlm", "tv")),
    _part("jpeg", FAST, qualities=(80,), enlarged=(2,), peers=("bicubic",)),
    _part("inpaint", FAST, masks=True),
    _part("superres", FAST, scales=(2,), noisy=(10.0,)),
    _part("inpaint", FAST, missing=(0.3,), noisy=(15.0,)),
    _part("step", FAST),
    _part("sigma", FAST),
    # The same with more effort.
    _part("denoise", NORMAL, gray=True, peers=()),
    _part("denoise", NORMAL, sigmas=(15.0, 50.0), peers=()),
    _part("inpaint", NORMAL, missing=(0.8,), peers=()),
    _part("inpaint", NORMAL, masks=True, peers=()),
    _part("superres", NORMAL, scales=(2,), peers=()),
    _part("noise", NORMAL, laws=COUNTS, peers=()),
    _part("noise", NORMAL, laws=FAULTS, peers=()),
    _part("denoise", NORMAL, gray=True, sigmas=(15.0, 50.0), peers=()),
    # BM3D everywhere, and what few ask for.
    _part("denoise", (), sigmas=(15.0, 25.0, 50.0)),
    _part("denoise", (), gray=True, sigmas=(15.0, 25.0, 50.0)),
    _part("denoise", (), real=True),
    _part("noise", FAST),
    _part("jpeg", FAST, qualities=(30,)),
    _part("jpeg", FAST, qualities=(20, 50, 95), peers=("nlm", "tv")),
    _part("jpeg", NORMAL, qualities=(30,), peers=()),
    _part("jpeg", FAST, gray=True, qualities=(10, 20), peers=("nlm", "tv")),
    _part("jpeg", FAST, qualities=(90,), noisy=(15.0,), peers=("nlm", "tv")),
    _part("jpeg", FAST, qualities=(50,), enlarged=(2,), peers=("bicubic",)),
    _part("inpaint", FAST, discs=(6, 12)),
    _part("prior", NORMAL, crop=256),
    _part("denoise", BEST, peers=()),
    _part("denoise", BEST, gray=True, peers=()),
    _part("superres", BEST, scales=(4, 2), peers=()),
    _part("inpaint", BEST, missing=(0.5, 0.8), peers=()),
)


def parts(sets: Path | None) -> list[Part]:
    """Give the parts of the plan that there are pictures for."""
    return [p for p in PLAN if not p.dataset or (sets is not None and (sets / p.dataset).is_dir())]


def lacking(sets: Path | None) -> str:
    """Say in one line which whole sets are not in the folder `sets`; nothing if all are."""
    here = {part.dataset for part in parts(sets)}
    names = dict.fromkeys(part.dataset for part in PLAN if part.dataset not in {*here, ""})
    return f"whole sets that are not here (--sets DIR): {', '.join(names)}" if names else ""


def is_current(rows: Iterable[tuple[Run, Row]], run: Run) -> Callable[[Row], bool]:
    """Give whether a cell has a row of the code of `run`, from any machine with such a device."""
    kind = _kind(run)
    found = {
        (row.cell, run_of_row["code"] if row.is_ours else row.version)
        for run_of_row, row in rows
        if _kind(run_of_row) == kind and (row.cpu is not None or row.task == "step")
    }
    return lambda row: (row.cell, run["code"] if row.is_ours else row.version) in found


def expected(rows: Iterable[tuple[Run, Row]]) -> Callable[[Row], float | None]:
    """Give the CPU-seconds that a cell is expected to take: what those like it took a megapixel."""
    known: dict[tuple[str, ...], list[float]] = {}
    for run, row in rows:
        if row.seconds is not None and row.megapixels and _kind(run) == "cpu":
            cpu = row.cpu if row.cpu is not None else row.seconds * run["threads"]
            for key in _alike(row):
                known.setdefault(key, []).append(cpu / row.megapixels)

    def guess(row: Row) -> float | None:
        found = next((known[key] for key in _alike(row) if key in known), None)
        return None if found is None else median(found) * (row.megapixels or 0.0)

    return guess


def _alike(row: Row) -> Iterator[tuple[str, ...]]:
    yield row.task, row.setting, row.name
    yield row.task, row.name
    yield (row.name,)


def _kind(run: Run) -> str:
    return str(run["device"]).split(":")[0]
