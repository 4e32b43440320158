"""`chnorm lab` as the shell sees it."""

import subprocess
import sys
from pathlib import Path

import pytest

from chnorm_cli.cli import main
from chnorm_cli.lab import depth

ROOT = Path(__file__).parents[2]


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(depth.Settings, "depths", (2, 3))
    monkeypatch.setattr(depth.Settings, "cap", 200)
    monkeypatch.setattr(depth.Settings, "draws", 20)


def test_the_commands_import_nothing_heavy():
    script = (
        "import sys, chnorm_cli.lab.app;"
        "print([m for m in ('torch', 'numpy', 'matplotlib', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"


@pytest.mark.parametrize(
    "name", ["image", "convergence", "depth", "gradients", "landscape", "ablation"]
)
def test_help_shows_examples_first(capfd, name):
    assert main(["lab", name, "-h"]) == 0
    text = capfd.readouterr().out
    assert text.index("For example:") < text.index("─ Options")


def test_tables_go_to_stdout_and_files_are_written(small, capfd, tmp_path):
    table, picture = tmp_path / "a.csv", tmp_path / "a.svg"
    assert main(["lab", "depth", "-q", "--csv", str(table), "--plot", str(picture)]) == 0
    out, err = capfd.readouterr()
    assert "Theorem 1" in out
    assert "holds" in out
    assert err == ""
    assert table.read_text().startswith("quantity,normalized,depth")
    assert b"<svg" in picture.read_bytes()


def test_csv_to_stdout_sends_tables_to_stderr(small, capfd):
    assert main(["lab", "depth", "-q", "--csv", "-"]) == 0
    out, err = capfd.readouterr()
    assert out.startswith("quantity,")
    assert "Theorem" not in out
    assert "Theorem 2" in " ".join(err.split())


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["depth", "--plot", "a.gif"], 2, ".png, .svg or .pdf"),
        (["depth", "--plot", "nowhere/a.png"], 1, "nowhere"),
        (["depth", "--device", "cuda:99"], 1, "cuda:99"),
        (["depth", "--seeds", "0"], 2, "--seeds"),
        (["image", "no-such.png"], 1, "no-such.png"),
        (["ablation"], 2, "PICTURE"),
    ],
)
def test_mistakes_are_one_line_before_anything_is_computed(
    monkeypatch, capfd, arguments, code, word
):
    monkeypatch.setattr(depth, "run", lambda settings: pytest.fail("computed"))
    assert main(["lab", *arguments]) == code
    out, err = capfd.readouterr()
    assert out == ""
    assert word in err
    assert err.count("\n") == 1


def test_plot_without_matplotlib_is_refused_at_once(monkeypatch, capfd):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(
        "chnorm_cli.cli.importlib.util.find_spec", lambda name: name != "matplotlib" or None
    )
    monkeypatch.setattr(depth, "run", lambda settings: pytest.fail("computed"))
    assert main(["lab", "depth", "--plot", "a.png"]) == 2
    assert "chnorm[lab]" in capfd.readouterr().err
