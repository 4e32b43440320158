"""The picture itself in the terminal: two pixels per letter, in 24-bit colour."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rich.color import Color
from rich.style import Style
from rich.text import Text

if TYPE_CHECKING:
    import numpy as np

    from chnorm_cli.scaling.course import Course
    from chnorm_cli.scaling.tiles.tiled_course import TiledCourse

LEAST_PAUSE = 3.0  # seconds between two looks
SHARE = 0.05  # of the time goes into looking, at most


class Preview:
    """Asks a running course for its best picture now and then, and draws it small."""

    def __init__(self, course: Course | TiledCourse, *, columns: int, rows: int) -> None:
        self.drawn: Text | None = None
        self._course = course
        self._columns = columns
        self._rows = rows
        self._next_look = 0.0

    def look(self) -> None:
        """Draw the best picture so far, if it is time; called between two steps."""
        start = time.monotonic()
        if start < self._next_look or self._course.restoration is None:
            return
        solution = self._course.restoration.best_so_far()
        if solution is not None:
            self.drawn = draw_picture(solution.pixels, columns=self._columns, rows=self._rows)
        cost = time.monotonic() - start
        self._next_look = time.monotonic() + max(LEAST_PAUSE, cost / SHARE)


def draw_picture(pixels: np.ndarray[Any, np.dtype[np.float32]], *, columns: int, rows: int) -> Text:
    """Return (H, W, C) pixels as upper half blocks whose two colours are two pixels."""
    import numpy as np
    from PIL import Image

    colour = pixels if pixels.shape[2] >= 3 else np.repeat(pixels[:, :, :1], 3, axis=2)
    eight_bit = (np.clip(colour[:, :, :3], 0, 1) * 255 + 0.5).astype(np.uint8)
    height, width = eight_bit.shape[:2]
    shrink = min(columns / width, 2 * rows / height)
    size = (max(1, round(width * shrink)), max(2, round(height * shrink) // 2 * 2))
    small = np.asarray(Image.fromarray(eight_bit).resize(size, Image.Resampling.BOX))
    text = Text(no_wrap=True, overflow="crop", end="")
    for upper, lower in zip(small[::2], small[1::2], strict=True):
        for above, below in zip(upper, lower, strict=True):
            style = Style(
                color=Color.from_rgb(*map(float, above)), bgcolor=Color.from_rgb(*map(float, below))
            )
            text.append("▀", style)
        text.append("\n")
    return text
