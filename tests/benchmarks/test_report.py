"""RESULTS.md and README's table are what the rows give, and short enough to be read."""

import json
import re
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.measuring.rows import Row
from benchmarks.reporting.checks import near
from benchmarks.reporting.headline import BEGIN, END, replaced, table
from benchmarks.reporting.markdown import bars, page
from benchmarks.reporting.plots import PLOTS, draw, ladder_of
from benchmarks.reporting.sizes import large_pictures, measured_sizes
from benchmarks.reporting.summary import mean_of, summaries

ROOT = Path(__file__).parents[2]
RUN = {
    "date": "2026-01-01T00:00:00+00:00",
    "device": "cpu",
    "cpu": "Z80",
    "cores": 2,
    "threads": 2,
    "code": "abc",
}


def test_pages_are_what_the_rows_give():
    pages = report.made()
    assert {path.name for path in pages} == {"RESULTS.md", "README.md", "noise.md"}
    old = [path.name for path, text in pages.items() if path.read_text() != text]
    assert not old, f"{', '.join(old)}: out of date, run python -m benchmarks.report"


def test_pages_and_plots_stay_few_and_short():
    assert len(report.PAGE.read_text().splitlines()) <= 150
    plots = list((ROOT / "benchmarks" / "plots").iterdir())
    assert {plot.stem for plot in plots} <= {*PLOTS}
    assert len(PLOTS) <= 6
    linked = re.findall(r"\]\((plots/[\w.]+)\)", report.PAGE.read_text())
    assert sorted(linked) == sorted(f"plots/{plot.name}" for plot in plots)


def measured(
    method, values, *, setting="σ=25", effort="", told="", task="denoise", run=RUN, dataset="Set"
):
    for number, psnr in enumerate(values):
        row = Row(
            task,
            dataset,
            setting,
            f"p{number}",
            method,
            effort,
            psnr=psnr,
            seconds=2.0,
            cpu=3.0,
            megapixels=0.5,
            told=told,
            version="bm3d 4" if method == "bm3d" else "",
            load=0.0,
        )
        yield run, row


def some():
    return [
        *measured("as it came", [20.0, 20.0, 20.0]),
        *measured("bm3d", [30.0, 31.0, 32.0], told="σ"),
        *measured("nlm", [29.0, 29.0, 29.0], told="σ"),
        *measured("chnorm", [31.0, 32.0, 33.3], effort="fast"),
        *measured("chnorm", [31.5, 32.5], effort="normal"),  # one is missing yet
    ]


def test_a_mean_has_its_interval():
    found = mean_of([1.0, 2.0, 3.0, 4.0])
    assert found.value == 2.5
    assert found.interval == pytest.approx(3.182446 * (5 / 3) ** 0.5 / 2, rel=1e-6)  # Student's t
    assert str(mean_of([1.0])) == "+1.00"


def test_the_line_of_a_setting_compares_means_over_the_same_pictures():
    lines = "\n".join(page(some(), []))
    (line,) = [each for each in lines.splitlines() if each.startswith("| Set, σ=25")]
    # +1, +1 and +1.3 over BM3D; the effort that lacks a picture has no mean.
    assert line == "| Set, σ=25 | 3 | 20.00 | 31.00 | 29.00 | 32.10 | +1.10 ± 0.43 |"
    assert (
        "| set, setting | n | as it came | bm3d (σ) | nlm (σ) | fast | ours − best peer |" in lines
    )
    assert "abc (2026-01-01, 5 rows)" in lines
    assert "| denoise | 6 | 6 | 6 | 6 |" in lines  # 3 CPU-seconds for half a megapixel


def test_rows_of_older_code_are_marked_where_nothing_newer_is():
    newer = RUN | {"date": "2026-02-02T00:00:00+00:00", "code": "def"}
    again = list(measured("chnorm", [31.1, 32.1, 33.1], effort="fast", run=newer))
    other = list(measured("chnorm", [28.0, 28.0], effort="fast", setting="σ=50"))
    text = "\n".join(page([*some(), *other, *again], []))
    assert "| Set, σ=25 | 3 | 20.00 | 31.00 | 29.00 | 32.10 | " in text
    assert "| Set, σ=50 | 2 |  |  |  | 28.00† |  |" in text


def test_crops_are_left_out_where_whole_pictures_were_measured():
    crops = list(measured("chnorm", [40.0], effort="fast", setting="σ=25, crop 64"))
    assert "crop 64" not in "\n".join(page([*some(), *crops], []))
    assert "crop 64" in "\n".join(page(crops, []))


