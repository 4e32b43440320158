"""chnorm with a restoration that costs nothing; `FAKE` in the environment says how it behaves.

Spawned workers import this file as their main module, so the pool sees the same restoration.
"""

import hashlib
import os
import sys
import time
import types

import numpy as np

from chnorm_cli.fitting.solution import ErrorMap, Outcome, Solution, Step

FAKE = dict(item.split("=") for item in os.environ.get("FAKE", "").split() if item)


class FakeRestoration:
    def __init__(self, pixels, sigma, settings, uncertainty=False):
        self.uncertainty = uncertainty
        self.activity = "first guess"
        self.header = {
            "device": "cpu, 2 threads",
            "generator": "fake 8-8, 1,234 parameters",
            "noise": "σ 25.0 (estimated)",
        }
        self.pixels, self.sigma, self.settings = pixels, sigma, settings
        self.step = None
        self.solved = None

    def __iter__(self):
        steps = self.settings.steps or int(FAKE.get("steps", "20"))
        pause = float(FAKE.get("pause", "0"))
        time.sleep(float(FAKE.get("guess", "0")))
        start = time.monotonic()
        if FAKE.get("die") == "memory":
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 10 bytes")
        if FAKE.get("die") == "stuck":  # in C code that has let go of the interpreter
            hashlib.pbkdf2_hmac("sha256", b"", b"", 100_000_000)
        if FAKE.get("die") == "kill":
            os.kill(os.getpid(), 9)
        if FAKE.get("die") == "device":
            raise DeviceError("cuda was asked for, and torch sees no CUDA device")
        for index in range(1, steps + 1):
            time.sleep(pause)
            layers = {f"layer {i}": 0.01 * (i + 1) / index for i in range(6)}
            self.step = Step(
                index,
                0.05 / index,
                0.2 / index**0.5,
                layers,
                time.monotonic() - start,
                "fit" if index < 0.8 * steps else "refit on all",
                index / steps,
                "variance: 63 of 100 steps past its minimum",
            )
            yield self.step
        self.solved = self._solution(
            Outcome.DIVERGED if FAKE.get("die") == "diverge" else Outcome.SPLIT_CHECK
        )

    @property
    def solution(self):
        if self.solved is None:
            raise RuntimeError("not over")
        return self.solved

    def best_so_far(self):
        return None if self.step is None else self._solution(Outcome.INTERRUPTED)

    def _solution(self, outcome):
        step = self.step
        return Solution(
            self.pixels,
            outcome,
            step.index,
            step.seconds,
            step.loss,
            step.grad_norm,
            step.layer_grad_norms,
            self.sigma or 25.0,
            self.sigma is None,
            noise=None,
            device="cpu",
            generator="fake 8-8",
            parameters=1234,
            plan={"fit": "prior", "threads": self.settings.threads},
            notes=("a note for people",),
            error_map=self._error_map() if self.uncertainty else None,
            expected_rms=0.02 if self.uncertainty else None,
        )

    def _error_map(self):
        error = np.full(self.pixels.shape[:2], 0.02, np.float32)
        error[0, 0] = np.nan
        return ErrorMap(error, 0.5)


class DeviceError(RuntimeError):
    pass


def prepare_denoise(pixels, *, sigma=None, settings, uncertainty=False, **said):
    return FakeRestoration(pixels, sigma, settings, uncertainty)


def prepare_inpaint(pixels, missing, *, sigma=None, settings, uncertainty=False, **said):
    filled = np.where(missing[..., None], np.float32(0.5), pixels)
    return FakeRestoration(filled, sigma, settings, uncertainty)


def prepare_superres(pixels, scale, *, kernel="bicubic", settings, uncertainty=False, **said):
    large = pixels.repeat(scale, 0).repeat(scale, 1)
    return FakeRestoration(large, None, settings, uncertainty)


def law_of_planes(*_, **__):
    """No planes share a law here."""


def law_as_said(*_, **__):
    """No planes are restored together here."""


def law_on_plane(*_, **__):
    raise AssertionError("there is no law")


def is_near(*_):
    raise AssertionError("there is no law")


with_neighbours = is_near


def spread(count, size):
    return range(count)


module = types.ModuleType("chnorm_cli.restoration")
for name in (
    *("prepare_denoise", "prepare_inpaint", "prepare_superres", "DeviceError"),
    *("law_of_planes", "law_on_plane", "spread", "law_as_said"),
    *("is_near", "with_neighbours"),
):
    setattr(module, name, globals()[name])

if __name__ in ("__main__", "__mp_main__"):
    sys.modules["chnorm_cli.restoration"] = module

if __name__ == "__main__":
    from chnorm_cli.cli import main

    sys.exit(main())
