"""Pictures without noise that a reading of noise is most easily mistaken in, as (C, H, W) in [0, 1]."""

import io

import numpy as np
import torch
from pictures import bundled
from PIL import Image, ImageDraw, ImageFont

SIDE = 256


def tensor(image):
    x = torch.from_numpy(np.array(image)).float() / 255
    return x[None] if x.ndim == 2 else x.movedim(-1, 0).contiguous()


def image(x):
    values = (255 * x).round().clamp(0, 255).byte()
    return Image.fromarray(values[0].numpy() if len(x) == 1 else values.movedim(0, -1).numpy())


def ramp(side=SIDE):
    return torch.linspace(0, 1, side)


def drawing(ground, ink, *, mode="RGB", count=60, width=1, seed=1, antialiased=True):
    """Random lines and ellipses on an even ground."""
    random = np.random.default_rng(seed)
    scale = 4 if antialiased else 1
    canvas = Image.new(mode, (SIDE * scale, SIDE * scale), ground)
    draw = ImageDraw.Draw(canvas)
    for i in range(count):
        box = [int(v) for v in random.integers(0, SIDE * scale, 4)]
        if i % 2:
            draw.line(box, ink, width * scale)
        else:
            left, right = sorted(box[::2])
            top, bottom = sorted(box[1::2])
            draw.ellipse([left, top, right, bottom], outline=ink, width=width * scale)
    return tensor(canvas.resize((SIDE, SIDE), Image.Resampling.BOX))


def text(ground=255, ink=0, mode="L", size=11, picture=None):
    canvas = image(picture) if picture is not None else Image.new(mode, (SIDE, SIDE), ground)
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(size)
    for row in range(4, SIDE, 2 * size):
        draw.text((6, row), "Every picture holds what it holds, 1234567890." * 2, ink, font)
    return tensor(canvas)


def screenshot(seed=3, *, shaded=False):
    """Windows, buttons and text."""
    random = np.random.default_rng(seed)
    canvas = Image.new("RGB", (SIDE, SIDE), (238, 238, 242))
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(10)
    for _ in range(14):
        left, top = (int(v) for v in random.integers(0, SIDE - 70, 2))
        colour = tuple(int(v) for v in random.integers(0, 256, 3))
        box = [left, top, left + int(random.integers(20, 120)), top + int(random.integers(12, 60))]
        draw.rectangle(box, colour, (90, 90, 90))
        draw.text((left + 4, top + 2), "OK Cancel file.txt", (20, 20, 20), font)
    x = tensor(canvas)
    return (x * (0.8 + 0.2 * ramp()) * 255).round() / 255 if shaded else x


