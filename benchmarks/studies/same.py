"""Rows of older code that gives the same pictures, bit for bit, count for the code as it is.

    python -m benchmarks.studies.same HEAD~2

A change of names or comments makes all rows look old. This restores the crops of `benchmarks.quality`
with the code of that revision and with the code as it is, on this machine, and compares every value.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measuring.machine import code_digest
from benchmarks.measuring.pictures import CHECKOUT
from benchmarks.measuring.rows import RESULTS, read, write
from benchmarks.quality import SIDES, TASKS, crop, crops
from benchmarks.reporting.sizes import FOLDER as SIZES


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("revision", nargs="?", help="of git, whose rows are to count")
    asked = parser.parse_args()
    if asked.revision is None:  # a process of the comparison
        print(*fingerprints(), sep="\n")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        older = Path(folder) / "older"
        _git("worktree", "add", "--detach", str(older), asked.revision)
        try:
            before, now = code_digest(older), code_digest()
            pictures = [_fingerprints_of(checkout) for checkout in (older, CHECKOUT)]
        finally:
            _git("worktree", "remove", "--force", str(older))
    others = [a for a, b in zip(*pictures, strict=True) if a != b]
    if others:
        print(f"{len(others)} of {len(pictures[0])} crops are restored otherwise: {others[0]}")
        return 1
    print(f"{counted(before, now)} runs of {before} count for {now}")
    return 0


def fingerprints() -> Iterator[str]:
    """Give a line for each task and crop, with a digest of the restored values."""
    import torch

    torch.set_num_threads(1)
    for task, prepared in TASKS.items():
        for picture in crops(task):
            restoration, _ = prepared(crop(picture, SIDES.get(task, 64)))
            for _ in restoration:
                pass
            values = restoration.solution.pixels.tobytes()
            yield f"{task}, {picture}: {hashlib.sha256(values).hexdigest()}"


def counted(before: str, now: str, folder: Path = RESULTS, sizes: Path = SIZES) -> int:
    """Let runs of code `before` count for `now`; say how many there were. A run keeps what it was."""
    count = 0
    for path in sorted(folder.glob("*.json")):
        runs = read(path)
        for run in runs:
            if run["code"] == before:
                run["code"], run["measured_with"] = now, run.get("measured_with", before)
                count += 1
        write(path, runs)
    for path in sorted(sizes.glob("*.json")):
        rows = json.loads(path.read_text())
        for row in rows:
            if row["code"] == before:
                row["code"], row["measured_with"] = now, row.get("measured_with", before)
                count += 1
        path.write_text(json.dumps(rows, indent=1) + "\n")
    return count


def _fingerprints_of(checkout: Path) -> list[str]:
    """Ask a process that has the program of `checkout`, and the benchmarks of this one."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "chnorm_cli").symlink_to(checkout / "chnorm_cli")
        path = os.pathsep.join([folder, str(CHECKOUT)])
        command = [sys.executable, "-P", "-m", "benchmarks.studies.same"]
        done = subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": path},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    return done.stdout.splitlines()


def _git(*words: str) -> None:
    subprocess.run(["git", "-C", str(CHECKOUT), *words], check=True, capture_output=True)


if __name__ == "__main__":
    raise SystemExit(main())
