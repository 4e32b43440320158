"""The tables in README and docs/: ours as fast as can be beside the best of the peers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.measuring.contest import AS_IT_CAME
from benchmarks.reporting.summary import Summary

BEGIN, END = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"
Line = tuple[str, str, str]  # task and setting, and what people call that
LINES: tuple[Line, ...] = (
    ("denoise", "σ=25", "white noise, σ = 25"),
    ("denoise", "σ=25, gray", "the same in gray"),
    ("denoise", "real noise", "real cameras, ISO 1600 to 6400"),
    ("noise", "Poisson, peak 5", "photon counts up to 5"),
    ("noise", "confocal microscope", "a confocal microscope"),
    ("noise", "impulses 5%", "5 % of the pixels black or white"),
    ("noise", "rows σ=12 on σ=8", "banding, σ = 12, on σ = 8"),
    ("jpeg", "quality 30", "JPEG of quality 30"),
    ("inpaint", "50% missing", "half of the pixels missing"),
    ("inpaint", "80% missing", "80 % of the pixels missing"),
    ("superres", "×4", "enlarged ×4"),
    ("superres", "×2", "enlarged ×2"),
)
NOISE: tuple[Line, ...] = (
    ("noise", "Poisson, peak 30", "Poisson, 30 photons at the brightest"),
    ("noise", "Poisson, peak 5", "Poisson, 5 photons"),
    ("noise", "Poisson, peak 2", "Poisson, 2 photons"),
    ("noise", "Poisson, peak 30, and σ=12", "30 photons and σ = 12"),
    ("noise", "speckle 20 %", "speckle of 20 %"),
    ("noise", "confocal microscope", "confocal microscope"),
    ("denoise", "real noise", "shots of cameras"),
    ("noise", "impulses 1%", "1 % of the pixels black or white"),
    ("noise", "impulses 5%", "5 %"),
    ("noise", "impulses 20%", "20 %"),
    ("noise", "impulses 5% on σ=10", "5 %, and σ = 10 between"),
    ("noise", "rows σ=12 on σ=8", "offsets of rows, σ = 12, and σ = 8 between"),
)
PAGES = {"README.md": LINES, "docs/noise.md": NOISE}  # with the marks below
OURS = ("chnorm fast", "chnorm normal")
NAMES = {
    "bm3d": "BM3D",
    "bm3d-anscombe": "Anscombe-BM3D",
    "nlm": "non-local means",
    "tv": "total variation",
    "median": "3×3 median",
    "back-projection": "back-projected bicubic",
    "nlridge": "NL-Ridge",
    "lichi": "LIChI",
    "zsn2n": "ZS-N2N",
    "noise2fast": "Noise2Fast",
    "patchmatch": "PatchMatch",
}


def table(found: Sequence[Summary], lines: Sequence[Line] = LINES) -> Iterator[str]:
    """Give the lines of a table: of several sets the one of most pictures."""
    yield "| what was done to the pictures | set | as it came | best peer | `fast` | `normal` |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for task, setting, words in lines:
        here = [s for s in found if (s.task, s.setting) == (task, setting) and _ours(s)]
        if here:
            yield _line(max(here, key=lambda s: s.count), words)


def replaced(text: str, lines: Sequence[str]) -> str:
    """Give a page with the table between its marks replaced."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page has no {BEGIN} … {END}")
    return "\n".join([before + BEGIN, "", *lines, "", END + after])


def peer_name(summary: Summary, method: str) -> str:
    """Name a peer, and what it is told."""
    told = next(iter(summary.row(method).values())).newest.told
    return NAMES.get(method, method) + (f" told {told}" if told else "")


def _line(summary: Summary, words: str) -> str:
    values = {m: value for m in summary.methods if (value := summary.mean(m)) is not None}
    best = max([v for m, v in values.items() if m != AS_IT_CAME], default=None)

    def shown(method: str | None) -> str:
        value = values.get(method or "")
        if value is None:
            return ""
        return f"**{value:.2f}**" if value == best else f"{value:.2f}"

    peer = summary.best(ours=False, but=(AS_IT_CAME,))
    theirs = f"{shown(peer)} {peer_name(summary, peer)}" if peer else ""
    count = str(summary.count)
    pictures = summary.dataset if count in summary.dataset else f"{summary.dataset} ({count})"
    cells = [words, pictures, shown(AS_IT_CAME), theirs, *(shown(m) for m in OURS)]
    return f"| {' | '.join(cells)} |"


def _ours(summary: Summary) -> bool:
    return any(summary.mean(method) is not None for method in OURS)
