"""Finished tiles in a folder beside the result, where a later run finds them, and other machines too."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chnorm_cli.scaling.failures import Failure

if TYPE_CHECKING:
    from chnorm_cli.restoration.tiles.joining import Joined

Floats = NDArray[np.float32]


class TileStore:
    """The folder: `plan.json` says what is restored and how, then what was learnt, and the tiles.

    Every file appears whole or not at all.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.folder = target.absolute().parent / f".chnorm-{target.name}.tiles"

    def begin(self, plan: Mapping[str, Any], *, resume: bool) -> None:
        """Make the folder, or take up one of the same plan; raise `Failure` for one of another."""
        text = json.dumps(plan, indent=1, sort_keys=True)
        place = self.folder / "plan.json"
        if not resume and self.folder.exists():
            self.remove()
        try:
            self.folder.mkdir(exist_ok=True)
            self._write_once(place, text.encode())
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise Failure(f"{self.folder}: no tiles can be kept there: {reason}") from error
        if place.read_text() != text:
            raise Failure(
                f"{self.folder}: its tiles are of another picture or of other options;"
                " leave --resume out to begin again"
            )

    @property
    def learnt(self) -> Path:
        """The file of what has been learnt."""
        return self.folder / "learnt.pt"

    @property
    def fit(self) -> dict[str, Any] | None:
        """What the report says of the fit; None before that is over."""
        place = self.folder / "fit.json"
        if not place.exists():
            return None
        told: dict[str, Any] = json.loads(place.read_text())
        return told

    def keep_learnt(self, work: bytes | None, fit: Mapping[str, Any]) -> None:
        """Keep what was learnt, unless another run was faster: all tiles are made of one."""
        if work is not None:
            self._write_once(self.learnt, work)
        self._write_once(self.folder / "fit.json", json.dumps(fit).encode())

    def held(self) -> Path:
        """The file of the pixels, where the picture cannot be read window by window."""
        return self.folder / "pixels.npy"

    def hold(self, pixels: Floats) -> None:
        """Keep pixels (H, W, C)."""
        if not self.held().exists():
            save(self.held(), pixels)

    def known(self) -> Path:
        """The file of the pixels to go by, where some are missing."""
        return self.folder / "known.npy"

    def hold_known(self, known: NDArray[np.bool_], notes: Sequence[str]) -> None:
        """Keep which pixels (H, W) to go by, and what a person should know of it."""
        self._write_once(self.folder / "notes.json", json.dumps(list(notes)).encode())
        if not self.known().exists():
            save(self.known(), known)

    @property
    def notes(self) -> list[str]:
        """What a person should know of the holes."""
        place = self.folder / "notes.json"
        return list(json.loads(place.read_text())) if place.exists() else []

    def tile(self, number: int) -> Path:
        """The file of one tile."""
        return self.folder / f"tile-{number:06d}.npy"

    def finished(self, count: int) -> set[int]:
        """The numbers of the finished tiles."""
        return {number for number in range(count) if self.tile(number).exists()}

    def joined(self, size: tuple[int, int], side: int, scale: int = 1) -> Joined:
        """Give the whole of scale·(H, W) pixels, of which windows are read as they are needed."""
        from chnorm_cli.restoration.tiles.joining import Joined

        return Joined(size, side, scale, lambda number: np.load(self.tile(number), mmap_mode="r"))

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write_once(self, place: Path, data: bytes) -> None:
        """Write a file unless it is there: whoever comes first among several processes."""
        part = place.with_name(f".{os.urandom(8).hex()}.part")
        part.write_bytes(data)
        try:
            os.link(part, place)
        except FileExistsError:
            pass
        except OSError:  # a file system without links
            if not place.exists():
                part.replace(place)
        finally:
            part.unlink(missing_ok=True)


def save(place: Path, array: NDArray[Any]) -> None:
    """Write an array so that it is there whole or not at all."""
    part = place.with_name(f".{os.urandom(8).hex()}.part")
    with part.open("wb") as file:
        np.save(file, array)
    part.replace(place)
