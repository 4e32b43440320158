"""The help teaches, and is there at once."""

import inspect
import json
import re
import subprocess
import sys

import pytest
import typer.main
from shell import command, environment

from chnorm_cli.cli import build

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
    main = text[text.index("─ Options") : text.index("─ Many")]
    assert sum(line.lstrip("│ ").startswith("--") for line in main.splitlines()) <= 7
    groups = ["Many files", "Input", "Output", "Fit", "Generator", "Run"]
    places = [text.index(f"─ {group} ") for group in groups]
    assert places == sorted(places)


def every_command(group, path=()):
    yield path, group
    for name, command_ in getattr(group, "commands", {}).items():
        yield from every_command(command_, (*path, name))


PROGRAM = typer.main.get_command(build())
EVERY = [pytest.param(path, found, id=" ".join(path)) for path, found in every_command(PROGRAM)]


@pytest.mark.parametrize(("path", "found"), EVERY)
def test_help_at_eighty_columns(inside, monkeypatch, path, found):
    monkeypatch.setenv("COLUMNS", "80")
    lines = inside(*path, "-h").stdout.decode().splitlines()
    assert max(map(len, lines)) <= 80
    shown = [line for line in lines if not line.lstrip().startswith("Usage:")]
    assert [line for line in shown if re.search(r"<[^=]|bool|list\[", line)] == []
    # Words and choices stay whole: what was declared is found between spaces.
    words = {word for line in shown for word in line.split()}
    for parameter in found.params:
        if parameter.param_type_name == "option" and parameter.metavar:
            assert set(parameter.metavar.split()) <= words
        for choice in choices_of(parameter):
            assert any(re.search(rf"(^|\|){choice}(\||[ .,;]|$)", word) for word in words)
    # And lines of the description are not broken a second time.
    _, *described = inspect.cleandoc(found.help or "").split("\n\n")
    whole = {line.strip() for line in lines}
    assert {line.strip() for text in described for line in text.splitlines()} <= whole


def choices_of(parameter):
    kind = getattr(parameter, "type_descriptor", None) or parameter.type
    return getattr(kind, "choices", None) or ()


@pytest.mark.parametrize("name", ["denoise", "inpaint", "superres"])
def test_the_first_screen_holds_what_most_people_need(inside, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "80")
    text = inside(name, "-h").stdout.decode()
    screen = "\n".join(text.splitlines()[:40])
    wanted = ["For example:", "PICTURE", "-o", "--effort", "--time", "--device", "--recursive"]
    wanted += {"denoise": ["--sigma"], "inpaint": ["--mask"], "superres": ["--scale"]}[name]
    assert [word for word in wanted if word not in screen] == []
    rare = ["--generator", "--normalization", "--first-guess", "--stop", "--history"]
    assert [word for word in rare if word in screen] == []


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


def test_the_table_of_shared_options_is_that_of_the_program():
    from chnorm_cli.commands import aliases

    words = {"restoring": ["denoise", "inpaint", "superres"]}
    words["lab"] = [" ".join(path) for path, _ in every_command(PROGRAM) if len(path) > 1]
    told = {}
    for line in aliases.__doc__.splitlines():
        if line.startswith("| --") and not line.startswith("| ---"):
            options, commands, _ = (cell.strip() for cell in line.strip("|").split("|"))
            names = [n for word in commands.split(", ") for n in words.get(word, [word])]
            told |= {option: sorted(names) for option in options.split()}
    found = {}
    for path, command_ in every_command(PROGRAM):
        for parameter in () if hasattr(command_, "commands") else command_.params:
            for option in parameter.opts:
                if option.startswith("--"):
                    found.setdefault(option, []).append(" ".join(path))
    shared = {option: sorted(names) for option, names in found.items() if len(names) > 1}
    assert told == shared
