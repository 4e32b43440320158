"""What a peer is: its name, the tasks that it does, what it must be told, and where it is found."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from torch import Tensor

from benchmarks.measuring.contest import Result
from benchmarks.measuring.pictures import Pixels
from benchmarks.measuring.scores import Score, Scorer
from chnorm_cli.noise.level import Level

SIGMA = "σ"  # the true root mean square of the noise
LAW = "the law"  # how strong the noise is at each brightness
NOTHING = ""


@dataclass(frozen=True)
class Watch:
    """How a peer that works for hours is watched, and when it is stopped."""

    score: Scorer = field(default=lambda x: Score())
    shape: tuple[int, ...] = ()  # of the answer
    forward: Callable[[Tensor], Tensor] = field(default=lambda x: x)  # what was done to it
    device: str = "cpu"
    steps: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Seen:
    """A corrupted picture, float32 (H, W, C) of nominal range [0, 1], and what may be told of it.

    A peer uses what it says that it is told, and nothing else. Ours is told none of it.
    """

    y: Pixels
    sigma: float | None = None  # in units of y
    level: Level | None = None
    missing: np.ndarray | None = None  # (H, W), true where nothing was observed
    scale: int = 1  # the answer is that many times as large
    threads: int = 1
    folder: Path | None = None  # of the checkout, where the peer is one
    watch: Watch = field(default_factory=Watch)


@dataclass(frozen=True)
class Checkout:
    """A peer that no package index has: a file of a repository that people have on their disks."""

    file: str
    source: str

    def why_not(self, name: str, folder: Path | None) -> str:
        """Say what is lacking, or nothing."""
        if folder is None:
            return f"give a checkout of {self.source} with --peer-path {name}=DIR"
        if not (folder / self.file).is_file():
            return f"{folder} has no {self.file}: is it a checkout of {self.source}?"
        return ""


@dataclass(frozen=True)
class Peer:
    """A method that is measured beside ours.

    `restore` gives the restored pixels, (H, W, C) or for gray pictures (H, W), or a `Result` where
    it keeps the time itself.
    """

    name: str
    tasks: set[str]  # of denoise, noise, jpeg, inpaint, superres
    restore: Callable[[Seen], Pixels | Result]
    told: str = NOTHING
    module: str = ""  # what it imports …
    package: str = ""  # … and what that is called in the package index, if otherwise
    checkout: Checkout | None = None
    takes: Callable[[Seen], bool] = lambda seen: True  # whether it can do with such a picture
    unasked: bool = True  # False: it is so slow, or so far behind, that it waits to be named

    def why_not(self, folder: Path | None = None) -> str:
        """Say in a few words why it is not there; nothing where it is."""
        if self.checkout is not None:
            return self.checkout.why_not(self.name, folder)
        if self.module and find_spec(self.module) is None:
            return f"pip install {self.package or self.module}"
        return ""

    def version(self, folder: Path | None = None) -> str:
        """Say which version it is, as a package or as a commit."""
        if folder is not None:
            asked = ["git", "-C", str(folder), "rev-parse", "--short=8", "HEAD"]
            found = subprocess.run(asked, capture_output=True, text=True, check=False)
            return f"{self.name} {found.stdout.strip()}" if found.returncode == 0 else self.name
        try:
            name = self.package or self.module
            return f"{name} {version_of(name)}" if name else ""
        except PackageNotFoundError:
            return ""

    def can_use(self, seen: Seen) -> bool:
        """Tell whether all is known that it must be told, and it takes such pictures."""
        known = {SIGMA: seen.sigma, LAW: seen.level}
        return (self.told == NOTHING or known[self.told] is not None) and self.takes(seen)
