"""deepinv's deep image prior, watched from outside: its own loop, generator and settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.measuring.contest import Contender, NotInstalledError, Result
from benchmarks.measuring.curve import Curve
from benchmarks.measuring.options import Options
from benchmarks.measuring.pictures import Pixels
from benchmarks.measuring.scores import Scorer
from benchmarks.peers import to_pixels, to_tensor
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


def contenders(
    options: Options,
    y: Pixels,
    score: Scorer,
    shape: tuple[int, ...],
    forward: Callable[[Tensor], Tensor] = lambda x: x,
) -> list[Contender]:
    """Give the deep image prior as a contender where it was asked for by name: it takes hours."""
    if not options.wants_peer("dip", unasked=False):
        return []
    effort = f"{options.steps} steps" if options.steps else ""  # not its defaults: not its name
    return [Contender("dip", lambda: deep_image_prior(options, y, score, shape, forward), effort)]


def deep_image_prior(
    options: Options,
    y: Pixels,
    score: Scorer,
    shape: tuple[int, ...],
    forward: Callable[[Tensor], Tensor],
) -> Result:
    """Run DeepImagePrior(ConvDecoder) with deepinv's defaults: 256 channels, 7 layers, 2500 steps.

    The picture it gives is that of the last step; `best` in the detail is the best it ever had,
    which nobody without the truth could have picked.
    """
    prior, decoder = _deepinv()
    device = choose_device(options.device)
    torch.manual_seed(0)
    curve = Curve()
    last: list[Pixels] = []

    def see(x: Tensor) -> None:
        last[:] = [to_pixels(x[0])]
        curve.look(lambda: score(last[0]).psnr or 0.0)
        if options.peer_time and curve.seconds > options.peer_time:
            raise TimeIsUpError

    generator = Watched(decoder(img_size=(shape[2], *shape[:2])), see).to(device)
    steps = {"iterations": options.steps} if options.steps else {}
    model = prior(generator, img_size=(256, 4, 4), **steps)
    try:
        model(to_tensor(y)[None].to(device), Physics(forward))
        outcome = "steps"
    except TimeIsUpError:
        outcome = "time"
    detail = {"outcome": outcome, **curve.summary()}
    return Result(last[0], curve.seconds, len(curve.points), detail)


def _deepinv() -> tuple[Any, Any]:
    try:
        import torchvision  # noqa: F401 (deepinv imports it first thing)
    except ImportError as error:
        raise NotInstalledError("deepinv or its torchvision is not installed") from error
    except RuntimeError:
        # A torchvision built for CUDA cannot load its C++ operators beside a CPU torch and then
        # fails on their declarations. None of them is used here, so declared they are enough.
        _declare_torchvision_operators()
    try:
        from deepinv.models import ConvDecoder, DeepImagePrior
    except ImportError as error:
        raise NotInstalledError("deepinv is not installed") from error
    return DeepImagePrior, ConvDecoder


def _declare_torchvision_operators() -> None:
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _KEPT.append(library)  # its declarations live as long as it does


_KEPT: list[torch.library.Library] = []
