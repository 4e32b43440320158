"""What a person sees at the end of a run."""

import pytest

from benchmarks.measuring.rows import Row
from benchmarks.reporting.summary import summaries
from benchmarks.reporting.table import grid

RUN = {"date": "2026-01-01", "code": "new", "device": "cpu", "cores": 2, "threads": 2}


def grid_of(count):
    rows = [
        Row("denoise", "Set", "σ=25", f"p{i}", "nlm", psnr=30.0 + i, ssim=0.5, seconds=1.0, cpu=2.0)
        for i in range(count)
    ]
    (summary,) = summaries([(RUN, row) for row in rows])
    return grid(summary)


def test_each_picture_has_a_column():
    header, ((*cells, average, _),) = grid_of(3)
    assert header == ["method", "p0", "p1", "p2", "mean ± 95 %", "SSIM"]
    assert cells == ["nlm", "30.00 · 2.0", "31.00 · 2.0", "32.00 · 2.0"]
    assert average.startswith("31.00 ± ")


@pytest.mark.parametrize("count", [7, 100])
def test_many_pictures_fit_a_terminal(count):
    header, ((*cells, average, _),) = grid_of(count)
    assert header == ["method", f"lowest of {count}", "CPU-s", "mean ± 95 %", "SSIM"]
    assert cells == ["nlm", "30.00", "2.0"]
    assert average.startswith(f"{30 + (count - 1) / 2:.2f} ± ")
