"""The work in tiles as a file, for other processes and later runs; to read one runs no code of its own."""

from __future__ import annotations

import io
from enum import Enum
from typing import Any, cast

import torch
from torch import nn

from chnorm_cli.classical.artefacts import CompressionErrors
from chnorm_cli.classical.passes import Combine, Pass
from chnorm_cli.fitting.learnt import Learnt
from chnorm_cli.fitting.prior import PriorRecipe
from chnorm_cli.fitting.recipes import Choice
from chnorm_cli.fitting.recorrupt import RecorruptRecipe
from chnorm_cli.fitting.settings import Effort, FirstGuess, Fit, FitSettings, Stop
from chnorm_cli.generators.channel_norm import Centering, ChannelNorm, Scaling
from chnorm_cli.generators.layers import Upsampling
from chnorm_cli.generators.names import GeneratorName, Normalization, NormalizationPlace
from chnorm_cli.generators.spec import GeneratorSpec
from chnorm_cli.generators.unet import UNet
from chnorm_cli.noise.cut_off import CutOff
from chnorm_cli.noise.gaussian import Noise
from chnorm_cli.noise.law import Law
from chnorm_cli.noise.level import Level
from chnorm_cli.noise.names import Doubt, Kind
from chnorm_cli.noise.stabilized import StabilizedNoise
from chnorm_cli.noise.stabilizer import Stabilizer
from chnorm_cli.problems.compression import Colours, Compression, Plane
from chnorm_cli.problems.jpeg import Jpeg
from chnorm_cli.problems.names import Kernel
from chnorm_cli.restoration.denoiser import Denoiser
from chnorm_cli.restoration.tiles.artefact_tiles import Uncompress
from chnorm_cli.restoration.tiles.tile_work import Denoise, Enlarge, Fill, FitPrior, TileWork
from chnorm_cli.restoration.tiles.tile_wrappers import (
    AsItIs,
    KeepObserved,
    Weighed,
    WithoutBadPixels,
)

WORKS = (
    *(Denoise, Fill, Enlarge, FitPrior, Uncompress),
    *(AsItIs, KeepObserved, Weighed, WithoutBadPixels),
)
# What the file may hold besides tensors and numbers.
KINDS: tuple[type[Any], ...] = (
    *WORKS,
    *(Jpeg, Compression, Plane, CompressionErrors),
    *(Denoiser, Learnt, Pass, Choice, FitSettings, PriorRecipe, RecorruptRecipe),
    *(Noise, StabilizedNoise, Stabilizer, CutOff, Law, Level, GeneratorSpec),
    *(UNet, ChannelNorm, Centering, Scaling),
    *(nn.Sequential, nn.ModuleList, nn.Conv2d, nn.ReLU, nn.LeakyReLU, nn.Identity),
)
WORDS: tuple[type[Enum], ...] = (
    *(Combine, Effort, FirstGuess, Fit, Stop, Upsampling, GeneratorName, Normalization),
    *(NormalizationPlace, Doubt, Kind, Kernel, Colours),
)


def packed(work: TileWork) -> bytes:
    """Give the work as bytes."""
    file = io.BytesIO()
    torch.save(work, file)
    return file.getvalue()


def unpacked(data: bytes, device: torch.device | str = "cpu") -> TileWork:
    """Give the work of `packed`; raises `ValueError` for bytes that hold anything else."""
    with torch.serialization.safe_globals([*KINDS, *WORDS]):
        try:
            work = torch.load(io.BytesIO(data), map_location=device, weights_only=True)
        except Exception as error:
            raise ValueError("what was learnt cannot be read again") from error
    if not isinstance(work, WORKS):
        raise ValueError("what was learnt cannot be read again")
    return cast(TileWork, work)
