"""The law of the noise in one picture: what is found once, and used by all that denoises."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from chnorm_cli.noise.cut_off import CutOff
from chnorm_cli.noise.gaussian import Noise
from chnorm_cli.noise.level import Level
from chnorm_cli.noise.names import Doubt, Kind
from chnorm_cli.noise.stabilized import StabilizedNoise
from chnorm_cli.noise.stabilizer import Stabilizer

DARK, LIGHT = 0.02, 0.98  # quantiles of the picture, between which a level is said
NARROW, WIDE = 0.4, 1.1  # of the nominal range; other pictures are judged in their own
BEYOND = 0.5  # of the nominal range, by which noise may take a picture beyond it


def is_nominal(low: float, high: float) -> bool:
    """Say whether a picture lies in [0, 1] and fills it, and is not judged in a range of its own."""
    return low >= -BEYOND and high <= 1.0 + BEYOND and high - low >= NARROW


@dataclass(frozen=True)
class Law:
    """The noise of a picture y (C, H, W), and the way to a picture z in which it is white and back.

        z = B t(y),     x̂ = E⁻¹(B⁺ ẑ + (1 − B⁺B) t(y))

    `noise` is that of z, `level` says how strong it is in y, and `low` and `high` between which
    brightnesses y lies; `stabilizer` is t and E (None where z is y), `mixing` B (C', C) takes apart noise
    that colours share; mixtures of them in which there is none are kept. `flat` (H, W) are pixels that say nothing and stay as they are. `cut_off` says
    where black and white end the noise, None where they do not.
    `doubt` says why there is nothing to remove, where that is so.
    """

    noise: Noise
    level: Level
    low: float = 0.0
    high: float = 1.0
    stabilizer: Stabilizer | None = None
    mixing: Tensor | None = None
    flat: Tensor | None = None
    doubt: Doubt | None = None
    cut_off: CutOff | None = None

    @property
    def sigma(self) -> float:
        """The standard deviation of the noise in y, over brightness and colours, in units of y."""
        x = torch.linspace(self.low, self.high, 65).expand(len(self.level.read), -1)
        return float(self.level.variance(x).mean().sqrt())

    @property
    def kind(self) -> Kind:
        """The name of such noise."""
        return self.level.kind

    def told(self, strength: float) -> Noise:
        """Give the noise as the filters are told it: more than all is taken out by taking it for stronger."""
        return replace(self.noise, sigma=self.noise.sigma * max(1.0, strength))

    def whitened(self, y: Tensor) -> Tensor:
        """Give z (C, H, W), whose noise is `noise`."""
        z = y if self.stabilizer is None else self.stabilizer.forward(y)
        return z if self.mixing is None else torch.einsum("ij,jhw->ihw", self.mixing.to(z), z)

    def undone(self, z: Tensor, y: Tensor) -> Tensor:
        """Give the x (C, H, W) whose noisy pictures have z (C', H, W) for their mean: without bias."""
        if self.mixing is not None:
            back = torch.linalg.pinv(self.mixing).to(z)
            beside = y if self.stabilizer is None else self.stabilizer.forward(y)
            z = beside + torch.einsum("ij,jhw->ihw", back, z - self.whitened(y))
        return z if self.stabilizer is None else self.stabilizer.inverse(z)

    def restored(self, z: Tensor, y: Tensor, strength: float = 1.0) -> Tensor:
        """Give the restored picture for ẑ: flat areas as in y, and less of the noise taken out at will."""
        x = self.undone(z, y)
        if self.cut_off is not None:
            x = self.cut_off.undone(x)
        if self.flat is not None:
            x = torch.where(self.flat.to(x.device), y, x)
        return x if strength >= 1.0 else torch.lerp(y, x, strength)

    def scaled(self, factor: float, offset: float) -> Law:
        """Give the law of the picture factor · y + offset, as another file of other numbers holds it."""
        if factor == 1.0 and offset == 0.0:
            return self
        level = self.level.scaled(factor, offset)
        low, high = (factor * end + offset for end in (self.low, self.high))
        if self.stabilizer is None:  # z is y, or what is mixed of it
            noise = replace(self.noise, sigma=factor * self.noise.sigma)
            cut_off = None if self.cut_off is None else self.cut_off.scaled(factor, offset)
            return replace(self, noise=noise, level=level, low=low, high=high, cut_off=cut_off)
        stabilizer = Stabilizer(level, low, high)  # of the same z
        noise = self.noise
        if isinstance(noise, StabilizedNoise):
            noise = replace(noise, stabilizer=stabilizer)
        return replace(self, noise=noise, level=level, low=low, high=high, stabilizer=stabilizer)

    def levels(self) -> tuple[float, float]:
        """Give the standard deviation of the noise in the dark and in the light, in units of y."""
        ends = torch.tensor([self.low, self.high]).expand(len(self.level.read), -1)
        dark, light = self.level.variance(ends).mean(0).sqrt().tolist()
        return dark, light

    def sentence(self) -> str:
        """Say the law, on the scale on which white is 255, or the brightest of a picture in less."""
        narrow = self.stabilizer is not None and not NARROW <= self.high - self.low <= WIDE
        unit = 255.0 / (self.high - self.low) if narrow else 255.0
        scale = "255 of its own range" if narrow else "255"
        if self.level.is_constant:
            words = f"σ {unit * self.sigma:.1f} of {scale}"
        else:
            dark, light = (unit * level for level in self.levels())
            goes = "grows" if light >= dark else "falls"
            name = "" if self.kind is Kind.FREE else f"{self.kind}, "
            words = f"{name}{goes} with brightness: σ {dark:.1f} in the dark, {light:.1f} in the light, of {scale}"
        if self.noise.kernel is not None:
            words += ", shared by neighbours"
        if self.mixing is not None:
            words += ", shared by the colours"
        return words

    def as_dict(self) -> dict[str, Any]:
        """Give plain values for the JSON report; levels and gains on the scale on which white is 255."""
        dark, light = self.levels()
        level = self.level

        def scaled(values: Tensor, by: float) -> list[float]:
            return [float(f"{by * v:.6g}") for v in values.tolist()]

        return {
            "sentence": self.sentence(),
            "kind": str(self.kind),
            "sigma": float(f"{255 * self.sigma:.6g}"),
            "sigma_dark": float(f"{255 * dark:.6g}"),
            "sigma_light": float(f"{255 * light:.6g}"),
            "read": scaled(level.read, 255),
            "gain": scaled(level.gain, 255),
            "speckle": scaled(level.speckle, 1),
            "black": scaled(level.black, 255),
            "curve": None
            if level.free is None
            else [
                {"brightness": scaled(x, 255), "sigma": scaled(s, 255)}
                for x, s in zip(*level.free, strict=True)
            ],
            "shared_by_neighbours": self.noise.kernel is not None,
            "shared_by_colours": self.mixing is not None,
            "flat_share": 0.0 if self.flat is None else round(float(self.flat.float().mean()), 6),
            "doubt": None if self.doubt is None else str(self.doubt),
        }
