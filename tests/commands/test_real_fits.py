"""The three tasks through the real thing: tiny pictures, few steps, one process each."""

import json
import os

import pytest
from shell import save

TASKS = {
    "denoise": ["--steps", 3],
    "inpaint": ["--mask", "m.png", "--steps", 3],
    "superres": ["--scale", 2, "--steps", 3],
}


@pytest.mark.parametrize("task", TASKS)
def test_each_task_restores_a_tiny_picture(chnorm, photo, tmp_path, task):
    # To denoise, black pixels among others are bad ones, which take no network to fill.
    holes = ["--missing", 0.2, "--mask-out", "m.png"] if task == "inpaint" else []
    made = chnorm("corrupt", "photo.png", "--noise", 20, *holes, "-o", "bad.png")
    assert made.returncode == 0
    done = chnorm(
        task, "bad.png", "-o", "good.png", "--json", "--progress", "json", "--effort", "fast",
        *TASKS[task], real=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    report = json.loads(done.stdout)
    scale = 2 if task == "superres" else 1
    assert report["output_size"] == [32 * scale, 24 * scale]
    assert report["steps"] >= 1
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert [event["event"] for event in events][-1] == "finished"
    step = next(event for event in events if event["event"] == "step")
    assert step["loss"] > 0
    assert step["gradient_norm"] > 0


@pytest.mark.slow
def test_same_seed_same_bytes_with_one_process_and_with_two(chnorm, tmp_path):
    for index in range(2):
        save(tmp_path / "in" / f"{index}.png", seed=index)
    results = []
    for jobs in (1, 2):
        done = chnorm(
            "denoise", "in", "-o", f"out{jobs}", "--jobs", jobs, "--threads", 1, "--steps", 3,
            "--effort", "fast", real=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        results.append([path.read_bytes() for path in sorted((tmp_path / f"out{jobs}").iterdir())])
    assert results[0] == results[1]


@pytest.mark.skipif(os.environ.get("CUDA_VISIBLE_DEVICES") not in (None, ""), reason="has a GPU")
def test_a_device_that_is_not_there_is_said_so(chnorm, photo):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    done = chnorm("denoise", "photo.png", "-o", "x.png", "--device", "cuda", "-q", real=True)
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert b"cuda" in done.stderr.lower()
