"""A damaged file given to a command ends with 0 or 1, one line, and nothing left behind."""

import random
from pathlib import Path

import pytest
from test_damaged_files import FILES

from chnorm_cli.cli import main

PLACES = 20  # of each format: a few hundred in all


def damaged(data, seed):
    """Truncates at a random place, or flips a few random bytes."""
    dice = random.Random(seed)
    if seed % 2:
        return data[: dice.randrange(len(data))]
    broken = bytearray(data)
    for _ in range(dice.randint(1, 8)):
        broken[dice.randrange(len(broken))] ^= dice.randint(1, 255)
    return bytes(broken)


@pytest.mark.parametrize("name", FILES)
def test_exit_codes_and_files(name, tmp_path: Path, capfdbinary):
    source = tmp_path / name
    for seed in range(PLACES):
        source.write_bytes(damaged(FILES[name], seed))
        out = tmp_path / "out.tif"
        code = main(
            ["corrupt", str(source), "--noise", "1", "-o", str(out), "--max-pixels", "1000000"]
        )
        words = capfdbinary.readouterr().err.decode()
        assert code in (0, 1), words
        assert "Traceback" not in words
        assert out.exists() == (code == 0)
        if code:
            assert str(name) in words
        out.unlink(missing_ok=True)
        assert [path.name for path in tmp_path.iterdir()] == [name]
