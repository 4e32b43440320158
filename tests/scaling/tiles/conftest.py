"""What the tests of pictures in kept tiles have in common."""

import pytest

from chnorm_cli.noise import finding
from chnorm_cli.restoration.tiles import from_parts


@pytest.fixture
def learning_from_small_parts(monkeypatch):
    """Let a picture of a few hundred pixels have parts to learn from, as a large one has."""
    monkeypatch.setattr(from_parts, "PART", 40)
    for module in (finding, from_parts):
        monkeypatch.setattr(module, "WINDOW", 32)
        monkeypatch.setattr(module, "WINDOWS", 2)
