"""One picture in memory: pixels in the nominal range, and all that must come back with them."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from chnorm_cli.images.axes import Place
from chnorm_cli.images.compression import StoredJpeg
from chnorm_cli.images.errors import MaskError
from chnorm_cli.images.metadata import Metadata
from chnorm_cli.images.samples import FloatArray, SampleRule, apply_rule


class Depth(StrEnum):
    """How samples are stored: 8-bit or 16-bit integers, or 32-bit floats."""

    EIGHT = "8"
    SIXTEEN = "16"
    FLOAT = "float"


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as the restoration sees it.

    ``pixels`` is float32 (H, W, C), nominal [0, 1]: C = 1 (gray) or 3 (RGB), plus any number of
    ``extra`` channels that are no colours. ``alpha`` is float32 (H, W) in [0, 1], or None. ``missing`` marks
    (H, W) pixels that were not finite and hold their nearest finite neighbour, or is None. ``value_range`` is (offset, span) of the reversible rule of
    `samples`: stored = pixels · span + offset. It is (0, 1) but for float pictures with values
    outside [0, 1] and for integers other than 8 and 16 bits, which take (min, max − min); these
    are written as floats. ``stored`` keeps their samples, so that pixels that no restoration
    touches come back bit for bit. ``notes`` say what reading changed, ``lost`` what only the file
    holds. ``jpeg`` is the file as it came, where it is a JPEG. ``held`` counts the pictures of the file, and ``streamed`` says that they follow one
    another as files of their own do, and not as pages. ``place`` is where in a stack the page stands, None
    in files that know no stacks. ``missing_values`` (H, W, C) says of ``missing`` pixels which channels they lack,
    where some channels are no colours.
    """

    pixels: FloatArray
    alpha: FloatArray | None = None
    depth: Depth = Depth.EIGHT
    value_range: tuple[float, float] = (0.0, 1.0)
    metadata: Metadata = field(default_factory=Metadata)
    source_format: str = "png"
    name: str = "picture"
    stored: FloatArray | None = None
    notes: tuple[str, ...] = ()
    missing: NDArray[np.bool_] | None = None
    extra: int = 0
    lost: tuple[str, ...] = ()
    held: int = 1
    streamed: bool = False
    jpeg: StoredJpeg | None = None
    place: Place | None = None
    missing_values: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[2] - self.extra not in (1, 3):
            raise ValueError(f"pixels have shape {self.pixels.shape}, not (H, W, 1) or (H, W, 3)")
        if self.alpha is not None and self.alpha.shape != self.shape:
            raise ValueError(f"alpha has shape {self.alpha.shape}, the pixels {self.shape}")

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.pixels.shape[0], self.pixels.shape[1]

    def hidden(self) -> NDArray[np.bool_] | None:
        """Marks (H, W) pixels under full transparency; None where there are none.

        A picture transparent all over is taken as visible: there is nothing else to restore.
        """
        if self.alpha is None:
            return None
        hidden = np.asarray(self.alpha == 0)
        return hidden if hidden.any() and not hidden.all() else None

    def visible_pixels(self) -> FloatArray:
        """The pixels (H, W, C); below full transparency the colour of the nearest visible pixel.

        What lies there is often garbage, and a restoration would smear it over the visible edge.
        """
        hidden = self.hidden()
        if hidden is None:
            return self.pixels
        from scipy.ndimage import distance_transform_edt

        nearest = distance_transform_edt(hidden, return_distances=False, return_indices=True)
        filled: FloatArray = self.pixels[tuple(nearest)]
        return filled

    def with_pixels(self, pixels: NDArray[np.floating], scale: int = 1) -> "Picture":
        """The same picture with restored pixels (H·scale, W·scale, C).

        Alpha is resampled and the resolution multiplied by ``scale``; at scale 1 the colours below
        full transparency are the original ones.
        """
        expected = (self.shape[0] * scale, self.shape[1] * scale, self.pixels.shape[2])
        if pixels.shape != expected:
            raise ValueError(f"the new pixels have shape {pixels.shape}, not {expected}")
        pixels = np.asarray(pixels, np.float32)
        if self.missing is not None:
            return replace(self, missing=None).with_pixels(pixels, scale)
        if scale != 1:
            alpha = None if self.alpha is None else _enlarged(self.alpha, scale)
            metadata = self.metadata.scaled(scale)
            return replace(self, pixels=pixels, alpha=alpha, metadata=metadata, stored=None)
        hidden = self.hidden()
        if hidden is not None:
            pixels = np.where(hidden[..., None], self.pixels, pixels)
        return replace(self, pixels=pixels)

    def opaque(self) -> "Picture":
        """The picture without its alpha channel, for when alpha says which pixels are missing."""
        return replace(self, alpha=None)


def _enlarged(alpha: FloatArray, scale: int) -> FloatArray:
    """Resamples alpha bicubically, as the pixels are, and keeps it within [0, 1]."""
    if alpha.min() == alpha.max():
        return np.full((alpha.shape[0] * scale, alpha.shape[1] * scale), alpha[0, 0], np.float32)
    from PIL import Image

    size = alpha.shape[1] * scale, alpha.shape[0] * scale
    large = np.asarray(Image.fromarray(alpha).resize(size, Image.Resampling.BICUBIC), np.float32)
    return np.clip(large, 0, 1)


def stored_again(picture: Picture) -> FloatArray:
    """The pixels as float samples of the file, exactly those of the file where nothing changed."""
    offset, span = picture.value_range
    if (offset, span) == (0.0, 1.0):
        return picture.pixels
    samples = (picture.pixels.astype(np.float64) * span + offset).astype(np.float32)
    if picture.stored is None:
        return samples
    before = apply_rule(picture.stored, SampleRule(picture.stored.dtype, offset, span))
    return np.where(picture.pixels == before, picture.stored, samples)


def require_alpha(picture: Picture) -> FloatArray:
    """The alpha channel; raises MaskError where the picture has none."""
    if picture.alpha is None:
        raise MaskError(
            picture.name, "has no alpha channel to take the mask from", "give --mask FILE"
        )
    return picture.alpha
