"""Makes the truths, the mask and the JPEG of this folder; README.md has the `chnorm corrupt` commands for the rest."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage import data

HERE = Path(__file__).parent
SIDE = 192


def save(name: str, pixels: np.ndarray) -> None:
    """Write one picture beside this file."""
    Image.fromarray(pixels).save(HERE / name, optimize=True)


def halved(pixels: np.ndarray) -> np.ndarray:
    """A 2×2 mean, rounded: the sharpest small picture that holds no aliasing worth speaking of."""
    height, width, channels = pixels.shape
    blocks = pixels.reshape(height // 2, 2, width // 2, 2, channels)
    return np.uint8(np.rint(blocks.mean((1, 3))))


def scratches() -> Image.Image:
    """White where the picture is lost: scratches, a stain's edge and a line of writing."""
    large = Image.new("L", (4 * SIDE, 4 * SIDE))  # drawn large, so that the strokes have soft bends
    draw = ImageDraw.Draw(large)
    rng = np.random.default_rng(7)
    for _ in range(9):
        start, end = rng.uniform(0, 4 * SIDE, (2, 2))
        bend = (start + end) / 2 + rng.normal(0, 60, 2)
        t = np.linspace(0, 1, 40)[:, None]
        curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * bend + t**2 * end
        draw.line([tuple(p) for p in curve], fill=255, width=int(rng.integers(5, 15)))
    draw.arc((90, 420, 330, 660), 20, 320, fill=255, width=12)
    draw.text((40, 70), "only one picture", fill=255, font=ImageFont.load_default(88))
    small = np.asarray(large.reduce(4))
    return Image.fromarray(np.uint8(255 * (small >= 128)))


if __name__ == "__main__":
    save("astronaut.png", halved(data.astronaut()))
    save("coffee.png", halved(data.coffee())[4 : 4 + SIDE, 40 : 40 + SIDE])
    save("chelsea.png", np.ascontiguousarray(data.chelsea()[40:232, 112:368]))
    save("cell.png", np.ascontiguousarray(data.cell()[280:472, 334:526]))
    scratches().convert("1").save(HERE / "scratches.png", optimize=True)
    compressed = Image.open(HERE / "coffee.png")
    compressed.save(HERE / "coffee-compressed.jpg", quality=25, subsampling="4:2:0")
