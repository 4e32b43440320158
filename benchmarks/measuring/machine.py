"""What a measurement was made on: machine, versions, and the state of our code."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.measuring.pictures import CHECKOUT

PACKAGES = ("torch", "numpy", "scikit-image", "bm3d", "deepinv")
MATHEMATICS = (
    "noise",
    "problems",
    "classical",
    "recorruption",
    "generators",
    "fitting",
    "restoration",
)  # what decides a result


def describe_run(device: str) -> dict[str, Any]:
    """Say where and with what a run is made."""
    import torch

    from chnorm_cli.device import choose_device, describe_device

    return {
        "date": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "device": describe_device(choose_device(device)),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "versions": {"python": platform.python_version()} | _versions(),
        "code": code_digest(),
        "command": " ".join(Path(a).name if Path(a).is_absolute() else a for a in sys.argv[1:]),
    }


def place(run: dict[str, Any]) -> str:
    """Name a machine; only what was measured on the same is compared."""
    device = "" if run["device"] == "cpu" else f"{run['device']}, "
    return f"{device}{run['cpu']}, {run['cores']} cores"


def code_digest(checkout: Path = CHECKOUT) -> str:
    """Give a short digest of the code that decides a result, to tell old rows from new ones."""
    digest = hashlib.sha256()
    for folder in MATHEMATICS:
        for file in sorted((checkout / "chnorm_cli" / folder).rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:8]


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
