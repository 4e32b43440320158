"""Fillings: observed pixels stay, holes become plausible, the better method is better."""

import pytest
import torch
from pictures import bundled, psnr

from chnorm_cli.classical import guesses
from chnorm_cli.classical.first_guess import first_guess
from chnorm_cli.classical.guesses import fill_guess, helpful_strengths, plug_and_play
from chnorm_cli.problems.names import FirstGuess
from chnorm_cli.problems.operators import Downsample, Identity, Mask
from chnorm_cli.problems.problem import Problem

STRENGTHS = (16.0, 12.0, 8.0)


def crop(size=48, channels=3):
    return bundled("astronaut")[:channels, 60 : 60 + size, 200 : 200 + size]


def half_known(size=48):
    return torch.rand(size, size, generator=torch.Generator().manual_seed(0)) > 0.5


@pytest.mark.parametrize("guess", FirstGuess)
@pytest.mark.parametrize("channels", [1, 3])
def test_observed_pixels_stay_bit_for_bit(guess, channels):
    y, known = crop(channels=channels), half_known()
    filled = fill_guess(guess, STRENGTHS)(y * known, known)
    assert filled.shape == y.shape
    assert torch.equal(filled[:, known], y[:, known])
    assert torch.isfinite(filled).all()


@pytest.mark.parametrize("guess", FirstGuess)
def test_what_lies_behind_the_holes_does_not_matter(guess):
    y, known = crop(), half_known()
    fill = fill_guess(guess, STRENGTHS)
    assert torch.allclose(fill(y * known, known), fill(torch.where(known, y, 0.77), known))


def test_better_methods_are_better():
    truth, known = crop(), half_known()
    none, classical, nonlocal_ = (
        psnr(fill_guess(g, STRENGTHS)(truth * known, known), truth)
        for g in (FirstGuess.NONE, FirstGuess.CLASSICAL, FirstGuess.NONLOCAL)
    )
    assert none + 3 < classical
    assert classical + 0.15 < nonlocal_


@pytest.mark.parametrize("guess", FirstGuess)
@pytest.mark.parametrize("size", [(1, 2), (3, 1), (2, 2), (9, 5)])
def test_tiny_pictures(guess, size):
    known = torch.ones(size, dtype=torch.bool)
    known[0, 0] = False
    y = torch.rand(3, *size, generator=torch.Generator().manual_seed(0)) * known
    filled = fill_guess(guess, STRENGTHS)(y, known)
    assert torch.equal(filled[:, known], y[:, known])
    assert torch.isfinite(filled).all()


def test_a_problem_says_its_sizes_and_what_was_observed():
    y = torch.rand(3, 4, 6)
    assert torch.equal(Problem(y, Identity((4, 6))).observed, torch.ones(4, 6))
    known = half_known(4)[:, :4]
    assert torch.equal(Problem(y[..., :4], Mask(known)).observed, known.float())
    small = Problem(y, Downsample((4, 6), 3))
    assert (small.size, small.channels) == ((12, 18), 3)
    assert small.observed.shape == (4, 6)


def search(truth, known, enough=0.003, **options):
    """Give the strengths that help where `known` is false, and what they make of the smooth filling."""
    operator = Mask(known.float())
    start = first_guess(operator, truth * known)

    def error(x):
        return float((x - truth).square()[:, ~known].sum())

    return (
        start,
        operator,
        helpful_strengths(start, truth * known, operator, error, enough=enough, most=24, **options),
    )


def test_strengths_that_helped_do_again_what_they_did():
    truth, known = crop(64), half_known(64)
    start, operator, (strengths, reached) = search(truth, known)
    assert len(strengths) > 3
    assert strengths == sorted(strengths, reverse=True)
    assert psnr(reached, truth) > psnr(start, truth) + 0.3
    assert torch.equal(plug_and_play(start, truth * known, operator, strengths), reached)


def test_who_is_content_with_less_stays_longer_at_a_strength():
    truth, known = crop(64), half_known(64)
    _, _, (hasty, _) = search(truth, known, enough=0.02)
    _, _, (patient, _) = search(truth, known, enough=0.0)
    assert max(map(patient.count, patient)) > max(map(hasty.count, hasty))


def test_momentum_arrives_sooner_where_many_iterations_lead(monkeypatch):
    truth, known = crop(), half_known()
    operator = Mask(known.float())
    start = first_guess(operator, truth * known)

    def settled(momentum, iterations):
        monkeypatch.setattr(guesses, "MOMENTUM", momentum)
        return plug_and_play(start, truth * known, operator, (12.0,) * iterations)

    usual = guesses.MOMENTUM
    end = settled(0.0, 30)
    assert psnr(settled(usual, 6), end) > psnr(settled(0.0, 6), end) + 2.0


def test_nothing_helps_where_there_is_no_time_or_nothing_to_gain():
    truth, known = crop(), half_known()
    start, operator, (strengths, x) = search(truth, known, go_on=lambda: False)
    assert strengths == []
    assert x is start
    y = truth * known
    assert plug_and_play(start, y, operator, STRENGTHS, go_on=lambda: False) is start
    _, _, (strengths, x) = search(torch.full_like(truth, 0.5), known)
    assert strengths == []
    assert torch.equal(x, torch.full_like(truth, 0.5))
