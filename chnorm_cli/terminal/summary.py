"""What is said when a restoration is over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chnorm_cli.scaling.kinds import describe_unread
from chnorm_cli.scaling.parts import by_part
from chnorm_cli.terminal.console import complain, say, shown
from chnorm_cli.terminal.curves import clock, number


def summarize(report: Mapping[str, Any], *, verbose: bool = False) -> None:
    """Say what became of one picture, why the fit ended, and what a person should know."""
    say((one_line(report), "bold"))
    fits = report.get("pages", [report])
    for line in by_page([of_channels(fit, lambda one: [one["outcome_sentence"]]) for fit in fits]):
        say(f"  {line}")
    for line in by_page([expected_errors(fit, report.get("uncertainty")) for fit in fits]):
        say(f"  {line}")
    for line in by_page([of_channels(fit, _details) for fit in fits]) if verbose else ():
        say(f"  {line}")
    say_notes(report)


def say_notes(report: Mapping[str, Any]) -> None:
    """Say what a person should know of one picture."""
    pages = by_page([fit["notes"] for fit in report.get("pages", ())])
    for note in (*pages, *report["notes"]):
        say("  ", ("note: ", "yellow"), shown(note))


def by_page(lines: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of all pages, each once; those that are not of every page say which."""
    return by_part(lines, "page")


def of_channels(
    fit: Mapping[str, Any], lines: Callable[[Mapping[str, Any]], list[str]]
) -> list[str]:
    """Return the lines of a page, or those of its channels where they were restored one by one."""
    return by_part([lines(one) for one in fit.get("channels", [fit])], "channel")


def expected_errors(fit: Mapping[str, Any], file: str | None) -> list[str]:
    """Return e.g. `Error map e.tif: root mean square 4.2 of 255 (PSNR 35.7 dB), 3 % unknown`."""
    rms, psnr = fit.get("expected_rms"), fit.get("expected_psnr")
    size = f"root mean square {rms:.2g} of 255" if rms is not None else "nothing is known"
    size += f" (PSNR {psnr:.1f} dB)" if psnr is not None else ""
    if file is not None:
        unknown = f", {100 * fit['unknown_share']:.3g} % of the pixels unknown"
        return [f"Error map {shown(file)}: {size}{unknown if fit['unknown_share'] else ''}."]
    return [] if psnr is None else [f"The expected error is a {size}."]


def _details(fit: Mapping[str, Any]) -> list[str]:
    lines = [f"{fit['generator']} on {fit['device']}"]
    if fit["loss"] is not None and fit["gradient_norm"] is not None:
        loss, norm = number(fit["loss"]).strip(), number(fit["gradient_norm"]).strip()
        lines.append(f"loss {loss}, gradient norm {norm}")
    return lines


def one_line(report: Mapping[str, Any]) -> str:
    """Return e.g. `a.png → b.png  512×512  σ 25.1 (estimated)  310 steps in 0:42`."""
    width, height = report["output_size"]
    facts = [f"{width}×{height}"]
    fits = report.get("pages", [report])
    if len(fits) > 1:
        facts.append(f"{len(fits)} pages")
    elif "channels" in report:
        facts.append(f"{len(report['channels'])} channels")
    elif report["sigma"] is not None:
        estimated = " (estimated)" if report["sigma_estimated"] else ""
        law = report.get("noise")
        words = law["sentence"] if law else f"σ {report['sigma']:.1f}"
        facts.append(f"{words}{estimated}")
    steps, seconds = sum(fit["steps"] for fit in fits), sum(fit["seconds"] for fit in fits)
    facts.append(f"{steps} steps in {clock(seconds)}")
    output = "stdout" if report["output"] == "-" else report["output"]
    name = shown(report["input"])
    if output is None:  # a share of its tiles
        return f"{name}: this share is done  " + "  ".join(facts)
    return f"{name} → {shown(output)}  " + "  ".join(facts)


def summarize_many(
    *,
    done: int,
    skipped: int,
    failures: Sequence[str],
    seconds: float,
    unread: Mapping[str, int],
) -> None:
    """Say how many files were restored, what was left out, and name each one that failed."""
    parts = [f"{done} restored in {clock(seconds)}"]
    parts += [f"{skipped} skipped because their results exist (--overwrite)"] if skipped else []
    parts += [f"{len(failures)} failed"] if failures else []
    say((", ".join(parts), "bold"))
    if unread:
        say("  ", ("note: ", "yellow"), shown(describe_unread(unread)))
    for message in failures:
        complain(message, "failed")
