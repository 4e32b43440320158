"""Runs of older code count for the code as it is, and say with what they were measured."""

import json

from benchmarks.measuring.rows import Row, read, write
from benchmarks.studies import same


def test_runs_of_one_code_count_for_another(tmp_path):
    sizes = tmp_path / "sizes"
    sizes.mkdir()
    row = Row("denoise", "Set", "σ=25", "a", "chnorm", "fast", psnr=30.0)
    runs = [{"date": f"2026-0{n}-01", "code": code, "rows": [row]} for n, code in enumerate("abc")]
    write(tmp_path / "denoise.z80.json", runs)
    (sizes / "denoise.z80.json").write_text(json.dumps([{"code": "b"}, {"code": "c"}]))
    assert same.counted("b", "d", tmp_path, sizes) == 2
    assert [run["code"] for run in read(tmp_path / "denoise.z80.json")] == ["a", "d", "c"]
    assert json.loads((sizes / "denoise.z80.json").read_text())[0]["measured_with"] == "b"
    same.counted("d", "e", tmp_path, sizes)  # and what it was measured with stays
    assert read(tmp_path / "denoise.z80.json")[1]["measured_with"] == "b"


def test_restored_crops_have_fingerprints_that_repeat(monkeypatch):
    monkeypatch.setattr(same, "TASKS", {"white": same.TASKS["white"]})
    monkeypatch.setattr(same, "crops", lambda _: ["astronaut"])
    monkeypatch.setattr(same, "SIDES", {"white": 24})
    once = list(same.fingerprints())
    assert once == list(same.fingerprints())
    assert once[0].startswith("white, astronaut: ")
