"""`chnorm devices`."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

from chnorm_cli.commands.aliases import AsJson
from chnorm_cli.scaling.failures import ExitCode


def devices(as_json: AsJson = False) -> ExitCode:
    """Show what chnorm can compute on, with threads and memory.

    For example:
      chnorm devices
      chnorm devices --json

    --device takes one of these names.
    """
    from chnorm_cli.commands.streams import write_json

    found = find_devices()
    if as_json:
        write_json({"schema": "chnorm.devices/1", **found})
        return ExitCode.OK
    for device in found["devices"]:
        threads = f"  {device['threads']} threads" if "threads" in device else ""
        memory = f"  {device['memory'] / 2**30:.1f} GiB" if device["memory"] else ""
        print(f"{device['name']:<8}{device['description']}{threads}{memory}")
    if found["no_cuda"]:
        print(f"no cuda: {found['no_cuda']}")
    print(f"torch {found['torch']}")
    return ExitCode.OK


def find_devices() -> dict[str, Any]:
    """Return what torch sees, and why there is no CUDA device if there is none."""
    import torch

    cpu = {
        "name": "cpu",
        "description": _processor(),
        "threads": torch.get_num_threads(),
        "memory": _memory(),
    }
    gpus = [
        {
            "name": f"cuda:{index}",
            "description": torch.cuda.get_device_name(index),
            "memory": torch.cuda.get_device_properties(index).total_memory,
        }
        for index in range(torch.cuda.device_count())
    ]
    reason = None
    if not gpus:
        built = torch.version.cuda is not None
        reason = "torch sees no CUDA device" if built else "this torch is built for CPUs only"
    return {"devices": [cpu, *gpus], "no_cuda": reason, "torch": torch.__version__}


def _processor() -> str:
    """The name of the processor, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _memory() -> int | None:
    """Physical memory in bytes."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
