"""Dead leaves: drawn shapes that lie on top of each other, as leaves do on the ground.

They show nothing, yet have much of the statistics of photographs: edges as sharp as pixels allow,
corners, flat places and structures of every size, because the radii are distributed as r⁻³ (Lee,
Mumford & Huang, IJCV 2001). A network learns from them what a restored picture, which has lost
some of that, can no longer show it (Achddou, Gousseau & Ladjal, SSVM 2021).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torch import Tensor

FINER = 2  # drawn at twice the size and averaged, so that edges are antialiased
SMALLEST = (3.0, 30.0)  # radius in drawn pixels; its logarithm is drawn between these
LARGEST = 0.6  # radius as a share of the side
MOST_LEAVES = 1500
TEXTURED_FROM = 8.0  # radius in drawn pixels
CONTRAST = 0.12  # of a texture, at most, in units of the picture
SHADE = 0.2  # of a leaf from its middle to its rim, at most
TEXTURES = 14
SOFT = 0.3  # share of pictures that are a little out of focus


def dead_leaves(palette: Tensor, size: int, count: int, random: torch.Generator) -> list[Tensor]:
    """Draw `count` pictures (C, size, size) in the colours of `palette` (C, P)."""
    textures = _textures(size * FINER, random)
    return [_drawn(palette, size, textures, random) for _ in range(count)]


def _drawn(palette: Tensor, size: int, textures: Tensor, random: torch.Generator) -> Tensor:
    """Draw one picture: leaves as polygons, each with a colour and perhaps a texture or a shade."""
    side = size * FINER
    smallest = math.exp(_between(math.log(SMALLEST[0]), math.log(SMALLEST[1]), random))
    largest = max(LARGEST * side, 2 * smallest)
    radii = _radii(smallest, largest, side, random)
    count = len(radii)
    middles = side * torch.rand(count, 2, generator=random)
    leaves = Image.new("I", (side, side), 0)
    draw = ImageDraw.Draw(leaves)
    for leaf, (radius, middle) in enumerate(zip(radii.tolist(), middles, strict=True), start=1):
        draw.polygon((middle + radius * _outline(random)).flatten().tolist(), fill=leaf)
    number = (
        torch.frombuffer(bytearray(leaves.tobytes()), dtype=torch.int32).view(side, side).long()
    )

    colour = palette[:, torch.randint(palette.shape[1], (count + 1,), generator=random)]
    textured = (torch.rand(count, generator=random) < 0.5) & (radii >= TEXTURED_FROM)
    contrast = CONTRAST * textured * torch.rand(count, generator=random)
    kind = torch.randint(len(textures), (count,), generator=random)
    shade = SHADE * textured * torch.rand(count, generator=random)
    angle = 2 * math.pi * torch.rand(count, generator=random)
    slope = torch.stack([angle.cos(), angle.sin()]) * shade / radii.clamp_min(TEXTURED_FROM)

    def on_each_pixel(of_leaf: Tensor) -> Tensor:  # (…, leaves) to (…, side, side)
        return F.pad(of_leaf, (1, 0))[..., number]

    rows, columns = torch.meshgrid(*[torch.arange(side)] * 2, indexing="ij")
    texture = textures[on_each_pixel(kind), rows, columns]
    light = on_each_pixel(contrast) * texture
    light += on_each_pixel(slope[0]) * (columns - on_each_pixel(middles[:, 0]))
    light += on_each_pixel(slope[1]) * (rows - on_each_pixel(middles[:, 1]))
    picture = F.avg_pool2d(colour[:, number] + light, FINER)
    if _between(0.0, 1.0, random) < SOFT:
        picture = _softened(picture, _between(0.0, 1.0, random))
    return picture


def _radii(smallest: float, largest: float, side: int, random: torch.Generator) -> Tensor:
    """Draw radii with density r⁻³, as many as cover the picture about once."""
    count = 0.2 * side**2 / (smallest**2 * math.log(largest / smallest))
    count = max(40, min(MOST_LEAVES, round(count)))
    share = torch.rand(count, generator=random)
    radii = (smallest**-2 + share * (largest**-2 - smallest**-2)).rsqrt()
    if _between(0.0, 1.0, random) < 0.5:  # small leaves on top
        radii = radii.sort(descending=True).values
    return radii


def _outline(random: torch.Generator) -> Tensor:
    """Give the corners (n, 2) of a leaf of radius one: an ellipse, a rectangle, or any polygon."""
    which = int(torch.randint(4, (), generator=random))
    flat = 1.0 if _between(0.0, 1.0, random) < 0.3 else _between(0.25, 1.0, random)
    if which < 2:
        corners = torch.linspace(0, 2 * math.pi, 49)[:-1]
    elif which == 2:
        corners = math.pi * torch.tensor([0.25, 0.75, 1.25, 1.75])
    else:
        number = int(torch.randint(3, 8, (), generator=random))
        corners = (2 * math.pi * torch.rand(number, generator=random)).sort().values
        flat = 1.0
    turn = _between(0.0, 2 * math.pi, random)
    x, y = corners.cos(), flat * corners.sin()
    return torch.stack(
        [x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)], 1
    )


def _textures(side: int, random: torch.Generator) -> Tensor:
    """Give textures (TEXTURES, side, side) of unit size: clouds of all roughnesses, and wavy stripes."""
    rows, columns = torch.meshgrid(*[torch.arange(float(side))] * 2, indexing="ij")
    made = []
    for index in range(TEXTURES):
        if index % 2:
            made.append(_cloud(side, _between(0.5, 2.0, random), random))
            continue
        period = _between(4.0, 28.0, random)
        angle = _between(0.0, math.pi, random)
        along = columns * math.cos(angle) + rows * math.sin(angle)
        waves = _between(0.0, 6.0, random) * _cloud(side, 2.0, random)
        stripes = (2 * math.pi / period * along + waves).sin()
        hard = _between(0.0, 1.0, random) < 0.5
        made.append(stripes.sign() * stripes.abs() ** 0.3 if hard else stripes)
    return torch.stack(made)


def _cloud(side: int, roll_off: float, random: torch.Generator) -> Tensor:
    """Give noise (side, side) whose spectrum falls as 1/fᵝ, of mean 0 and deviation 1."""
    down, right = torch.fft.fftfreq(side), torch.fft.rfftfreq(side)
    frequency = (down[:, None].square() + right.square()).sqrt()
    frequency[0, 0] = 1.0
    white = torch.randn(side, side, generator=random)
    noise = torch.fft.irfft2(torch.fft.rfft2(white) / frequency**roll_off, s=(side, side))
    normed: Tensor = (noise - noise.mean()) / noise.std()
    return normed


def _softened(picture: Tensor, width: float) -> Tensor:
    """Blur (C, H, W) by a Gaussian of standard deviation `width` pixels, below one."""
    reach = torch.arange(-3.0, 4.0)
    weights = torch.exp(-0.5 * (reach / max(width, 1e-3)).square())
    weights = (weights / weights.sum()).expand(len(picture), 1, 1, 7)
    padded = F.pad(picture[None], (3, 3, 3, 3), mode="replicate")
    rows = F.conv2d(padded, weights, groups=len(picture))
    return F.conv2d(rows, weights.mT, groups=len(picture))[0]


def _between(low: float, high: float, random: torch.Generator) -> float:
    return low + (high - low) * float(torch.rand((), generator=random))
