"""The folders follow the equation: what may import what, what stays cheap, and how long a file may be."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "chnorm_cli"
FILES = sorted(PACKAGE.rglob("*.py"))

# Each part with the parts that it may import; file → Picture → Problem → fit → Solution → file.
ABOVE = {
    "images": set(),
    "noise": set(),
    "problems": {"noise"},
    "classical": {"noise", "problems"},
    "recorruption": {"noise", "problems", "classical"},
    "generators": set(),
    "device": set(),
    "memory": set(),
    "fitting": {"noise", "problems", "classical", "recorruption", "generators"},
    "restoration": {
        "noise",
        "problems",
        "classical",
        "recorruption",
        "generators",
        "fitting",
        "device",
        "memory",
    },
    "api": {"images", "fitting", "restoration"},
    "scaling": {"images", "noise", "problems", "fitting", "restoration", "device", "memory"},
    "terminal": {"images", "fitting", "scaling"},
}
ABOVE["commands"] = {*ABOVE} - {"api"}
ABOVE["lab"] = {*ABOVE} - {
    "api",
    "restoration",
}  # the paper's experiments, with commands of their own
ABOVE["cli"] = {*ABOVE}
ABOVE["waiting"] = set()
ABOVE["__init__"] = {"api", "waiting"}
ABOVE["__main__"] = {"cli", "waiting"}

# Names and settings without torch, which even the command line may import at its start.
LIGHT = [
    "chnorm_cli",
    "chnorm_cli.cli",
    "chnorm_cli.fitting.settings",
    "chnorm_cli.fitting.solution",
    "chnorm_cli.fitting.budget",
    "chnorm_cli.generators.names",
    "chnorm_cli.noise.names",
    "chnorm_cli.problems.names",
]
HEAVY = {"torch", "scipy", "skimage", "matplotlib"}

# What each part may use besides Python, numpy and chnorm itself.
LIBRARIES = {
    "images": {
        "PIL",
        "imagecodecs",
        "tifffile",
        "scipy",
        "astropy",
        "pillow_heif",
        "zarr",
    },
    "noise": {"torch", "scipy"},
    "problems": {"torch"},
    "classical": {"torch", "skimage", "scipy"},
    "recorruption": {"torch", "PIL"},
    "generators": {"torch"},
    "device": {"torch"},
    "memory": set(),
    "fitting": {"torch", "scipy"},
    "restoration": {"torch"},
    "api": set(),
}


def part_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path):
    """All modules that a file imports, anywhere in it, as dotted names."""
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            if node.module == "chnorm_cli":  # from chnorm_cli import api
                yield from (f"chnorm_cli.{alias.name}" for alias in node.names)
            else:
                yield node.module


def identity(path):
    return str(path.relative_to(PACKAGE))


every_file = pytest.mark.parametrize("path", FILES, ids=identity)


@every_file
def test_a_part_imports_only_parts_above_it(path):
    part = part_of(path)
    assert part in ABOVE, f"{part} has no place in the order yet: give it one here"
    used = {name.split(".")[1] for name in imports(path) if name.startswith("chnorm_cli.")}
    assert used - {part, "__version__"} <= ABOVE[part]


def test_the_order_has_no_circle():
    left = dict(ABOVE)
    while left:
        free = [part for part, above in left.items() if not above & (left.keys() - {part})]
        assert free, f"these import each other: {sorted(left)}"
        for part in free:
            del left[part]


@every_file
def test_the_mathematics_knows_nothing_of_terminals(path):
    part = part_of(path)
    roots = {name.split(".")[0] for name in imports(path)} - {"chnorm_cli", "numpy", "__future__"}
    foreign = roots - sys.stdlib_module_names
    assert "click" not in foreign  # Typer ships its own, or not
    if part in LIBRARIES:
        assert foreign <= LIBRARIES[part]
    if part not in ("cli", "commands", "lab"):
        assert "typer" not in foreign
    if part not in ("cli", "commands", "lab", "terminal"):
        assert "rich" not in foreign


def declared():
    """The modules of the dependencies in pyproject.toml, where the two names differ."""
    import re
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    modules = {"pillow": "PIL", "scikit-image": "skimage", "pillow-heif": "pillow_heif"}

    def named(lines):
        names = [re.match(r"[\w.-]+", line)[0].lower() for line in lines]
        return {modules.get(name, name) for name in names}

    return named(project["dependencies"]), named([line for e in extras.values() for line in e])


def test_what_is_imported_is_declared_and_what_is_declared_is_imported():
    needed, optional = declared()
    used = {name.split(".")[0] for path in FILES for name in imports(path)}
    foreign = used - sys.stdlib_module_names - {"chnorm_cli"}
    assert foreign <= needed | optional
    assert needed <= foreign


@pytest.mark.parametrize("module", LIGHT)
def test_importing_it_does_not_import_torch(module):
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert module.split(".", maxsplit=1)[0] in loaded
    assert not loaded & HEAVY


@every_file
def test_files_are_short(path):
    assert len(path.read_text().splitlines()) <= 320


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("*.py")), ids=lambda p: p.name)
def test_tests_are_short_too(path):
    assert len(path.read_text().splitlines()) <= 400


# Words, and what is tested through its user.
ELSEWHERE = {
    "noise": {"__init__"},
    "problems": {"__init__", "names", "problem"},
    "classical": {"__init__", "first_guess", "passes"},
    "recorruption": {"__init__"},
    "generators": {"__init__", "names"},
    "fitting": {"__init__", "settings", "solution"},
}


@pytest.mark.parametrize("name", [*ELSEWHERE])
def test_tests_mirror_the_modules(name):
    tested = {path.stem.removeprefix("test_") for path in (ROOT / "tests" / name).glob("test_*.py")}
    modules = {path.stem for path in (PACKAGE / name).glob("*.py")}
    assert tested <= modules
    assert modules - tested <= ELSEWHERE[name]


def test_constraints_pin_everything_that_is_declared():
    import re

    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in pins)  # exact, nothing local
    names = {line.split("==")[0].lower() for line in pins}
    needed, _ = declared()
    modules = {"PIL": "pillow", "skimage": "scikit-image"}
    assert {modules.get(name, name) for name in needed} <= names
    assert names >= {"pytest", "pytest-timeout", "ruff", "mypy", "matplotlib"}


def test_ci_finds_its_command_in_readme():
    readme = ROOT / "README.md"
    if not readme.exists():
        pytest.skip("there is no README yet")
    lines = [line.removeprefix("$ ") for line in readme.read_text().splitlines()]
    commands = [line for line in lines if line.startswith("python3 -m venv .venv && ")]
    assert len(commands) == 2
    restore, test = commands
    assert "constraints.txt" in restore
    assert "constraints.txt" in test
    assert test.endswith(" -m pytest")
    picture = next(word for word in restore.split() if word.startswith("sample_images/"))
    assert (ROOT / picture).exists()
