"""The help teaches, and is there at once."""

import json
import subprocess
import sys

import pytest
from shell import command, environment

COMMANDS = ["denoise", "inpaint", "superres", "noise", "corrupt", "score", "devices"]


def test_help_loads_nothing_heavy():
    heavy = ("torch", "numpy", "skimage", "scipy", "matplotlib", "PIL")
    script = (
        "import sys; from chnorm_cli.cli import main; main(['--help']);"
        f"print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, check=False
    )
    assert done.stderr.decode().strip() == "[]"
    assert all(name.encode() in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_examples_come_first(inside, name, flag):
    done = inside(name, flag)
    assert done.returncode == 0
    text = done.stdout.decode()
    assert text.index(f"chnorm {name} ") < text.index("For example:") < text.index("─ Options")


def test_main_options_are_few_and_the_rest_is_in_groups(inside):
    text = inside("denoise", "-h").stdout.decode()
    main = text[text.index("─ Options") : text.index("─ Input")]
    assert sum(line.lstrip("│ ").startswith("--") for line in main.splitlines()) <= 7
    groups = ["Input", "Output", "Fit", "Generator", "Run"]
    places = [text.index(f"─ {group} ") for group in groups]
    assert places == sorted(places)


def test_help_survives_twenty_columns_and_another_encoding():
    for changes in ({"COLUMNS": "20"}, {"PYTHONIOENCODING": "latin-1"}):
        done = subprocess.run(
            [sys.executable, "-m", "chnorm_cli", "denoise", "-h"],
            env=environment(**changes), capture_output=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, b"")


def test_shell_completion_knows_generators_and_devices():
    for line, words in (
        ("chnorm denoise --generator h", "hourglass"),
        ("chnorm denoise --device c", "cuda"),
        ("chnorm in", "inpaint"),
    ):
        count = len(line.split()) - 1
        done = subprocess.run(
            [sys.executable, "-m", "chnorm_cli"],
            env=environment(
                _CHNORM_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(count)
            ),
            capture_output=True, check=False,
        )  # fmt: skip
        assert words.encode() in done.stdout


@pytest.mark.slow
def test_devices_tells_threads_and_memory(inside):
    found = json.loads(inside("devices", "--json").stdout)
    cpu = found["devices"][0]
    assert cpu["name"] == "cpu"
    assert cpu["threads"] >= 1
    assert cpu["memory"] > 0
    assert found["no_cuda"] or len(found["devices"]) > 1
    assert b"torch" in inside("devices").stdout


@pytest.mark.parametrize(
    ("asked", "spins"),
    [({}, "1000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "passive"}, "0")],
)
def test_threads_do_not_wait_for_each_other_long_but_as_asked(asked, spins, tmp_path):
    changes = {"OMP_WAIT_POLICY": None, "GOMP_SPINCOUNT": None, "OMP_DISPLAY_ENV": "verbose"}
    done = subprocess.run(
        command("devices", real=True),
        check=True,
        env=environment(**changes | asked),
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    if "GOMP_SPINCOUNT" not in done.stderr:
        pytest.skip("this torch was not built with GNU OpenMP")
    assert f"GOMP_SPINCOUNT = '{spins}'" in done.stderr