def pixel_art(block=8, colours=6, seed=4):
    random = np.random.default_rng(seed)
    palette = random.integers(0, 256, (colours, 3)).astype(np.uint8)
    cells = random.integers(0, colours, (SIDE // block, SIDE // block))
    return tensor(np.kron(palette[cells], np.ones((block, block, 1), np.uint8)))


def chart():
    canvas = Image.new("RGB", (SIDE, SIDE), "white")
    draw = ImageDraw.Draw(canvas)
    random = np.random.default_rng(5)
    for i in range(0, SIDE, 32):
        draw.line([0, i, SIDE, i], (210, 210, 210))
    for colour in ((200, 30, 30), (30, 90, 200), (20, 150, 60)):
        heights = SIDE / 2 + np.cumsum(random.normal(0, 6, SIDE))
        draw.line([(x, float(h)) for x, h in enumerate(heights)], colour)
    return tensor(canvas)


def scatter():
    canvas = Image.new("RGB", (SIDE, SIDE), "white")
    draw = ImageDraw.Draw(canvas)
    for x, y in np.random.default_rng(6).normal(SIDE / 2, 50, (900, 2)):
        draw.ellipse([x - 2, y - 2, x + 2, y + 2], (40, 90, 190))
    return tensor(canvas)


def street_map():
    canvas = Image.new("RGB", (2 * SIDE, 2 * SIDE), (232, 228, 216))
    draw = ImageDraw.Draw(canvas)
    random = np.random.default_rng(7)
    for _ in range(12):
        corners = [tuple(map(int, p)) for p in random.integers(0, 2 * SIDE, (5, 2))]
        draw.polygon(corners, tuple(int(v) for v in random.integers(170, 235, 3)))
    for _ in range(50):
        ends = [int(v) for v in random.integers(0, 2 * SIDE, 4)]
        draw.line(ends, (255, 255, 255), 8)
        draw.line(ends, (180, 170, 150), 2)
    return tensor(canvas.resize((SIDE, SIDE), Image.Resampling.BOX))


def barcode():
    bars = np.repeat(np.random.default_rng(8).integers(0, 2, SIDE // 2), 2) * 255
    return tensor(np.tile(bars.astype(np.uint8), (SIDE, 1)))


def checkers(side, low=0, high=255):
    rows, columns = np.indices((SIDE, SIDE)) // side
    return tensor(np.where((rows + columns) % 2, high, low).astype(np.uint8))


def halftone(x, pitch, angle=0.6, soft=0.0):
    """Dots whose size says how dark x (1, H, W) is; with soft edges as a scanner sees them."""
    rows, columns = np.indices(x.shape[1:])
    a = (rows * np.cos(angle) + columns * np.sin(angle)) * 2 * np.pi / pitch
    b = (columns * np.cos(angle) - rows * np.sin(angle)) * 2 * np.pi / pitch
    screen = torch.from_numpy((2 + np.cos(a) + np.cos(b)) / 4).float()
    if soft:
        return ((((x - screen) / soft) + 0.5).clamp(0, 1) * 255).round() / 255
    return (x > screen).float()


def coloured_halftone(x, pitch):
    angles = (0.26, 1.31, 0.0)
    dots = [halftone(x[c : c + 1], pitch, angles[c], soft=0.3) for c in range(3)]
    return torch.cat(dots)


def ordered_dither(x, levels=2):
    two = np.array([[0, 2], [3, 1]])
    four = np.kron(np.ones((2, 2)), 4 * two) + np.kron(two, np.ones((2, 2)))
    bayer = torch.from_numpy((np.tile(four, (64, 64))[: x.shape[1], : x.shape[2]] + 0.5) / 16)
    return ((x * (levels - 1) + bayer.float()).floor().clamp(0, levels - 1)) / (levels - 1)


def paletted(x, colours, *, dither):
    kind = Image.Dither.FLOYDSTEINBERG if dither else Image.Dither.NONE
    few = image(x).convert("RGB").quantize(colours, dither=kind)
    if dither:  # the palette first, then the dots
        few = image(x).convert("RGB").quantize(colours, palette=few, dither=kind)
    return tensor(few.convert("RGB"))


def one_bit(x):
    return tensor(image(x).convert("L").convert("1").convert("L"))


def jpeg(x, quality):
    file = io.BytesIO()
    image(x).save(file, "JPEG", quality=quality)
    return tensor(Image.open(file))


def rendered():
    """A shaded sphere with a checkered floor."""
    rows, columns = torch.meshgrid(ramp(), ramp(), indexing="ij")
    r2 = (rows - 0.4) ** 2 + (columns - 0.5) ** 2
    normal = (0.09 - r2).clamp_min(0).sqrt() / 0.3
    sphere = 0.1 + 0.8 * (0.7 * normal + 0.5 * (0.5 - columns)).clamp(0, 1)
    floor = 0.35 + 0.3 * (((rows * 16).floor() + (columns * 16).floor()) % 2) * rows
    x = torch.where(r2 < 0.09, sphere, floor)
    return (torch.stack([x, 0.8 * x, 0.6 * x + 0.1]) * 255).round() / 255


def vignette():
    rows, columns = torch.meshgrid(ramp() - 0.5, ramp() - 0.5, indexing="ij")
    x = 1 - 0.9 * (rows**2 + columns**2)
    return (torch.stack([x, 0.9 * x, 0.7 * x]) * 255).round() / 255


def hatching():
    x = crop("camera")
    rows, columns = np.indices((SIDE, SIDE))
    lines = torch.from_numpy(0.5 + 0.5 * np.cos((rows + columns) * 2 * np.pi / 6)).float()
    return (((x - lines) * 2 + 0.5).clamp(0, 1) * 255).round() / 255


def crop(name, top=100, left=100):
    x = bundled(name)
    return x[:, top : top + SIDE, left : left + SIDE].contiguous()


def gradient(*, colour=False, rounded=True):
    rows, columns = torch.meshgrid(ramp(), ramp(), indexing="ij")
    x = torch.stack([rows, columns, 1 - rows])[: 3 if colour else 1]
    return (x * 255).round() / 255 if rounded else x


# Each without any noise, and what may be removed from it is nothing.
DRAWN = {
    "line art": lambda: drawing(255, 0, mode="L"),
    "line art, thick": lambda: drawing(255, 0, mode="L", width=4, count=24),
    "line art, not antialiased": lambda: drawing(255, 0, mode="L", antialiased=False),
    "line art, dense": lambda: drawing(255, 0, mode="L", count=300),
    "line art in colour": lambda: drawing((255, 255, 255), (180, 20, 90)),
    "thin lines on a tint": lambda: drawing((243, 232, 210), (80, 60, 50), count=200),
    "white on blue": lambda: drawing((20, 40, 120), (255, 255, 255), count=100),
    "text": text,
    "text, small": lambda: text(size=8),
    "text, large": lambda: text(size=24),
    "text, white on black": lambda: text(0, 255),
    "text on a tint": lambda: text((243, 232, 210), (60, 40, 20), "RGB"),
    "screenshot": screenshot,
    "screenshot, shaded": lambda: screenshot(shaded=True),
    "pixel art": pixel_art,
    "pixel art, small blocks": lambda: pixel_art(2, 16),
    "pixel art, tiny blocks": lambda: pixel_art(1, 4),
    "pixel art, 24 colours": lambda: pixel_art(4, 24),
    "chart": chart,
    "scatter plot": scatter,
    "map": street_map,
    "barcode": barcode,
    "checkers 1": lambda: checkers(1),
    "checkers 2": lambda: checkers(2),
    "checkers 3, gray": lambda: checkers(3, 90, 160),
    "checkers 16": lambda: checkers(16),
    "rendered": rendered,
    "vignette": vignette,
    "gradient": gradient,
    "gradient in colour": lambda: gradient(colour=True),
    "gradient, not rounded": lambda: gradient(rounded=False),
    "gradient, text on it": lambda: text(ink=255, picture=0.7 * gradient()),
}
DOTS = {
    "1-bit": lambda: one_bit(crop("camera")),
    "1-bit gradient": lambda: one_bit(gradient()),
    "1-bit in colour": lambda: torch.cat([one_bit(c[None]) for c in crop("astronaut")]),
    "ordered": lambda: ordered_dither(crop("camera")),
    "ordered, 4 levels": lambda: ordered_dither(crop("camera"), 4),
    "ordered, 16 levels": lambda: ordered_dither(crop("camera"), 16),
    "ordered gradient": lambda: ordered_dither(gradient()),
    "ordered in colour": lambda: ordered_dither(crop("coffee"), 6),
    "halftone 4": lambda: halftone(crop("camera"), 4),
    "halftone 6": lambda: halftone(crop("camera"), 6),
    "halftone 6, scanned": lambda: halftone(crop("camera"), 6, soft=0.4),
    "halftone 4, scanned": lambda: halftone(crop("camera"), 4, soft=0.8),
    "halftone 10, scanned": lambda: halftone(crop("camera"), 10, soft=0.3),
    "comic": lambda: coloured_halftone(crop("astronaut"), 6),
    "comic, fine": lambda: coloured_halftone(crop("coffee"), 4),
    "hatching": hatching,
    "GIF 16": lambda: paletted(crop("astronaut"), 16, dither=True),
    "GIF 64": lambda: paletted(crop("coffee"), 64, dither=True),
    "GIF 256": lambda: paletted(crop("chelsea", 20), 256, dither=True),
    "GIF 16 of a gradient": lambda: paletted(gradient(colour=True), 16, dither=True),
    "GIF 256 of a gradient": lambda: paletted(gradient(colour=True), 256, dither=True),
    "GIF 16, plain": lambda: paletted(crop("astronaut"), 16, dither=False),
    "GIF 64, plain": lambda: paletted(crop("coffee"), 64, dither=False),
    "GIF 256, plain": lambda: paletted(crop("chelsea", 20), 256, dither=False),
}
COMPRESSED = {
    **{f"JPEG 90, {name}": lambda make=make: jpeg(make(), 90) for name, make in DRAWN.items()},
    **{
        f"JPEG 95, {name}": lambda name=name: jpeg(crop(name, 20), 95)
        for name in ("astronaut", "camera", "coffee", "chelsea")
    },
}
PHOTOGRAPHS = {
    name: lambda name=name: crop(name, 20)
    for name in ("astronaut", "camera", "coffee", "chelsea", "rocket", "immunohistochemistry")
} | {"photograph, text on it": lambda: text(ink=(255, 255, 255), picture=crop("astronaut"))}
TEXTURES = {name: lambda name=name: crop(name) for name in ("grass", "gravel", "brick")}
