"""What is learnt from windows of a picture: as from the whole in tiles, and it can be sent."""

import dataclasses
import os
import pickle
from enum import Enum
from typing import get_args, get_type_hints

import pytest
import torch
from pictures import bundled, psnr

from chnorm_cli.fitting.settings import Effort, Fit, FitSettings
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.noise import finding
from chnorm_cli.restoration import prepare_denoise
from chnorm_cli.restoration.beginning import Said
from chnorm_cli.restoration.tiles import from_parts, tiled
from chnorm_cli.restoration.tiles.from_parts import Parts, learn_to_denoise
from chnorm_cli.restoration.tiles.sending import KINDS, WORDS, WORKS, packed, unpacked
from chnorm_cli.restoration.tiles.tile_work import Place
from chnorm_cli.restoration.tiles.tiled import joined
from chnorm_cli.restoration.tiles.tiling import choose_tiling


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch):
    for module in (tiled, from_parts):
        monkeypatch.setattr(module, "PART", 40)
    for module in (finding, from_parts):
        monkeypatch.setattr(module, "WINDOW", 32)
        monkeypatch.setattr(module, "WINDOWS", 2)
    monkeypatch.setattr(finding, "MOST_PIXELS", 4096)


def noisy(truth, sigma=25 / 255):
    return truth + sigma * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))


def lesson(y, said=None, jpeg=None, **settings):
    pixels = y.movedim(0, -1).numpy()
    asked = FitSettings(effort=Effort.FAST, device="cpu", **settings)
    tiling = choose_tiling(256, (*y.shape,))
    parts = Parts(lambda rows, columns: pixels[rows, columns], (*y.shape[1:],), jpeg)
    return learn_to_denoise(parts, said or Said(), asked, tiling)


def test_what_is_learnt_from_windows_is_what_is_learnt_from_the_whole():
    truth = bundled("astronaut")[:, 60:130, 60:340]
    y = noisy(truth)
    learnt = lesson(y, Said(sigma=25), steps=3)
    assert len(list(learnt.restoration)) == 3
    settings = FitSettings(effort=Effort.FAST, device="cpu", steps=3, tile=256)
    whole = prepare_denoise(y.movedim(0, -1).numpy(), sigma=25, settings=settings)
    list(whole)
    work = unpacked(packed(learnt.learnt()))
    parts = joined(work, y, 256)
    assert torch.equal(parts.movedim(0, -1), torch.from_numpy(whole.solution.pixels))
    assert psnr(parts, truth) > psnr(y, truth) + 8


def test_a_clean_picture_is_left_as_it_is():
    learnt = lesson(torch.zeros(1, 64, 64))
    list(learnt.restoration)
    assert learnt.learnt is None
    assert learnt.restoration.solution.outcome is Outcome.CLEAN


def test_less_of_the_noise_is_removed_and_bad_pixels_are_filled():
    truth = 0.2 + 0.6 * torch.linspace(0, 1, 300).expand(1, 100, 300)
    y = noisy(truth)
    random = torch.Generator().manual_seed(1)
    y[torch.rand(y.shape, generator=random) < 0.01] = 1.5
    learnt = lesson(y, Said(sigma=25), steps=2)
    list(learnt.restoration)
    assert learnt.restoration.solution.notes == (from_parts.FAULTS,)
    assert psnr(joined(learnt.learnt(), y, 256), truth) > 30
    half = lesson(noisy(truth), Said(sigma=25, strength=0.5), steps=2)
    list(half.restoration)
    left = joined(half.learnt(), noisy(truth), 256) - truth
    assert 0.4 < float(left.std()) * 255 / 25 < 0.6


def test_the_work_of_other_laws_can_be_sent_too():
    truth = bundled("astronaut")[:, 60:130, 60:340]
    for said, settings in (
        (Said(sigma=25), {"fit": Fit.PRIOR, "steps": 2}),
        (Said(noise="poisson"), {"steps": 2, "normalization": "none"}),
    ):
        learnt = lesson(noisy(truth), said, **settings)
        list(learnt.restoration)
        work = learnt.learnt()
        y = noisy(truth)[:, :40, :50]
        place = Place(3)
        assert torch.equal(
            unpacked(packed(work)).restore(y, None, place), work.restore(y, None, place)
        )


def held_by(kind, found):
    """The classes of ours that fields of a kind of work may hold, and of their fields."""
    if dataclasses.is_dataclass(kind) and kind not in found:
        found.add(kind)
        for hint in get_type_hints(kind).values():
            held_by(hint, found)
    elif isinstance(kind, type) and issubclass(kind, Enum):
        found.add(kind)
    for part in get_args(kind):
        held_by(part, found)
    return found


def test_everything_that_a_work_may_hold_can_be_read_again():
    held = set().union(*(held_by(work, set()) for work in WORKS))
    assert held <= {*KINDS, *WORDS}


def test_bytes_that_hold_anything_else_are_refused():
    class Evil:
        def __reduce__(self):
            return os.system, ("true",)

    for data in (b"nonsense", pickle.dumps(1, 2)):
        with pytest.raises(ValueError, match="cannot be read again"):
            unpacked(data)
    with pytest.raises(ValueError, match="cannot be read again"):
        unpacked(packed(Evil()))
