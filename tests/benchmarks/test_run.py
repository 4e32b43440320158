"""`python -m benchmarks.run`: one task, or all that is missing or old."""

import importlib

import numpy as np
import pytest
from PIL import Image

from benchmarks import run
from benchmarks.measuring import plan
from benchmarks.measuring.options import Options
from benchmarks.measuring.plan import PLAN, expected, is_current
from benchmarks.measuring.rows import Row, read, read_all

TINY = ["--bundled", "--crop", "20", "--threads", "1", "--effort", "fast", "--steps", "1"]
RUN = {"device": "cpu", "code": "now", "threads": 2}


@pytest.fixture(autouse=True)
def _own_files(tmp_path, monkeypatch, threads_put_back):
    """Let nothing be written among the committed results."""
    monkeypatch.setattr(run, "_warm_up", lambda device: None)
    monkeypatch.setattr(run, "_file", lambda task, about: tmp_path / f"{task}.json")
    monkeypatch.setattr(run, "read_all", lambda: read_all(tmp_path))


def rows_of(path):
    return [row for each in read(path) for row in each["rows"]]


@pytest.mark.parametrize(
    ("words", "methods"),
    [
        (["denoise", "--peers", "nlm"], ["as it came", "nlm", "chnorm fast, 1 steps"]),
        (
            ["noise", "--law", "peak 5", "rows σ=0", "--peers", "median"],
            ["as it came", "median", "chnorm fast, 1 steps"] * 2,
        ),
        (["inpaint", "--missing", "0.3", "--peers"], ["chnorm fast, 1 steps"]),
        (["superres", "--scale", "2", "--peers", "bicubic"], ["bicubic", "chnorm fast, 1 steps"]),
        (
            ["jpeg", "--quality", "30", "--peers", "tv"],
            ["as it came", "tv", "chnorm fast, 1 steps"],
        ),
    ],
    ids=lambda words: words[0],
)
def test_each_task_measures_ours_beside_its_peers(words, methods, tmp_path, capsys):
    assert run.main([*words[:1], *TINY, "--picture", "chelsea", *words[1:]]) == 0
    rows = rows_of(tmp_path / f"{words[0]}.json")
    assert [row.name for row in rows] == methods
    assert {row.dataset for row in rows} == {"scikit-image"}
    assert all(row.psnr > 5 and row.seconds >= 0 and row.cpu >= 0 for row in rows)
    assert all(row.megapixels == pytest.approx(0.0004) for row in rows)
    assert "chelsea" in capsys.readouterr().out


def test_a_folder_of_shots_is_measured_against_their_means(tmp_path):
    folder = tmp_path / "cells"
    folder.mkdir()
    random = np.random.default_rng(0)
    for name, sigma in (("1_mean", 0.0), ("1_real", 20.0)):
        samples = 128 + sigma * random.standard_normal((20, 20))
        Image.fromarray(samples.clip(0, 255).astype(np.uint8)).save(folder / f"{name}.png")
    words = ["denoise", *TINY[1:], "--pictures", str(folder), "--peers", "nlm", "--effort"]
    assert run.main([*words, "--real"]) == 0
    rows = rows_of(tmp_path / "denoise.json")
    assert [(row.dataset, row.picture, row.method) for row in rows] == [
        ("cells", "1", "as it came"),
        ("cells", "1", "nlm"),
    ]
    assert run.main(words) == 1  # without --real there is no clean picture


def one_part(monkeypatch, **changes):
    part = plan.Part("denoise", (), {"peers": ("nlm",), **changes})
    monkeypatch.setattr(plan, "PLAN", (part,))


def test_all_measures_what_is_missing_and_not_again(tmp_path, monkeypatch, capsys):
    one_part(monkeypatch)
    monkeypatch.setattr("benchmarks.report.main", lambda arguments: 0)
    asked = ["all", *TINY]
    assert run.main([*asked, "--list"]) == 0
    assert "denoise: σ=25, crop 20 · as it came, nlm · 6 cells" in capsys.readouterr().out
    assert run.main([*asked, "--picture", "coffee"]) == 0
    assert len(rows_of(tmp_path / "denoise.json")) == 2
    assert run.main(asked) == 0
    assert len(rows_of(tmp_path / "denoise.json")) == 6
    assert run.main(asked) == 0  # all is current
    assert len(rows_of(tmp_path / "denoise.json")) == 6
    assert run.main([*asked, "--list"]) == 0
    assert "altogether 0 cells" in capsys.readouterr().out