def test_bars_that_do_not_hold_are_named_and_each_is_told_on_request():
    text = "\n".join(page(some(), []))
    bar = "σ=25, `fast`: mean ≥ NLM + 0.8 dB"
    assert bar not in text  # +3.1 dB
    low = "\n".join(
        page([*measured("nlm", [29.0]), *measured("chnorm", [29.5], effort="fast")], [])
    )
    assert f"{bar}: +0.50 dB (lowest +0.50)" in low
    told = [line for line in bars(some()) if bar in line and "gray" not in line]
    assert [line.endswith("· holds") for line in told] == [True]


def test_the_table_of_readme_shows_the_best_in_bold():
    lines = list(table(summaries(some())))
    assert lines[2:] == [
        "| white noise, σ = 25 | Set (3) | 20.00 | 31.00 BM3D told σ | **32.10** |  |"
    ]


def test_only_what_is_between_the_marks_is_replaced():
    text = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert replaced(text, ["new"]) == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    assert replaced(replaced(text, ["new"]), ["new"]) == replaced(text, ["new"])
    with pytest.raises(ValueError, match="has no <!-- benchmarks"):
        replaced("no marks", [])


def test_rows_of_a_gpu_have_a_table_of_their_own_and_change_no_other():
    gpu = RUN | {"device": "cuda:0 (H200)", "cores": 16}
    rows = list(measured("chnorm", [31.0, 32.0, 33.3], effort="fast", run=gpu))
    text = "\n".join(page(rows, []))
    assert "| cuda:0 (H200), Z80, 16 cores | denoise, Set, σ=25 | chnorm fast | 32.10 dB" in text
    assert "| Set, σ=25 |" not in text


SIZES = [
    {"machine": "Z80, 2 cores", "megapixels": 0.25, "effort": "fast", "seconds": 5.0}
    | {"cpu_seconds": 8.0, "peak_gb": 0.7, "psnr": 34.0, "code": "new"},
    {"machine": "Z80, 2 cores", "megapixels": 24.0, "effort": "normal", "seconds": 600.0}
    | {"cpu_seconds": 960.0, "peak_gb": 2.9, "psnr": 40.5, "code": "old"},
]


def test_plots_are_drawn_of_what_was_measured(tmp_path):
    ladder = [
        each
        for setting, came in (("σ=15", 25.0), ("σ=50", 14.0))
        for each in [
            *measured("as it came", [came] * 3, setting=setting),
            *measured("chnorm", [33.0, 34.0, 35.0], effort="fast", setting=setting),
        ]
    ]
    drawn = draw(summaries([*some(), *ladder]), SIZES, tmp_path)
    assert {path.stem for path in drawn} == {"cost", "levels", "megapixels"}
    assert all(path.stat().st_size > 5000 for path in drawn)
    assert {path.stem for path in draw([], SIZES[:1], tmp_path)} == {"megapixels"}
    assert draw([], [], tmp_path) == []


def test_a_curve_is_of_one_set_that_of_most_steps():
    rows = [
        each
        for dataset, settings in (("Set12", ("σ=15", "σ=25")), ("Kodak24", ("σ=25",)))
        for setting in settings
        for each in measured("as it came", [20.0] * 12, setting=setting, dataset=dataset)
    ]
    ladder = ladder_of(summaries(rows), "denoise", {"σ=15": 15, "σ=25": 25, "σ=50": 50})
    assert {x: summary.dataset for x, summary in ladder.items()} == {15: "Set12", 25: "Set12"}
    assert ladder_of([], "denoise", {"σ=15": 15}) == {}


def test_large_pictures_have_a_table_that_says_what_is_old():
    lines = list(large_pictures(SIZES, "new"))
    assert "| Z80, 2 cores | fast | 0.25 | 5 | 20.0 | 32.0 | 0.70 | 34.00 |" in lines
    assert "| Z80, 2 cores | normal | 24 | 600† | 25.0 | 40.0 | 2.90 | 40.50 |" in lines
    assert list(large_pictures([], "new")) == []


def test_sizes_of_all_machines_are_read_in_order(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(SIZES[1:]))
    (tmp_path / "b.json").write_text(json.dumps(SIZES[:1]))
    assert measured_sizes(tmp_path) == list(SIZES)


def test_a_setting_is_compared_with_another_over_all_of_its_pictures():
    check = near("noise", "with impulses", "alone", "fast", 0.3)

    def said(worse, alone):
        rows = [
            *measured("chnorm", worse, task="noise", setting="with impulses", effort="fast"),
            *measured("chnorm", alone, task="noise", setting="alone", effort="fast"),
        ]
        return check({(s.task, s.setting): s for s in summaries(rows)})

    assert said([30.0, 31.0], [30.1, 31.4])[1]
    assert not said([30.0, 31.0], [30.5, 31.3])[1]
    assert said([30.0, 31.0], [30.1]) is None
