"""Rows are kept at once, one file a task and machine, and give way to rows of newer code."""

import json

import pytest

from benchmarks.measuring.rows import Results, Row, drop_older, read, read_all, result_file
from benchmarks.reporting.summary import current

RUN = {"date": "2026-01-01", "command": "denoise", "code": "old", "device": "cpu", "cores": 2}


def row(picture="F16", method="chnorm", psnr=30.0, **more):
    return Row("denoise", "Set12", "σ=25", picture, method, psnr=psnr, load=0.0, **more)


def kept(path):
    return [(run["code"], r.picture, r.method, r.psnr) for run in read(path) for r in run["rows"]]


def test_a_row_is_in_the_file_as_soon_as_it_is_measured(tmp_path):
    path = tmp_path / "a" / "denoise.json"
    results = Results(path, RUN)
    for number in range(3):
        results.append(row(psnr=30.123456789 + number))
        assert len(kept(path)) == number + 1
    assert kept(path)[0] == ("old", "F16", "chnorm", 30.1235)
    assert sum('"picture"' in line for line in path.read_text().splitlines()) == 3
    json.loads(path.read_text())


def test_newer_code_replaces_its_cells_and_no_others(tmp_path):
    path = tmp_path / "denoise.json"
    first = Results(path, RUN)
    for each in (row(), row("House"), row(method="bm3d", version="bm3d 4")):
        first.append(each)
    second = Results(path, RUN | {"date": "2026-02-02", "code": "new"})
    second.append(row(psnr=31.0))
    second.append(row(psnr=31.2))  # a repetition stays beside it
    second.append(row(method="bm3d", version="bm3d 4", psnr=29.0))
    assert kept(path) == [
        ("old", "House", "chnorm", 30.0),
        ("old", "F16", "bm3d", 30.0),  # the same version: a repetition
        ("new", "F16", "chnorm", 31.0),
        ("new", "F16", "chnorm", 31.2),
        ("new", "F16", "bm3d", 29.0),
    ]
    third = Results(path, RUN | {"date": "2026-03-03", "code": "new"})
    third.append(row(method="bm3d", version="bm3d 5"))
    assert [(c, p, v) for c, p, m, v in kept(path) if m == "bm3d"] == [("new", "F16", 30.0)]


def test_rows_of_older_code_can_be_dropped_and_peers_stay_where_ours_is_current(tmp_path):
    for file, run in (("a.json", RUN), ("b.json", RUN | {"date": "2026-02-02", "code": "new"})):
        results = Results(tmp_path / file, run)
        results.append(row(effort="fast"))
        results.append(row("House" if run is RUN else "F16", effort="normal"))
        results.append(row("House" if run is RUN else "F16", method="bm3d", version="bm3d 4"))
    Results(tmp_path / "c.json", RUN).append(row(method="nlm"))
    assert drop_older("new", tmp_path) == 3
    assert kept(tmp_path / "a.json") == []
    assert [m for _, _, m, _ in kept(tmp_path / "b.json")] == ["chnorm", "chnorm", "bm3d"]
    assert kept(tmp_path / "c.json") == [("old", "F16", "nlm", 30.0)]  # beside what is current


def test_rows_of_several_machines_are_taken_together_and_older_code_left_out(tmp_path):
    runs = [("one", "2026-02-02", "new", 31.0), ("two", "2026-01-01", "old", 30.0)]
    for machine, date, code, psnr in runs:
        path = result_file("denoise", machine, tmp_path)
        Results(path, RUN | {"date": date, "code": code}).append(row(psnr=psnr))
    other = result_file("denoise", "three", tmp_path)
    Results(other, RUN | {"date": "2026-03-03", "code": "new"}).append(row("House", psnr=33.0))
    rows = read_all(tmp_path)
    assert [run["date"] for run, _ in rows] == ["2026-01-01", "2026-02-02", "2026-03-03"]
    assert [r.psnr for _, r in current(rows)] == [31.0, 33.0]


@pytest.mark.parametrize(
    ("machine", "name"),
    [
        ("AMD EPYC, 2 cores", "denoise.amd-epyc-2-cores.json"),
        ("Intel(R) Xeon(R) CPU @ 2.20GHz, 4 cores", "denoise.intel-xeon-cpu-4-cores.json"),
        (
            "cuda:0 (NVIDIA H200), AMD EPYC, 16 cores",
            "denoise.cuda-0-nvidia-h200-amd-epyc-16-cores.json",
        ),
    ],
)
def test_files_are_named_after_task_and_machine(machine, name):
    assert result_file("denoise", machine).name == name