def test_all_measures_whole_sets_too_where_they_are_and_names_the_others(
    tmp_path, monkeypatch, capsys
):
    shares = {"peers": ("nlm",)}
    wanted = [plan.Part("denoise", (), shares, dataset=name) for name in ("Tiny", "Elsewhere")]
    monkeypatch.setattr(plan, "PLAN", wanted)
    monkeypatch.setattr("benchmarks.report.main", lambda arguments: 0)
    asked = ["all", *TINY]
    assert run.main(asked) == 0
    assert "not here (--sets DIR): Tiny, Elsewhere" in capsys.readouterr().err
    (tmp_path / "sets" / "Tiny").mkdir(parents=True)
    samples = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
    Image.fromarray(samples).save(tmp_path / "sets" / "Tiny" / "a.png")
    assert run.main([*asked, "--sets", str(tmp_path / "sets")]) == 0
    assert "not here (--sets DIR): Elsewhere" in capsys.readouterr().err
    found = [(row.dataset, row.picture) for row in rows_of(tmp_path / "denoise.json")]
    assert found == [("Tiny", "a")] * 2


def test_all_begins_nothing_after_its_time(tmp_path, monkeypatch):
    one_part(monkeypatch)
    monkeypatch.setattr("benchmarks.report.main", lambda arguments: 0)
    assert run.main(["all", *TINY, "--hours", "0"]) == 0
    assert not (tmp_path / "denoise.json").exists()


def test_an_interrupted_run_keeps_what_it_has(tmp_path, monkeypatch, capsys):
    def measure(options):
        yield Row("denoise", "Set", "σ=25", "p", "nlm", psnr=30.0)
        raise KeyboardInterrupt

    monkeypatch.setattr(importlib.import_module("benchmarks.tasks.denoise"), "measure", measure)
    assert run.main(["denoise", *TINY]) == 0
    assert [row.psnr for row in rows_of(tmp_path / "denoise.json")] == [30.0]
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--pictures", "no/such"], "there is no such folder"),
        (["--sets", "no/such"], "--sets no/such: there is no such folder"),
        (["--peers", "bm4d"], "no such peers: bm4d; there are"),
        (["--peer-path", "nlridge"], "wants NAME=DIR"),
        (["--peer-path", "nlridge=no/such"], "wants NAME=DIR"),
    ],
)
def test_what_cannot_be_asked_is_one_line_and_exit_2(words, line, capsys):
    with pytest.raises(SystemExit) as stopped:
        run.main(["denoise", *words])
    assert stopped.value.code == 2
    assert line in capsys.readouterr().err.splitlines()[-1]


def test_the_plan_has_real_tasks_and_begins_with_what_readme_shows():
    assert {part.task for part in PLAN} <= set(run.TASKS)
    first = [part.task for part in PLAN[:10]]
    assert {"denoise", "noise", "jpeg", "inpaint", "superres"} <= set(first)
    assert all(str(effort) == "fast" for part in PLAN[:10] for effort in part.efforts)


def test_who_names_a_law_whole_means_no_other_that_begins_so():
    named = Options(laws=("impulses 5%", "rows"))
    settings = ["impulses 5%", "impulses 5% on σ=10", "rows σ=0 on σ=8"]
    assert [s for s in settings if named.wants_law(s, settings)] == [settings[0], settings[2]]


def row(method="chnorm", *, cpu=3.0, **more):
    about = ("denoise", "Set", "σ=25", "p", method, "")
    return Row(*about, psnr=30.0, seconds=2.0, cpu=cpu, megapixels=0.5, **more)


def test_a_cell_is_current_if_a_machine_has_it_of_this_code():
    rows = [(RUN, row()), (RUN | {"code": "then"}, row("nlm", version="scikit-image 1"))]
    assert is_current(rows, RUN)(row())
    assert is_current(rows, RUN)(row("nlm", version="scikit-image 1"))
    assert not is_current(rows, RUN)(row("nlm", version="scikit-image 2"))
    assert not is_current(rows, RUN | {"code": "next"})(row())
    assert not is_current(rows, RUN | {"device": "cuda:0 (H200)"})(row())
    assert not is_current([(RUN, row(cpu=None))], RUN)(row())  # from before it was counted


def test_what_a_cell_takes_is_told_from_those_like_it():
    guess = expected([(RUN, row()), (RUN, row("nlm", cpu=None))])
    assert guess(row()) == pytest.approx(3.0)
    assert guess(row("nlm")) == pytest.approx(4.0)  # two threads for two seconds
    assert guess(row("bm3d")) is None
