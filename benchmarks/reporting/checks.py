"""How a bar is checked: from summaries to a sentence and a yes or no."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from statistics import mean

from benchmarks.measuring.curve import psnr_within, seconds_to
from benchmarks.reporting.summary import Cell, Summary

Found = Mapping[tuple[str, str], Summary]
Check = Callable[[Found], tuple[str, bool] | None]  # None: not measured, or not whole


def margin(
    task: str,
    setting: str,
    effort: str,
    peer: str,
    at_least: float,
    *,
    worst: float | None = None,
    seconds: float | None = None,
    timed: str = "",
) -> Check:
    """Mean margin over a peer ≥ `at_least`, each picture's ≥ `worst`, each within `seconds`.

    The time counts for pictures with `timed` in their names.
    """

    def check(found: Found) -> tuple[str, bool] | None:
        summary = found.get((task, setting))
        margins = summary.margins(f"chnorm {effort}", peer) if summary else None
        if summary is None or not margins:
            return None
        lowest = min(margins.values())
        cells = summary.row(f"chnorm {effort}")
        slowest = _slowest([cell for name, cell in cells.items() if timed in name])
        holds = mean(margins.values()) >= at_least
        holds &= worst is None or lowest >= worst
        holds &= seconds is None or (slowest.seconds or 0.0) <= seconds
        text = f"{mean(margins.values()):+.2f} dB (lowest {lowest:+.2f}), at most {slowest.time} s"
        return f"{text}, {pictures(margins)}", holds

    return check


def level(
    task: str,
    setting: str,
    effort: str,
    at_least: float,
    *,
    seconds: float | None = None,
    picture: str = "",
) -> Check:
    """Mean PSNR ≥ `at_least`, each picture within `seconds`; `picture` chooses one."""

    def check(found: Found) -> tuple[str, bool] | None:
        summary = found.get((task, setting))
        cells = summary.row(f"chnorm {effort}") if summary else {}
        cells = {p: c for p, c in cells.items() if picture in p}
        if summary is None or not cells:
            return None
        if not picture and len(cells) < len(summary.pictures):
            return None
        value = mean(c.psnr or 0.0 for c in cells.values())
        slowest = _slowest(cells.values())
        holds = value >= at_least and (seconds is None or (slowest.seconds or 0.0) <= seconds)
        return f"{value:.2f} dB, at most {slowest.time} s, {pictures(cells)}", holds

    return check


def near(task: str, setting: str, other: str, effort: str, at_most: float) -> Check:
    """Mean PSNR at most so many dB under that of another setting, over the same pictures."""

    def check(found: Found) -> tuple[str, bool] | None:
        name = f"chnorm {effort}"
        ours, theirs = (
            found[task, s].row(name) if (task, s) in found else {} for s in (setting, other)
        )
        less = [
            (theirs[p].psnr or 0.0) - (ours[p].psnr or 0.0) for p in ours.keys() & theirs.keys()
        ]
        if not less or len(less) < len(ours):
            return None
        text = f"{mean(less):.2f} dB under it (at most {max(less):.2f}), {pictures(less)}"
        return text, mean(less) <= at_most

    return check


def ahead(task: str, setting: str, effort: str, peers: Sequence[str]) -> Check:
    """Mean PSNR above that of every peer."""

    def check(found: Found) -> tuple[str, bool] | None:
        summary = found.get((task, setting))
        ours = summary.mean(f"chnorm {effort}") if summary else None
        theirs = {peer: summary.mean(peer) for peer in peers} if summary else {}
        known = {peer: value for peer, value in theirs.items() if value is not None}
        if ours is None or len(known) < len(peers):
            return None
        best = max(known, key=lambda peer: known[peer])
        return f"{ours:.2f} dB, the best peer ({best}) {known[best]:.2f}", ours > known[best]

    return check


def as_quick(this: tuple[str, str], other: tuple[str, str], effort: str, at_most: float) -> Check:
    """Mean CPU-seconds of the pictures that two settings share: at most so many times as many."""

    def check(found: Found) -> tuple[str, bool] | None:
        name = f"chnorm {effort}"
        ours, theirs = (found[key].row(name) if key in found else {} for key in (this, other))
        both = [p for p in ours if p in theirs and ours[p].cpu and theirs[p].cpu]
        if not both:
            return None
        mine, usual = (mean(cells[p].cpu or 0.0 for p in both) for cells in (ours, theirs))
        text = f"{mine:.1f} and {usual:.1f} CPU-s in the mean: {mine / usual:.2f}×"
        return f"{text}, {pictures(both)}", mine <= at_most * usual

    return check


def no_slower(setting: str) -> Check:
    """Fast takes no more CPU-seconds than BM3D on any picture."""

    def check(found: Found) -> tuple[str, bool] | None:
        summary = found.get(("denoise", setting))
        more = summary.margins("chnorm fast", "bm3d", "cpu") if summary else None
        if summary is None or not more:
            return None
        ours, theirs = summary.mean("chnorm fast", "cpu"), summary.mean("bm3d", "cpu")
        worst = max(more.values())
        if ours is None or theirs is None:  # another method knows more pictures than one of these
            return f"at worst {worst:+.1f} CPU-s, {pictures(more)}", worst <= 0
        text = f"{ours:.1f} and {theirs:.1f} CPU-s in the mean, at worst {worst:+.1f}"
        return text, worst <= 0

    return check


def beats_dip(found: Found) -> tuple[str, bool] | None:
    """Compare the time at which the deep image prior was best with our first result above it."""
    factors, texts = [], []
    for (task, _), summary in found.items():
        for picture, dip in summary.row("dip").items() if task == "denoise" else ():
            mine = [c for m in summary.row_names(picture) if (c := _ours(summary, m, picture))]
            if not mine:
                continue
            best, seconds = dip.newest.detail["best"], dip.newest.detail["best_seconds"]
            ours = [c.seconds for c in mine if c.psnr and c.seconds and c.psnr >= best]
            factors.append(seconds / min(ours) if ours else 0.0)
            stopped = dip.newest.detail["outcome"] == "time"
            note = f" (stopped at {dip.newest.seconds:.0f} s)" if stopped else ""
            when = f"at least as good after {min(ours):.1f} s" if ours else "never as good"
            texts.append(f"{picture}: {best:.2f} dB after {seconds:.0f} s{note}, ours {when}")
    if not factors:
        return None
    return f"{'; '.join(texts)}: 1/{min(factors):.0f}", min(factors) >= 30


def _ours(summary: Summary, method: str, picture: str) -> Cell | None:
    return summary.cell(method, picture) if method.startswith("chnorm") else None


def clean(found: Found) -> tuple[str, bool] | None:
    summary = found.get(("sigma", "clean picture in"))
    if summary is None:
        return None
    values = {k: c.psnr or 0.0 for k, c in summary.cells.items()}
    (_, picture), lowest = min(values.items(), key=lambda item: item[1])
    return f"lowest {lowest:.1f} dB ({picture}), {pictures(values)}", lowest >= 45


def prior_level(method: str, at_least: float, seconds: float | None) -> Check:
    """PSNR of F16's crop: what was returned, or what there was after `seconds`."""

    def check(found: Found) -> tuple[str, bool] | None:
        cell = _f16(found, method)
        if cell is None or cell.psnr is None or cell.seconds is None:
            return None
        if seconds is None or cell.seconds <= seconds:
            return f"{cell.psnr:.2f} dB after {cell.seconds:.0f} s", cell.psnr >= at_least
        then = psnr_within(cell.newest.detail["curve"], seconds) or 0.0
        return (
            f"{then:.2f} dB after {seconds:.0f} s, {cell.psnr:.2f} dB after {cell.seconds:.0f} s",
            then >= at_least,
        )

    return check


