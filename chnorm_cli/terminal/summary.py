"""What is said when a restoration is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chnorm_cli.terminal.console import complain, say, shown
from chnorm_cli.terminal.curves import clock, number


def summarize(report: Mapping[str, Any], *, verbose: bool = False) -> None:
    """Say what became of one picture, why the fit ended, and what a person should know."""
    say((one_line(report), "bold"))
    for fit in report.get("pages", [report]):
        say(f"  {fit['outcome_sentence']}")
        if verbose:
            say(f"  {fit['generator']} on {fit['device']}")
            if fit["loss"] is not None and fit["gradient_norm"] is not None:
                loss, norm = number(fit["loss"]).strip(), number(fit["gradient_norm"]).strip()
                say(f"  loss {loss}, gradient norm {norm}")
        for note in fit["notes"] if "pages" in report else ():
            say("  ", ("note: ", "yellow"), shown(note))
    for note in report["notes"]:
        say("  ", ("note: ", "yellow"), shown(note))


def one_line(report: Mapping[str, Any]) -> str:
    """Return e.g. `a.png → b.png  512×512  σ 25.1 (estimated)  310 steps in 0:42`."""
    width, height = report["output_size"]
    facts = [f"{width}×{height}"]
    fits = report.get("pages", [report])
    if len(fits) > 1:
        facts.append(f"{len(fits)} pages")
    elif report["sigma"] is not None:
        estimated = " (estimated)" if report["sigma_estimated"] else ""
        law = report.get("noise")
        words = law["sentence"] if law else f"σ {report['sigma']:.1f}"
        facts.append(f"{words}{estimated}")
    steps, seconds = sum(fit["steps"] for fit in fits), sum(fit["seconds"] for fit in fits)
    facts.append(f"{steps} steps in {clock(seconds)}")
    output = "stdout" if report["output"] == "-" else report["output"]
    return f"{shown(report['input'])} → {shown(output)}  " + "  ".join(facts)


def summarize_many(*, done: int, skipped: int, failures: Sequence[str], seconds: float) -> None:
    """Say how many files were restored, and name each one that was not."""
    parts = [f"{done} restored in {clock(seconds)}"]
    parts += [f"{skipped} skipped because their results exist (--overwrite)"] if skipped else []
    parts += [f"{len(failures)} failed"] if failures else []
    say((", ".join(parts), "bold"))
    for message in failures:
        complain(message, "failed")
