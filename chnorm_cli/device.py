"""The device a fit runs on; asked-for hardware that is missing is an error, never a silent fallback."""

from __future__ import annotations

import torch


class DeviceError(RuntimeError):
    """The asked-for device is not there; the message says why and what to do."""


def choose_device(name: str) -> torch.device:
    """Turn `auto`, `cpu`, `cuda` or `cuda:N` into a device that works; a GPU has its number."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cpu":
        return torch.device("cpu")
    if name.split(":", maxsplit=1)[0] != "cuda":
        raise ValueError(f"unknown device {name!r}: choose auto, cpu, cuda or cuda:N")
    if torch.version.cuda is None and getattr(torch.version, "hip", None) is None:
        raise DeviceError(
            f"device {name} is not available: this PyTorch ({torch.__version__}) was built without"
            " CUDA; install a CUDA build of torch or use --device cpu"
        )
    if not torch.cuda.is_available():
        raise DeviceError(
            f"device {name} is not available: PyTorch finds no working CUDA driver and GPU;"
            " check nvidia-smi or use --device cpu"
        )
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ValueError(f"unknown device {name!r}: choose auto, cpu, cuda or cuda:N") from None
    if device.index is None:
        return torch.device("cuda", torch.cuda.current_device())
    if device.index >= torch.cuda.device_count():
        raise DeviceError(
            f"device {name} is not available: there are {torch.cuda.device_count()} CUDA devices,"
            " counted from 0"
        )
    return device


def describe_device(device: torch.device) -> str:
    """Say the device for people, with the GPU's name."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)
