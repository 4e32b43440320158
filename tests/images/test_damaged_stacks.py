"""300 mutated files with several pictures in them: pictures or one line, never anything else."""

import random

import pytest
from stack_files import CHANNELS, SEVERAL, SINGLE, STACKS
from test_damaged_files import attempt

from chnorm_cli.cli import main

FORMS = {f"{name}.tif": data for name, data in (STACKS | CHANNELS).items()}
FORMS |= SEVERAL | {"a.avif": SINGLE["avif"]}
EACH = 12  # mutations: more than 300 files in all
THROUGH_A_COMMAND = 3


def mutated(data, seed):
    """Truncates, flips bytes (half of the time in the header), or changes digits of the text."""
    dice = random.Random(seed)
    broken = bytearray(data)
    match seed % 3:
        case 0:
            return data[: dice.randrange(1, len(data))]
        case 1:
            end = dice.choice([len(data), min(len(data), 400)])
            for _ in range(dice.randint(1, 6)):
                broken[dice.randrange(end)] ^= dice.randint(1, 255)
        case 2:  # what descriptions state of pages, channels and sizes
            places = [at for at, byte in enumerate(data[:2000]) if 48 <= byte <= 57]
            for at in dice.sample(places, min(4, len(places))):
                broken[at] = dice.choice(b"0123456789")
    return bytes(broken)


def test_there_are_300():
    assert len(FORMS) * EACH >= 300


@pytest.mark.parametrize("name", FORMS)
def test_mutated_files(name, capfd):
    assert attempt(FORMS[name], name)
    for seed in range(EACH):
        attempt(mutated(FORMS[name], seed), name)
    assert "".join(capfd.readouterr()) == ""


@pytest.mark.parametrize("name", FORMS)
def test_exit_codes_and_files(name, tmp_path, capfd):
    source, out = tmp_path / name, tmp_path / "out.tif"
    for seed in range(100, 100 + THROUGH_A_COMMAND):
        source.write_bytes(mutated(FORMS[name], seed))
        limits = ("--page", "1", "--max-pixels", "1000000")
        code = main(["corrupt", str(source), "--noise", "1", "-o", str(out), *limits])
        words = capfd.readouterr().err
        assert code in (0, 1), words
        assert "Traceback" not in words
        assert "bug" not in words
        assert out.exists() == (code == 0)
        out.unlink(missing_ok=True)
        assert [path.name for path in tmp_path.iterdir()] == [name]