def sooner(found: Found) -> tuple[str, bool] | None:
    """Compare the times to 0.1 dB below the reference's best, where its curve still rises."""
    ours, reference = _f16(found, "chnorm decoder normal"), _f16(found, "deep decoder k=64")
    if ours is None or reference is None:
        return None
    target = reference.newest.detail["best"] - 0.1
    theirs = seconds_to(reference.newest.detail["curve"], target)
    mine = seconds_to(ours.newest.detail["curve"], target)
    if not mine or not theirs:
        return f"{target:.2f} dB is never reached", False
    text = f"{target:.2f} dB after {mine:.1f} s and {theirs:.1f} s: {theirs / mine:.1f}×"
    return text, theirs / mine >= 4


def stops_in_time(found: Found) -> tuple[str, bool] | None:
    lost = {
        f"{picture}, {method.removeprefix('chnorm ')}": cell.newest.detail["below_best"]
        for (task, setting), summary in found.items()
        if (task, setting) == ("prior", "σ=25, crop 256")
        for (method, picture), cell in summary.cells.items()
        if method in ("chnorm decoder normal", "chnorm hourglass normal")
    }
    if not lost:
        return None
    worst = max(lost, key=lambda key: lost[key])
    return f"at most {lost[worst]:.2f} dB ({worst}), {len(lost)} runs", lost[worst] <= 0.3


def no_dearer(found: Found) -> tuple[str, bool] | None:
    ratios = {
        picture: cell.newest.detail["ratio"]
        for (task, setting), summary in found.items()
        if task == "step" and setting.startswith("step")
        for (_, picture), cell in summary.cells.items()
    }
    if not ratios:
        return None
    text = ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items())
    return f"{text} of the plain cost", max(ratios.values()) <= 1.0


def help_is_quick(found: Found) -> tuple[str, bool] | None:
    summary = found.get(("step", "chnorm --help"))
    if summary is None:
        return None
    row = next(iter(summary.cells.values())).newest
    seconds, torch = row.seconds or 0.0, row.detail["imports_torch"]
    return f"{seconds:.2f} s, torch {'is' if torch else 'is not'} imported", (
        seconds <= 0.5 and not torch
    )


def pictures(found: Sized) -> str:
    return f"{len(found)} picture{'s' * (len(found) != 1)}"


def _f16(found: Found, method: str) -> Cell | None:
    summary = found.get(("prior", "σ=25, crop 256"))
    cells = summary.row(method) if summary else {}
    return next((cell for picture, cell in cells.items() if "F16" in picture), None)


def _slowest(cells: Iterable[Cell]) -> Cell:
    return max(cells, key=lambda cell: cell.seconds or 0.0)
