"""The bars of JPEGs: artefacts, noise before the compression, enlarging, and the time."""

from __future__ import annotations

from benchmarks.measuring.contest import AS_IT_CAME
from benchmarks.reporting.checks import Check, ahead, as_quick, margin
from benchmarks.tasks.jpeg import TOLD

QUALITIES = (10, 20, 30, 50, 80)
PEERS = ("bm3d", "nlm", "tv", "bilateral")  # each has the best of five strengths, by the truth


def _gain(setting: str, effort: str, mean: float, worst: float | None = None) -> Check:
    return margin("jpeg", setting, effort, AS_IT_CAME, mean, worst=worst)


JPEG_BARS: tuple[tuple[str, str, Check], ...] = (
    *(
        (
            "jpeg",
            f"quality {q}, `fast`: mean gain ≥ 1.4 dB, none under 0.5 dB",
            _gain(f"quality {q}", "fast", 1.4, 0.5),
        )
        for q in QUALITIES
    ),
    *(
        (
            "jpeg",
            f"quality {q}, `fast`: mean ahead of every peer",
            ahead("jpeg", f"quality {q}", "fast", PEERS),
        )
        for q in QUALITIES
    ),
    *(
        (
            "jpeg",
            f"quality {q}, `normal`: mean gain ≥ 1.6 dB",
            _gain(f"quality {q}", "normal", 1.6),
        )
        for q in QUALITIES
    ),
    *(
        (
            "jpeg",
            f"gray, quality {q}, `fast`: mean gain ≥ 1.3 dB",
            _gain(f"quality {q}, gray", "fast", 1.3),
        )
        for q in (10, 20)
    ),
    ("jpeg", "quality 95, `fast`: none worse than it came", _gain("quality 95", "fast", 0.0, 0.0)),
    *(
        (
            "jpeg",
            f"σ={s}, then quality {q}, `fast`: mean ≥ NLM told the error + 0.5 dB, none under − 0.3",
            margin("jpeg", f"σ={s}, then quality {q}", "fast", TOLD, 0.5, worst=-0.3),
        )
        for s in (15, 25)
        for q in (90, 75, 60)
    ),
    *(
        (
            "jpeg",
            f"×2 of quality {q}, `fast`: mean ≥ bicubic + 0.8 dB",
            margin("jpeg", f"×2 of quality {q}", "fast", "bicubic", 0.8),
        )
        for q in (80, 50)
    ),
    (
        "jpeg",
        "quality 30, `fast`: ≤ 1.5 × the time of σ=25 on the same pictures",
        as_quick(("jpeg", "quality 30"), ("denoise", "σ=25"), "fast", 1.5),
    ),
)
