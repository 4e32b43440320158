"""The `prior` fit: how good, how soon, and how far below its best it stops."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import nn

from benchmarks.measuring.contest import Contender, Result, contest
from benchmarks.measuring.curve import Curve
from benchmarks.measuring.options import Options
from benchmarks.measuring.pictures import Pixels
from benchmarks.measuring.rows import OURS, Row, Subject
from benchmarks.measuring.scores import psnr, whole
from benchmarks.measuring.tensors import to_pixels, to_tensor
from benchmarks.tasks.denoise import noisy
from benchmarks.tasks.plain import deep_decoder
from chnorm_cli.device import choose_device
from chnorm_cli.fitting.settings import Effort, Fit, GeneratorName
from chnorm_cli.restoration import prepare_denoise

GENERATORS = (GeneratorName.DECODER, GeneratorName.HOURGLASS)
REFERENCE = "deep decoder k=64"
REFERENCE_STEPS = 1500  # at 256² and σ = 25 it is at its best about there
REFERENCE_AVERAGE = 0.99  # without an average of its output it is 1 dB worse


def measure(options: Options) -> Iterator[Row]:
    source = options.source
    for name, truth in source.pictures("denoise"):
        for sigma in options.sigmas:
            y = noisy(truth, sigma)
            setting = f"σ={sigma:g}{source.words()}"
            yield from contest(
                options,
                _contenders(options, y, truth),
                whole(truth),
                Subject("prior", source.dataset("denoise"), setting, name),
                pixels=truth.shape[0] * truth.shape[1],
            )


def _contenders(options: Options, y: Pixels, truth: Pixels) -> list[Contender]:
    chosen = options.generator
    generators = GENERATORS if chosen is GeneratorName.AUTO else (chosen,)
    found = [
        Contender(
            f"{OURS} {generator}",
            lambda e=effort, g=generator: _watched(options, e, g, y, truth),
            replace(options, fit=Fit.AUTO, generator=GeneratorName.AUTO).label(effort),
        )
        for generator in generators
        for effort in options.efforts
    ]
    if options.wants_peer("reference"):
        effort = f"{options.steps} steps" if options.steps else ""
        found.append(Contender(REFERENCE, lambda: _reference(options, y, truth), effort))
    return found


def _watched(
    options: Options, effort: Effort, generator: GeneratorName, y: Pixels, truth: Pixels
) -> Result:
    """Run ours and look at what it would give if it were interrupted, every few seconds."""
    settings = replace(options.settings(effort), fit=Fit.PRIOR, generator=generator)
    curve = Curve()
    restoration = prepare_denoise(y, settings=settings)
    due = 0.0
    for _ in restoration:
        if curve.seconds >= due:
            so_far = restoration.best_so_far()
            if so_far is not None:
                curve.look(lambda x=so_far.pixels: psnr(x, truth))
            due = curve.seconds + options.every
    solution = restoration.solution
    seconds, cpu = curve.seconds, curve.cpu
    returned = psnr(solution.pixels, truth)
    curve.look(lambda: returned)
    detail = {"outcome": solution.outcome.name.lower(), **curve.summary()}
    detail["below_best"] = detail["best"] - returned
    return Result(solution.pixels, seconds, cpu, solution.steps, detail)


def _reference(options: Options, y: Pixels, truth: Pixels) -> Result:
    """Fit the published shape the published way, with the average of its output."""
    device = choose_device(options.device)
    torch.manual_seed(0)
    curve = Curve()
    network, z = deep_decoder(y.shape[2], y.shape[:2], width=64)
    network, z, target = network.to(device), z.to(device), to_tensor(y)[None].to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    steps = options.steps or REFERENCE_STEPS
    average: torch.Tensor | None = None
    due = 0.0
    for _ in range(steps):
        optimizer.zero_grad()
        x = network(z)
        nn.functional.mse_loss(x, target).backward()
        optimizer.step()
        x = x.detach()
        average = x if average is None else torch.lerp(x, average, REFERENCE_AVERAGE)
        if curve.seconds >= due:
            shown = to_pixels(average[0])
            curve.look(lambda shown=shown: psnr(shown, truth))
            due = curve.seconds + options.every
    assert average is not None
    returned = to_pixels(average[0])
    seconds, cpu = curve.seconds, curve.cpu
    curve.look(lambda: psnr(returned, truth))
    return Result(returned, seconds, cpu, steps, curve.summary())
