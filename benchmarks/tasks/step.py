"""What a step costs against the same network written plainly, and how long `--help` takes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from statistics import median

import torch
from torch import Tensor, nn

from benchmarks.measuring.contest import TO_BE_MEASURED
from benchmarks.measuring.options import Options
from benchmarks.measuring.pictures import CHECKOUT
from benchmarks.measuring.rows import OURS, Row
from benchmarks.tasks import plain
from chnorm_cli.device import choose_device
from chnorm_cli.fitting.descent import Descent
from chnorm_cli.fitting.optimizers import Optimizers
from chnorm_cli.fitting.recipes import PRIOR, RECORRUPT
from chnorm_cli.fitting.settings import Effort, GeneratorName
from chnorm_cli.generators.spec import DEFAULT_WIDTHS, GeneratorSpec, parameters

ROUNDS = 15  # of one step each, A B A B, so that a busy machine disturbs both alike
UNET_FEATURES = 6  # noise and first guess, three channels each

HELP = Row("step", "", "chnorm --help", "-", OURS)

Stepper = Callable[[], None]
Pair = Callable[[], tuple[Stepper, Stepper]]


def measure(options: Options) -> Iterator[Row]:
    yield from _unless_current(options, HELP, _help)
    device = choose_device(options.device)
    side = options.source.crop or 256
    pairs: dict[GeneratorName, Pair] = {
        GeneratorName.DECODER: lambda: _prior_pair(GeneratorName.DECODER, side, device),
        GeneratorName.HOURGLASS: lambda: _prior_pair(GeneratorName.HOURGLASS, side, device),
        GeneratorName.UNET: lambda: _unet_pair(device),
    }
    for name, pair in pairs.items():
        recipe = RECORRUPT[Effort.NORMAL]
        batch = f"{recipe.batch}×{recipe.crop}²"
        setting = f"step, {batch if name is GeneratorName.UNET else f'{side}²'}"
        row = Row("step", "", setting, str(name), OURS)

        def timed_pair(row: Row = row, pair: Pair = pair) -> Row:
            ours, theirs = _interleaved(*pair(), options.steps or ROUNDS, device)
            ratio = median(a / b for a, b in zip(ours, theirs, strict=True))
            detail = {"ratio": ratio, "plain_seconds": median(theirs), "rounds": len(ours)}
            return replace(row, seconds=median(ours), detail=detail)

        yield from _unless_current(options, row, timed_pair)


def _unless_current(options: Options, row: Row, measured: Callable[[], Row]) -> Iterator[Row]:
    if options.wants(row):
        yield row.noting(TO_BE_MEASURED) if options.dry else measured()


def _interleaved(
    ours: Stepper, theirs: Stepper, rounds: int, device: torch.device
) -> tuple[list[float], list[float]]:
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds + 2):
        for step, taken in zip((ours, theirs), times, strict=True):
            started = time.perf_counter()
            step()
            if device.type == "cuda":
                torch.cuda.synchronize()
            taken.append(time.perf_counter() - started)
    return times[0][2:], times[1][2:]  # the first two warm up


def _prior_pair(name: GeneratorName, side: int, device: torch.device) -> tuple[Stepper, Stepper]:
    widths, size = DEFAULT_WIDTHS[name], (side, side)
    target = torch.rand(1, 3, *size, device=device)
    if name is GeneratorName.DECODER:
        network, z = plain.decoder(3, size, widths)
    else:
        network, z = plain.hourglass(3, size)
    mine = GeneratorSpec(name, widths).build(channels=3, size=size).to(device)
    recipe = PRIOR[name]
    optimizers = Optimizers(mine, adam_lr=recipe.adam_lr, muon_lr=recipe.muon_lr)
    return _pair(mine, optimizers, network.to(device), z.to(device), target)


def _unet_pair(device: torch.device) -> tuple[Stepper, Stepper]:
    recipe = RECORRUPT[Effort.NORMAL]
    features = torch.rand(recipe.batch, UNET_FEATURES, recipe.crop, recipe.crop, device=device)
    target = torch.rand(recipe.batch, 3, recipe.crop, recipe.crop, device=device)
    spec = GeneratorSpec(GeneratorName.UNET, recipe.widths)
    mine = spec.build(channels=3, size=(recipe.crop, recipe.crop), inputs=UNET_FEATURES).to(device)
    optimizers = Optimizers(mine, adam_lr=recipe.adam_lr, muon_lr=recipe.muon_lr)
    theirs = plain.unet(UNET_FEATURES, 3, recipe.widths).to(device)
    return _pair(mine, optimizers, theirs, features, target)


def _pair(
    mine: nn.Module, optimizers: Optimizers, theirs: nn.Module, z: Tensor, target: Tensor
) -> tuple[Stepper, Stepper]:
    """Give one step of ours, guards and gradient norms included, and one of the plain network."""
    if parameters(mine) != parameters(theirs):
        raise ValueError(f"{parameters(mine)} and {parameters(theirs)} parameters: not one network")
    descent = Descent(mine, optimizers)
    fast = z.contiguous(memory_format=torch.channels_last)
    adam = torch.optim.Adam(theirs.parameters(), lr=0.01)

    def ours() -> None:
        descent.step(lambda: (mine(fast) - target).square().mean())

    def plainly() -> None:
        adam.zero_grad()
        nn.functional.mse_loss(theirs(z), target).backward()
        adam.step()

    return ours, plainly


def _help() -> Row:
    command = [sys.executable, "-X", "importtime", "-m", "chnorm_cli", "--help"]
    log = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stderr
    torch_free = not any(line.rsplit("|", 1)[-1].strip() == "torch" for line in log.splitlines())
    del command[1:3]
    times = []
    for _ in range(5):
        started = time.perf_counter()
        subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=True)
        times.append(time.perf_counter() - started)
    detail = {"imports_torch": not torch_free}
    return replace(HELP, seconds=median(times), detail=detail)
