"""deepinv's deep image prior, watched from outside: its own loop, generator and settings.

DeepImagePrior(ConvDecoder) with all defaults: 256 channels, 7 layers, 2500 steps of Adam at 0.01.
The picture it gives is that of the last step; `best` in the detail is the best it ever had, which
nobody without the truth could have picked. Ulyanov, Vedaldi & Lempitsky, 2018.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.measuring.contest import NoResultError, Result
from benchmarks.measuring.curve import Curve
from benchmarks.measuring.pictures import Pixels
from benchmarks.measuring.tensors import to_pixels, to_tensor
from benchmarks.peers.peer import Peer, Seen
from chnorm_cli.device import choose_device


class TimeIsUpError(Exception):
    """The allowed time is over."""


@dataclass(frozen=True)
class Physics:
    """All that deepinv's loss asks of an operator: `A`."""

    A: Callable[[Tensor], Tensor]


class Watched(nn.Module):
    """A generator whose every output is seen; the time that seeing takes is not counted."""

    def __init__(self, generator: nn.Module, see: Callable[[Tensor], None]) -> None:
        super().__init__()
        self.generator = generator
        self.see = see

    def forward(self, z: Tensor) -> Tensor:
        """Generate, and show it."""
        x: Tensor = self.generator(z)
        self.see(x.detach())
        return x


def restore(seen: Seen) -> Result:
    prior, decoder = _deepinv()
    watch = seen.watch
    device = choose_device(watch.device)
    torch.manual_seed(0)
    curve = Curve()
    last: list[Pixels] = []

    def see(x: Tensor) -> None:
        last[:] = [to_pixels(x[0])]
        curve.look(lambda: watch.score(last[0]).psnr or 0.0)
        if watch.seconds and curve.seconds > watch.seconds:
            raise TimeIsUpError

    height, width, channels = watch.shape
    generator = Watched(decoder(img_size=(channels, height, width)), see).to(device)
    steps = {"iterations": watch.steps} if watch.steps else {}
    model = prior(generator, img_size=(256, 4, 4), **steps)
    try:
        model(to_tensor(seen.y)[None].to(device), Physics(watch.forward))
        outcome = "steps"
    except TimeIsUpError:
        outcome = "time"
    detail = {"outcome": outcome, **curve.summary()}
    return Result(last[0], curve.seconds, curve.cpu, len(curve.points), detail)


def _deepinv() -> tuple[Any, Any]:
    torchvision_ready()
    try:
        from deepinv.models import ConvDecoder, DeepImagePrior
    except ImportError as error:
        raise NoResultError(f"deepinv lacks a package: {error}") from error
    return DeepImagePrior, ConvDecoder


def torchvision_ready() -> None:
    """Import the torchvision that deepinv imports first thing."""
    try:
        import torchvision  # noqa: F401
    except ImportError as error:
        raise NoResultError("deepinv needs torchvision, which is not installed") from error
    except RuntimeError:
        # A torchvision built for CUDA cannot load its C++ operators beside a CPU torch and then
        # fails on their declarations. None of them is used here, so declared they are enough.
        _declare_torchvision_operators()


def _declare_torchvision_operators() -> None:
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _KEPT.append(library)  # its declarations live as long as it does


_KEPT: list[torch.library.Library] = []

PEER = Peer("dip", {"denoise", "inpaint", "superres"}, restore, module="deepinv", unasked=False)
