"""Denoising: what happens to the network's answer."""

import torch
from pictures import bundled, psnr
from test_restoration import prepared, solved

from chnorm_cli.fitting.recipes import RECORRUPT
from chnorm_cli.fitting.settings import Effort, FirstGuess, FitSettings
from chnorm_cli.problems.noise import Noise
from chnorm_cli.problems.nonlocal_filter import nonlocal_filter
from chnorm_cli.restoration import prepare_denoise


def test_last_nonlocal_passes_polish_the_answer_but_not_for_who_interrupts(monkeypatch):
    pilots, polished = [], []

    def watched(y, noise, passes, pilot=None):
        x = nonlocal_filter(y, noise, passes, pilot)
        if pilot is not None:
            pilots.append(pilot)
            polished.append(x)
        return x

    monkeypatch.setattr("chnorm_cli.restoration.denoise.nonlocal_filter", watched)
    restoration = prepared("denoise", effort=Effort.NORMAL, steps=3)
    steps = iter(restoration)
    next(steps)
    assert restoration.best_so_far() is not None
    assert not pilots
    list(steps)
    assert len(pilots) == len(RECORRUPT[Effort.NORMAL].polish) > 1
    estimates = [pilots[0], *polished]
    for count, pilot in enumerate(pilots, start=1):
        assert torch.equal(pilot, torch.stack(estimates[:count]).mean(0))
    answer = torch.from_numpy(restoration.solution.pixels).movedim(-1, 0)
    assert torch.equal(answer, torch.stack(estimates).mean(0))


def shared_noise(x):
    kernel = torch.outer(torch.tensor([0.5, 1.0, 0.5]), torch.tensor([0.5, 1.0, 0.5]))
    noise = Noise(20 / 255, torch.eye(3)[..., None, None] * kernel / kernel.norm())
    return noise.added_to(x, torch.Generator().manual_seed(1))


def test_noise_that_neighbours_share_is_found_drawn_and_removed():
    x = bundled("coffee")[:, :192, :192]
    y = shared_noise(x)
    pixels = y.movedim(0, -1).contiguous().numpy()
    settings = FitSettings(effort=Effort.FAST, steps=5)
    solution, _ = solved(prepare_denoise(pixels, settings=settings))
    assert 20 < solution.sigma < 32
    assert psnr(torch.from_numpy(solution.pixels).movedim(-1, 0), x) > psnr(y, x) + 3
    assert any("neighbouring pixels share their noise" in note for note in solution.notes)


def test_without_a_first_guess_the_answer_is_the_networks_alone():
    pixels = shared_noise(bundled("coffee")[:, :192, :192]).movedim(0, -1).contiguous().numpy()
    settings = FitSettings(effort=Effort.FAST, steps=2, first_guess=FirstGuess.NONE)
    restoration = prepare_denoise(pixels, settings=settings)
    solved(restoration)
    answer = torch.zeros(3, 192, 192)
    assert torch.equal(restoration._fit.finish([answer]), answer)
