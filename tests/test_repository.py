"""The files for those who carry on are short, and agree with each other."""

import re
import tomllib
from pathlib import Path

import chnorm_cli

ROOT = Path(__file__).parents[1]


def test_the_version_is_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    cited = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert cited is not None
    assert cited[1] == project["version"] == chnorm_cli.__version__


def test_contributing_is_short_and_names_what_is_there():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    code = re.findall(r"```python\n.*?```\n", text, re.DOTALL)
    assert len(text.splitlines()) - sum(len(block.splitlines()) for block in code) <= 48
    for name in re.findall(r"`((?:[\w.-]+/)*[\w.-]+\.(?:py|md))`", text):
        assert any((folder / name).exists() for folder in (ROOT, ROOT / "chnorm_cli")), name
    for target in re.findall(r"\]\(([^)]+)\)", text):
        assert (ROOT / target).exists()


def test_changes_are_grouped():
    groups = re.findall(r"^### (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert groups == ["Added", "Changed", "Fixed"]
