"""The bars that the project set itself, and whether what was measured holds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.reporting.checks import (
    Check,
    beats_dip,
    clean,
    help_is_quick,
    level,
    margin,
    near,
    no_dearer,
    no_slower,
    prior_level,
    sooner,
    stops_in_time,
)
from benchmarks.reporting.jpeg_bars import JPEG_BARS
from benchmarks.reporting.summary import Summary, by_setting


@dataclass(frozen=True)
class Verdict:
    """A bar, what was measured, and whether it holds; None says that it was not measured whole."""

    task: str
    bar: str
    measured: str
    holds: bool | None


def verdicts(summaries: Sequence[Summary]) -> list[Verdict]:
    """Check every bar on what was measured."""
    found = by_setting(summaries)
    judged = []
    for task, bar, check in BARS:
        outcome = check(found)
        measured, holds = outcome if outcome is not None else ("not measured", None)
        judged.append(Verdict(task, bar, measured, holds))
    return judged


# Of noise that follows the brightness: over BM3D in the stabilized domain, told the law, in dB.
NOISE_BARS = (
    ("Poisson, peak 30", "fast", 0.2),
    ("Poisson, peak 30", "normal", 0.4),
    ("Poisson, peak 5", "fast", 0.0),
    ("Poisson, peak 5", "normal", 0.2),
    ("Poisson, peak 2", "fast", -0.2),
    ("Poisson, peak 2", "normal", 0.0),
    ("Poisson, peak 30, and σ=12", "fast", 0.1),
    ("speckle 20 %", "fast", 0.0),
    ("confocal microscope", "fast", 0.0),
)

BARS: tuple[tuple[str, str, Check], ...] = (
    (
        "denoise",
        "σ=25, `fast`: mean ≥ NLM + 0.8 dB",
        margin("denoise", "σ=25", "fast", "nlm", 0.8),
    ),
    ("denoise", "σ=25, `fast`: no slower than BM3D on any picture", no_slower("σ=25")),
    (
        "denoise",
        "σ=25, `normal`: mean ≥ CBM3D, none under CBM3D − 0.3 dB, ≤ 120 s for 512²",
        margin("denoise", "σ=25", "normal", "bm3d", 0.0, worst=-0.3, seconds=120, timed="512"),
    ),
    (
        "denoise",
        "σ=25, `best`: mean ≥ CBM3D + 0.4 dB",
        margin("denoise", "σ=25", "best", "bm3d", 0.4),
    ),
    *(
        (
            "denoise",
            f"σ={s}, `normal`: mean ≥ CBM3D − 0.1 dB",
            margin("denoise", f"σ={s}", "normal", "bm3d", -0.1),
        )
        for s in (15, 50)
    ),
    *(
        (
            "noise",
            f"{law}, `{effort}`: mean ≥ BM3D that is told the law{f' {more:+.1f} dB' if more else ''}",
            margin("noise", law, effort, "bm3d-anscombe", more),
        )
        for law, effort, more in NOISE_BARS
    ),
    *(
        (
            "noise",
            f"impulses {share}, `fast`: mean ≥ {least} dB",
            level("noise", f"impulses {share}", "fast", least),
        )
        for share, least in (("1%", 52), ("5%", 45), ("20%", 38))
    ),
    (
        "noise",
        "impulses 5% on σ=10, `fast`: mean at most 0.3 dB under σ=10 alone",
        near("noise", "impulses 5% on σ=10", "impulses 0% on σ=10", "fast", 0.3),
    ),
    (
        "noise",
        "rows σ=12 on σ=8, `fast`: mean at most 1.0 dB under σ=8 alone",
        near("noise", "rows σ=12 on σ=8", "rows σ=0 on σ=8", "fast", 1.0),
    ),
    (
        "denoise",
        "gray, σ=25, `fast`: mean ≥ NLM + 0.8 dB",
        margin("denoise", "σ=25, gray", "fast", "nlm", 0.8),
    ),
    (
        "denoise",
        "gray, σ=25, `fast`: no slower than BM3D on any picture",
        no_slower("σ=25, gray"),
    ),
    (
        "denoise",
        "gray, σ=25, `normal`: mean ≥ BM3D, none under BM3D − 0.3 dB",
        margin("denoise", "σ=25, gray", "normal", "bm3d", 0.0, worst=-0.3),
    ),
    (
        "denoise",
        "gray, σ=25, `best`: mean ≥ BM3D + 0.4 dB",
        margin("denoise", "σ=25, gray", "best", "bm3d", 0.4),
    ),
    *(
        (
            "denoise",
            f"gray, σ={s}, `normal`: mean ≥ BM3D − 0.1 dB",
            margin("denoise", f"σ={s}, gray", "normal", "bm3d", -0.1),
        )
        for s in (15, 50)
    ),
    (
        "denoise",
        "real noise, `normal`: mean ≥ CBM3D that is told its strength",
        margin("denoise", "real noise", "normal", "bm3d", 0.0),
    ),
    ("denoise", "best PSNR of the deep image prior (deepinv) in ≤ 1/30 of its time", beats_dip),
    ("denoise", "a clean picture comes out ≥ 45 dB to itself", clean),
    *JPEG_BARS,
    *(
        (
            "inpaint",
            f"{share} missing, `normal`: mean ≥ biharmonic + 1.5 dB, ≤ 120 s",
            margin("inpaint", f"{share} missing", "normal", "biharmonic", 1.5, seconds=120),
        )
        for share in ("50%", "80%")
    ),
    (
        "inpaint",
        "F16 crop, half of the pixels missing, `normal`: ≥ 29.6 dB within 90 s",
        level("inpaint", "50% missing, crop 256", "normal", 29.6, seconds=90, picture="F16"),
    ),
    (
        "inpaint",
        "text mask (kate), `normal`: ≥ biharmonic + 0.5 dB",
        margin("inpaint", "mask", "normal", "biharmonic", 0.5),
    ),
    *(
        (
            "superres",
            f"Set5 {scale}, `{effort}`: mean ≥ {value} dB" + (", ≤ 120 s each" if limit else ""),
            level("superres", scale, effort, value, seconds=limit),
        )
        for scale, effort, value, limit in (
            ("×4", "normal", 30.5, 120),
            ("×4", "best", 31.0, None),
            ("×2", "normal", 36.3, 120),
            ("×2", "best", 36.9, None),
        )
    ),
    (
        "superres",
        "butterfly ×4, `normal`: ≥ 25.7 dB within 120 s",
        level("superres", "×4", "normal", 25.7, seconds=120, picture="butterfly"),
    ),
    (
        "prior",
        "F16 crop, σ=25: ≥ 29.0 dB within 60 s",
        prior_level("chnorm decoder normal", 29.0, 60),
    ),
    (
        "prior",
        "F16 crop, σ=25, hourglass: ≥ 29.8 dB",
        prior_level("chnorm hourglass normal", 29.8, None),
    ),
    ("prior", "at least 4× sooner than a reference-shaped deep decoder (F16 crop)", sooner),
    ("prior", "stops within 0.3 dB of the best the run ever reached", stops_in_time),
    ("step", "no dearer than the same network in plain PyTorch", no_dearer),
    ("step", "`chnorm --help` ≤ 0.5 s, without torch", help_is_quick),
)
