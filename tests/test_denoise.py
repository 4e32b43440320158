"""Denoising: what happens to the network's answer."""

import pytest
import torch
from pictures import bundled, psnr
from test_restoration import prepared, solved

from chnorm_cli.classical.nonlocal_filter import nonlocal_filter
from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.mixture import mixed
from chnorm_cli.fitting.recipes import RECORRUPT
from chnorm_cli.fitting.settings import Effort, FirstGuess, FitSettings
from chnorm_cli.noise.gaussian import Noise
from chnorm_cli.restoration import prepare_denoise


def test_last_nonlocal_passes_polish_the_answer_but_not_for_who_interrupts(monkeypatch):
    pilots, polished, weighed = [], [], []
    restoration = prepared("denoise", effort=Effort.NORMAL, steps=3)
    observed = restoration._problem.observation

    def watched(y, noise, passes, pilot=None):
        x = nonlocal_filter(y, noise, passes, pilot)
        if pilot is not None and y is observed:
            pilots.append(pilot)
            polished.append(x)
        return x

    def watched_mixture(estimates, weights):
        weighed.append(estimates)
        return mixed(estimates, weights)

    monkeypatch.setattr("chnorm_cli.restoration.denoiser.nonlocal_filter", watched)
    monkeypatch.setattr("chnorm_cli.restoration.denoising.mixed", watched_mixture)
    steps = iter(restoration)
    next(steps)
    assert restoration.best_so_far() is not None
    assert not pilots
    list(steps)
    assert len(pilots) == len(RECORRUPT[Effort.NORMAL].polish) > 1
    estimates = [pilots[0], *polished]
    for count, pilot in enumerate(pilots, start=1):
        assert torch.equal(pilot, torch.stack(estimates[:count]).mean(0))
    assert all(torch.equal(*pair) for pair in zip(weighed[0][1:], estimates, strict=True))


def test_an_estimate_that_is_bad_where_the_truth_is_known_counts_little(monkeypatch):
    def brighter_each_time(y, noise, passes, pilot=None):
        return nonlocal_filter(y, noise, passes) if pilot is None else pilot + 0.2

    settings = {"effort": Effort.NORMAL, "steps": 3}
    whole, _ = solved(prepared("denoise", **settings))
    monkeypatch.setattr("chnorm_cli.restoration.denoiser.nonlocal_filter", brighter_each_time)
    wary, _ = solved(prepared("denoise", **settings))
    assert abs(wary.pixels - whole.pixels).mean() < 0.03  # their plain mean is 0.2 brighter


def test_trials_are_whole_even_where_time_runs_out_meanwhile(monkeypatch):
    calls = []

    def short_after_the_last_pass(self, seconds):
        calls.append(seconds)
        return len(calls) > len(RECORRUPT[Effort.NORMAL].polish) + 1

    monkeypatch.setattr(Budget, "short_of", short_after_the_last_pass)
    solution, _ = solved(prepared("denoise", effort=Effort.NORMAL, steps=3))
    assert len(calls) == len(RECORRUPT[Effort.NORMAL].polish) + 1
    assert solution.pixels.std() > 0


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


def short_best(steps, *, channels=1, **options):
    """The best effort with few steps, on a crop."""
    x = bundled("coffee")[:channels, 100:164, 100:164]
    noise = 25 / 255 * torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    pixels = (x + noise).movedim(0, -1).contiguous().numpy()
    settings = FitSettings(**{"effort": Effort.BEST} | options, steps=steps)
    return prepare_denoise(pixels, sigma=25, settings=settings)


def test_best_learns_from_its_answer_and_from_drawings():
    restoration = short_best(20)
    _, steps = solved(restoration)
    assert [step.index for step in steps] == list(range(1, 21))
    assert [step.stage for step in steps] == ["from the guess"] * 6 + ["from the answer"] * 14


@pytest.mark.parametrize(("unlike", "share"), [(0.1, 0.2), (0.6, 0.0)])
def test_a_second_answer_counts_unless_it_has_not_learnt_enough(unlike, share):
    restoration = short_best(10)
    solved(restoration)
    first = torch.rand(1, 64, 64)
    second = first + unlike * restoration._problem.sigma
    combined = restoration._fit.combine([first, second])
    assert torch.allclose(combined, torch.lerp(first, second, share))


def test_who_interrupts_best_gets_what_the_first_fit_has():
    restoration = short_best(40)
    steps = iter(restoration)
    for _ in range(3):
        next(steps)
    best = restoration.best_so_far()
    steps.close()
    x = bundled("coffee")[:1, 100:164, 100:164]
    assert psnr(torch.from_numpy(best.pixels).movedim(-1, 0), x) > 24  # the first guess at least


def test_in_a_short_time_best_has_one_fit():
    _, steps = solved(short_best(6, time=100.0))
    assert {step.stage for step in steps} == {"fit"}


@pytest.mark.parametrize(
    ("channels", "effort"), [(3, Effort.BEST), (1, Effort.NORMAL), (1, Effort.FAST)]
)
def test_only_best_in_gray_learns_twice(channels, effort):
    _, steps = solved(short_best(4, channels=channels, effort=effort))
    assert {step.stage for step in steps} == {"fit"}
