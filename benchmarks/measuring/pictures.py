"""Where the pictures come from, and how they are cut."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

Pixels = np.ndarray  # float32 (H, W, C), nominal range [0, 1]

CHECKOUT = Path(__file__).parents[2]
BESIDE = CHECKOUT.parent / "shared" / "data"  # used where it exists
BUNDLED = ("astronaut", "chelsea", "coffee")  # what scikit-image brings without a download


@dataclass(frozen=True)
class Source:
    """Which pictures a run uses; `folder` None means those that scikit-image bundles."""

    folder: Path | None = None
    names: tuple[str, ...] = ()
    crop: int | None = None
    gray: bool = False
    kind: str = "real"  # the subfolder of shots beside the mean of many

    def pictures(self, kind: str) -> list[tuple[str, Pixels]]:
        """Give (name, pixels) of the pictures in the subfolder `kind`, or in the folder itself."""
        if self.folder is None:
            return [(name, self.cut(_bundled(name))) for name in BUNDLED if self.wants(name)]
        files = [f for f in self._files(kind) if not f.stem.endswith(("_mask", "_real", "_mean"))]
        return [(f.stem, self.cut(read(f))) for f in files if self.wants(f.stem)]

    def masked(self) -> list[tuple[str, Pixels, np.ndarray]]:
        """Give (name, pixels, missing) for each X.png with an X_mask.png, whose white is known."""
        if self.folder is None:
            return []
        masks = [f for f in self._files("inpaint") if f.stem.endswith("_mask")]
        found = []
        for mask in masks:
            name = mask.stem.removesuffix("_mask")
            if self.wants(name):
                missing = self.cut(read(mask))[..., 0] < 0.5
                found.append((name, self.cut(read(mask.with_stem(name))), missing))
        return [each for each in found if each[2].any()]

    def shot(self) -> list[tuple[str, Pixels, Pixels]]:
        """Give (name, noisy, truth) for each X_real.png, one shot, with an X_mean.png of many."""
        if self.folder is None:
            return []
        shots = [f for f in self._files(self.kind) if f.stem.endswith("_real")]
        names = [(f, f.stem.removesuffix("_real")) for f in shots]
        return [
            (name, self.cut(read(f)), self.cut(read(f.with_stem(f"{name}_mean"))))
            for f, name in names
            if self.wants(name)
        ]

    def wants(self, name: str) -> bool:
        """Tell whether a picture was asked for: by its name or a part of it."""
        return not self.names or any(wanted.lower() in name.lower() for wanted in self.names)

    def cut(self, pixels: Pixels) -> Pixels:
        """Give the centre crop, and the first channel only where gray is asked for."""
        if self.crop:
            height, width = (min(self.crop, side) for side in pixels.shape[:2])
            top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
            pixels = pixels[top : top + height, left : left + width]
        return np.ascontiguousarray(pixels[..., :1] if self.gray else pixels)

    def words(self) -> str:
        """Say what was done to the pictures, for the setting of a row."""
        crop = f", crop {self.crop}" if self.crop else ""
        return crop + (", gray" if self.gray else "")

    def _files(self, kind: str) -> list[Path]:
        assert self.folder is not None
        inner = self.folder / kind
        files = (inner if inner.is_dir() else self.folder).iterdir()
        return sorted(f for f in files if f.suffix.lower() in (".png", ".tif", ".jpg"))


def default_folder() -> Path | None:
    return BESIDE if BESIDE.is_dir() else None


def read(path: Path) -> Pixels:
    from skimage.io import imread

    return _unit(imread(path))


def save(path: Path, *pixels: Pixels) -> None:
    """Write pictures side by side as one 8-bit PNG."""
    from PIL import Image

    row = np.concatenate([np.repeat(p, 3 // p.shape[2], axis=2) for p in pixels], axis=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.rint(row.clip(0, 1) * 255).astype(np.uint8)).save(path)


def _bundled(name: str) -> Pixels:
    import skimage.data

    return _unit(getattr(skimage.data, name)())


def _unit(samples: np.ndarray) -> Pixels:
    pixels = samples.astype(np.float32) / np.iinfo(samples.dtype).max
    return pixels[..., None] if pixels.ndim == 2 else pixels[..., :3]
