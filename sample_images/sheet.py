"""Makes before-after.jpg and jpeg.jpg of README: runs the commands below, and lays out what they give.

`python sample_images/sheet.py` takes a minute or two; arguments are added to each command
(`--effort fast`), and `-o FILE` says where the sheet goes. With `--jpeg` it is jpeg.jpg.
"""

import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
SIDE, GAP = 192, 6

# Each picture with what restores it, and where its tile lies (x, y) in the picture that is made.
RESTORED = {
    "astronaut-noisy.png": ("denoise", (50, 0)),
    "coffee-scratched.png": ("inpaint --mask scratches.png", (0, 0)),
    "chelsea-small.png": ("superres --scale 4", (32, 0)),
    "cell-counts.png": ("denoise", (0, 0)),
}


COMPRESSED = "coffee-compressed.jpg"


def restored(name: str, command: str, options: list[str]) -> Image.Image:
    """Run one command on a picture of this folder and open what it made."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.png"
        words = [*shlex.split(command), name, *options, "-o", str(out)]
        subprocess.run([sys.executable, "-m", "chnorm_cli", *words], cwd=HERE, check=True)
        return Image.open(out).convert("RGB")


def sheet(options: list[str]) -> Image.Image:
    """Lay the pictures out, (2·SIDE, 4·SIDE): above as they are, below as they become."""
    page = Image.new("RGB", (4 * SIDE + 3 * GAP, 2 * SIDE + GAP), "white")
    for column, (name, (command, (x, y))) in enumerate(RESTORED.items()):
        after = restored(name, command, options)
        before = Image.open(HERE / name).convert("RGB").resize(after.size, Image.Resampling.NEAREST)
        for row, picture in enumerate((before, after)):
            tile = picture.crop((x, y, x + SIDE, y + SIDE))
            page.paste(tile, (column * (SIDE + GAP), row * (SIDE + GAP)))
    return page


def pair(options: list[str]) -> Image.Image:
    """Lay a JPEG out beside what it becomes, each pixel twice as wide and high."""
    before = Image.open(HERE / COMPRESSED).convert("RGB")
    after = restored(COMPRESSED, "denoise", options)
    width, height = (2 * n for n in before.size)
    page = Image.new("RGB", (2 * width + GAP, height), "white")
    for column, picture in enumerate((before, after)):
        large = picture.resize((width, height), Image.Resampling.NEAREST)
        page.paste(large, (column * (width + GAP), 0))
    return page


if __name__ == "__main__":
    arguments, make = sys.argv[1:], sheet
    target = HERE / "before-after.jpg"
    if "--jpeg" in arguments:
        arguments.remove("--jpeg")
        make, target = pair, HERE / "jpeg.jpg"
    if "-o" in arguments:
        place = arguments.index("-o")
        target = Path(arguments[place + 1])
        del arguments[place : place + 2]
    make(arguments).save(target, quality=92, subsampling=0)
