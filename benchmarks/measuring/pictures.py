"""Where the pictures come from, what their set is called, and how they are cut."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

Pixels = np.ndarray  # float32 (H, W, C), nominal range [0, 1]

CHECKOUT = Path(__file__).parents[2]
BESIDE = CHECKOUT.parent / "shared" / "data"  # used where it exists
BUNDLED = ("astronaut", "chelsea", "coffee")  # what scikit-image brings without a download
SUFFIXES = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm", ".webp")
# What the subfolders beside the checkout hold of well-known sets.
WELL_KNOWN = {
    "denoise": "4 of CSet9",
    "superres": "Set5",
    "real": "5 of CC15",
    "microscopy": "2 of FMD",
    "inpaint": "DIP's masks",
}


@dataclass(frozen=True)
class Source:
    """Which pictures a run uses; `folder` None means those that scikit-image bundles."""

    folder: Path | None = None
    names: tuple[str, ...] = ()
    crop: int | None = None
    gray: bool = False
    called: str = ""  # the set's name, where the folder's is not it

    def dataset(self, *kinds: str) -> str:
        """Name the set that the pictures of some kinds are from, or the sets."""
        return " + ".join(dict.fromkeys(self._dataset(kind) for kind in kinds))

    def _dataset(self, kind: str) -> str:
        if self.called or self.folder is None:
            return self.called or "scikit-image"
        if not self.has(kind):
            return self.folder.resolve().name
        if self.folder.resolve() == BESIDE.resolve():
            return WELL_KNOWN.get(kind, kind)
        return f"{self.folder.resolve().name}/{kind}"

    def has(self, kind: str) -> bool:
        """Tell whether the folder has a subfolder for pictures of a kind."""
        return self.folder is not None and (self.folder / kind).is_dir()

    def kinds(self, *kinds: str) -> list[str]:
        """Give the kinds that are different pictures: one, where there are no subfolders."""
        return [kind for kind in kinds if self.has(kind)] or [kinds[0]]

    def pictures(self, kind: str) -> list[tuple[str, Pixels]]:
        """Give (name, pixels) of the pictures in the subfolder `kind`, or in the folder itself."""
        if self.folder is None:
            return [(name, self.cut(_bundled(name))) for name in BUNDLED if self.wants(name)]
        found = self._files(kind)
        names = [n for n in found if not n.endswith(("_mask", "_real", "_mean"))]
        return [(name, self.cut(read(found[name]))) for name in names if self.wants(name)]

    def masked(self) -> list[tuple[str, Pixels, np.ndarray]]:
        """Give (name, pixels, missing) for each X.png with an X_mask.png, whose white is known."""
        files = {} if self.folder is None else self._files("inpaint")
        found = []
        for mask in files:
            name = mask.removesuffix("_mask")
            if name != mask and name in files and self.wants(name):
                missing = self.cut(read(files[mask]))[..., 0] < 0.5
                found.append((name, self.cut(read(files[name])), missing))
        return [each for each in found if each[2].any()]

    def shot(self, kind: str = "real") -> list[tuple[str, Pixels, Pixels]]:
        """Give (name, noisy, truth) for each X_real, one shot, with an X_mean of many."""
        files = {} if self.folder is None else self._files(kind)
        names = [n.removesuffix("_real") for n in files if n.endswith("_real")]
        return [
            (n, self.cut(read(files[f"{n}_real"])), self.cut(read(files[f"{n}_mean"])))
            for n in names
            if f"{n}_mean" in files and self.wants(n)
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

    def _files(self, kind: str) -> dict[str, Path]:
        """Give the files of a kind by name, which is the path in the folder without the suffix."""
        assert self.folder is not None
        top = self.folder / kind if self.has(kind) else self.folder
        found = sorted(f for f in top.rglob("*") if f.suffix.lower() in SUFFIXES)
        return {f.relative_to(top).with_suffix("").as_posix(): f for f in found}


def default_folder() -> Path | None:
    return BESIDE if BESIDE.is_dir() else None


def read(path: Path) -> Pixels:
    from skimage.io import imread

    samples = imread(path)
    if samples.dtype.kind == "f" and not (samples.min() >= 0 and samples.max() <= 1):
        raise ValueError(f"{path} has floats outside [0, 1]: save it in 8 or 16 bits")
    return _unit(samples)


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
    most = {"u": lambda: np.iinfo(samples.dtype).max, "b": lambda: 1, "f": lambda: 1}
    pixels = samples.astype(np.float32) / np.float32(most[samples.dtype.kind]())
    if pixels.ndim == 2:
        return pixels[..., None]
    return pixels[..., : 3 if pixels.shape[2] >= 3 else 1]  # without alpha
